"""Reading videos and animations, whatever their format."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from inr.argument import check_count, check_positive
from inr.source_file import RejectedError, SourceFile, find_file, read_start

from . import ffmpeg, pillow
from .video import DamagedError, Stream, Video

WHAT = "a video"
START = 4 * 188  # bytes: what starts as a packet of MPEG-TS is told by the three that follow
# Times of frames are rounded to a millisecond or a hundredth of a second.
UNEVEN = 1.6
SLACK = 5e-4


class Format(NamedTuple):
    """A container.

    Attributes:
        name: What users call it.
        magic: Regular expression of what its files start with.
        decoder: FFmpeg's name of it, or Pillow's.
        is_pillow: Which of them.
    """

    name: str
    magic: bytes
    decoder: str
    is_pillow: bool = False


FORMATS = (
    # The brands of pictures and of sound alone are left out.
    Format("MP4", rb"\0...ftyp(?!M4[AB] |heic|heix|mif1|msf1|avif|avis|crx )", "mp4"),
    Format("QuickTime", rb"\0...(moov|mdat|wide|free|skip)", "mov"),
    Format("Matroska", rb"\x1a\x45\xdf\xa3", "matroska"),
    Format("AVI", rb"RIFF....AVI ", "avi"),
    Format("MPEG", rb"\0\0\x01[\xba\xb3]", "mpeg"),
    Format("Flash", rb"FLV\x01", "flv"),
    Format("WMV", rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    Format("Ogg", rb"OggS.{24,36}\x80theora", "ogg"),
    Format("GIF", rb"GIF8[79]a", "GIF", is_pillow=True),
    Format("WebP", rb"RIFF....WEBP", "WEBP", is_pillow=True),
    Format("PNG", rb"\x89PNG\r\n\x1a\n", "PNG", is_pillow=True),
    # Last: its packets start with no more than a G.
    Format("MPEG-TS", rb"(\x47.{187}){3}(\x47|\Z)", "mpegts"),
)


def is_video(path: str | os.PathLike[str]) -> bool:
    """Whether a file starts as videos do, or is an animation of two frames or more."""
    try:
        file = find_file(path, WHAT)
        form = _find_format(file)
    except (OSError, RejectedError):
        return False
    return form is not None and (not form.is_pillow or pillow.is_animated(file, form.decoder))


def read_video(
    path: str | os.PathLike[str],
    *,
    start: float = 0.0,
    seconds: float | None = None,
    frames: int | None = None,
    every: int = 1,
    prepare: Callable[[np.ndarray], np.ndarray] = lambda pixels: pixels,
    max_pixels: int = 2**27,
) -> Video:
    """Reads a video or a part of it, telling its format by its content.

    Animated GIF, WebP and PNG need no package, everything else ``av``.

    Args:
        path: The file.
        start: Of the part, in seconds.
        seconds: Length of the part; all that follows when None.
        frames: The most frames to take; all when None.
        every: Takes one of so many frames.
        prepare: Crops and resizes the pixels of a frame, ``(H, W, C)`` uint8.
        max_pixels: The most that may be taken, of all frames together.

    Raises:
        OSError: There is no file to read.
        MissingExtraError: The format needs an optional package.
        ValueError: It is no video, cut off, empty or too large; the message is one line.
    """
    check_positive("start", start, zero=True)
    if seconds is not None:
        check_positive("seconds", seconds)
    if frames is not None:
        check_count("frames", frames)
    file = find_file(path, WHAT)
    form = _find_format(file)
    if form is None:
        known = ", ".join(form.name for form in FORMATS)
        raise file.reject(
            f"is no video in a known format (it starts with {file.start[:8]!r})",
            known,
            "Convert it to MP4 or GIF.",
        )
    collector = _Collector(
        file, start, seconds, frames, check_count("every", every), prepare,
        check_count("max_pixels", max_pixels),
    )  # fmt: skip
    with ExitStack() as opened:
        with file.rejecting(form.name):
            stream = opened.enter_context(_open(file, form, start, max_pixels))
        collector.collect(stream, form.name)
        return collector.finish(stream, form.name)


def _find_format(file: SourceFile) -> Format | None:
    start = read_start(file.path, file.name, file.what, START)
    return next((form for form in FORMATS if re.match(form.magic, start, re.DOTALL)), None)


def _open(
    file: SourceFile, form: Format, start: float, max_pixels: int
) -> AbstractContextManager[Stream]:
    if form.is_pillow:
        return pillow.open_stream(file, form.decoder, max_pixels=max_pixels)
    return ffmpeg.open_stream(file, form.decoder, start=start, max_pixels=max_pixels)


@dataclass
class _Collector:
    """What is asked of a file, and what has been taken of it."""

    file: SourceFile
    start: float
    seconds: float | None
    frames: int | None
    every: int
    prepare: Callable[[np.ndarray], np.ndarray]
    max_pixels: int
    kept: list[np.ndarray] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def collect(self, stream: Stream, form: str) -> None:
        """Takes frames until there are enough."""
        end = math.inf if self.seconds is None else self.start + self.seconds
        # What comes after the last that is asked for need not even decode.
        while self.frames is None or len(self.kept) < self.frames:
            with self._decoding(form):
                frame = next(stream.frames, None)
            if frame is None or frame.time >= end - SLACK:
                break
            if frame.time < self.start - SLACK:
                continue
            if len(self.times) % self.every == 0:
                with self._decoding(form):
                    pixels = frame.draw()
                self._keep(self.prepare(pixels), stream)
            self.times.append(frame.time)

    @contextmanager
    def _decoding(self, form: str) -> Iterator[None]:
        """Turns whatever a decoder raises into a rejection."""
        with self.file.rejecting(form):
            try:
                yield
            except DamagedError as error:
                some = f", or fit what is there with frames={len(self.kept)}"
                raise self.file.reject(
                    f"is cut off or damaged ({error})",
                    f"a whole {form} file",
                    f"Re-save it{some if self.kept else ''}.",
                ) from None

    def _keep(self, pixels: np.ndarray, stream: Stream) -> None:
        if not self.kept:
            self._check_pixels(self._expect(stream), pixels)
        elif pixels.shape != self.kept[0].shape:
            sizes = [f"{p.shape[1]} x {p.shape[0]}" for p in (self.kept[0], pixels)]
            raise self.file.reject(
                f"changes from {sizes[0]} to {sizes[1]} pixels",
                "frames of one size",
                f"Use size=[{self.kept[0].shape[0]},{self.kept[0].shape[1]}], or fit those "
                f"before with frames={len(self.kept)}.",
            )
        self.kept.append(pixels)
        self._check_pixels(len(self.kept), pixels)

    def _expect(self, stream: Stream) -> int:
        """How many frames will be kept, as far as the file tells."""
        if stream.count is None:
            return 1
        rate = float(stream.rate or 0)
        ahead = stream.count - self.start * rate
        if self.seconds is not None and rate:
            ahead = min(ahead, self.seconds * rate)
        elif self.seconds is not None or (self.start and not rate):
            return 1
        count = int(ahead) // self.every
        return max(1, count if self.frames is None else min(count, self.frames))

    def _check_pixels(self, count: int, pixels: np.ndarray) -> None:
        height, width = pixels.shape[:2]
        total = count * height * width
        if total <= self.max_pixels:
            return
        shrink = math.sqrt(self.max_pixels / total)
        size = f"[{max(1, int(height * shrink))},{max(1, int(width * shrink))}]"
        raise self.file.reject(
            f"has {count:,} frames or more of {width:,} x {height:,}, {total:,} pixels",
            f"at most {self.max_pixels:,}",
            f"Use size={size}, or fewer with seconds, frames or every, or max_pixels={total}.",
        )

    def finish(self, stream: Stream, form: str) -> Video:
        """What has been taken as one array."""
        if not self.kept:
            after = f" at start={self.start:g} or after" if self.start else ""
            raise self.file.reject(
                f"has no frames{after}", "one at least", "Use start=0 or check the file."
            )
        rate, notes = self._find_rate(stream)
        shape = (len(self.kept), *self.kept[0].shape)
        whole = np.empty(shape, np.uint8)
        for number in range(len(self.kept)):
            whole[number] = self.kept[number]
            # So that there are never two copies of all.
            self.kept[number] = whole[:0, 0]
        return Video(whole, rate / self.every, form, (*stream.notes, *notes))

    def _find_rate(self, stream: Stream) -> tuple[Fraction, tuple[str, ...]]:
        """Frames per second: what the file says where it is so, or else on the average."""
        gaps = np.diff(self.times)
        if not len(gaps) or gaps.min() <= 0:
            return stream.rate or Fraction(10), ()
        is_even = gaps.max() <= UNEVEN * gaps.min()
        if is_even and stream.rate:
            return stream.rate, ()
        rate = Fraction(1 / float(gaps.mean())).limit_denominator(1001)
        if is_even:
            return rate, ()
        shortest, longest = 1000 * gaps.min(), 1000 * gaps.max()
        return rate, (
            f"frames are shown for {shortest:.0f} to {longest:.0f} ms and are taken as evenly "
            f"spaced, {float(rate):.4g} per second",
        )
