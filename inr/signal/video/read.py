"""Reading videos and animations of any format."""

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
# A packet of MPEG-TS has 188 bytes, and is told by the three that follow.
START_BYTES = 4 * 188
# Ratio of the longest and the shortest time between frames that count as evenly spaced: times are
# rounded to a millisecond or a hundredth of a second.
UNEVEN = 1.6
SLACK_SECONDS = 5e-4


class Format(NamedTuple):
    """A container.

    Attributes:
        magic: Regular expression of the first bytes.
        demuxer: FFmpeg's name of the container; None for animations, which Pillow decodes.
    """

    magic: bytes
    demuxer: str | None = None


FORMATS = {
    # The brands of pictures and of sound alone are left out.
    "MP4": Format(rb"\0...ftyp(?!M4[AB] |heic|heix|mif1|msf1|avif|avis|crx )", "mp4"),
    "QuickTime": Format(rb"\0...(moov|mdat|wide|free|skip)", "mov"),
    "Matroska": Format(rb"\x1a\x45\xdf\xa3", "matroska"),
    "AVI": Format(rb"RIFF....AVI ", "avi"),
    "MPEG": Format(rb"\0\0\x01[\xba\xb3]", "mpeg"),
    "Flash": Format(rb"FLV\x01", "flv"),
    "WMV": Format(rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    "Ogg": Format(rb"OggS.{24,36}\x80theora", "ogg"),
    "GIF": Format(rb"GIF8[79]a"),
    "WebP": Format(rb"RIFF....WEBP"),
    "PNG": Format(rb"\x89PNG\r\n\x1a\n"),
    # Last, since its packets start with no more than a G.
    "MPEG-TS": Format(rb"(\x47.{187}){3}(\x47|\Z)", "mpegts"),
}


def is_video(path: str | os.PathLike[str]) -> bool:
    """Whether a file starts as videos do, or is an animation of two frames or more."""
    try:
        file = find_file(path, WHAT)
        form = _find_format(file)
    except (OSError, RejectedError):
        return False
    if form is None:
        return False
    return FORMATS[form].demuxer is not None or pillow.is_animated(file, form.upper())


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
    """Reads a video or a part of it, whose content tells the format.

    Animated GIF, WebP and PNG need no extra, everything else the package ``av``.

    Args:
        path: The file.
        start: Start of the part, in seconds.
        seconds: Length of the part; None reads to the end.
        frames: Most frames to take; None takes all.
        every: Takes one of so many frames.
        prepare: Function that crops and resizes the pixels of a frame, ``(H, W, C)`` uint8.
        max_pixels: Most pixels to take, of all frames together.

    Raises:
        OSError: The file cannot be read.
        MissingExtraError: The format needs an optional package.
        ValueError: The file is no video, cut off, empty or too large; the message is one line.
    """
    check_positive("start", start, zero=True)
    if seconds is not None:
        check_positive("seconds", seconds)
    if frames is not None:
        check_count("frames", frames)
    check_count("every", every)
    check_count("max_pixels", max_pixels)
    file = find_file(path, WHAT)
    form = _find_format(file)
    if form is None:
        raise file.reject(
            f"is no video in a known format (it starts with {file.start[:8]!r})",
            ", ".join(FORMATS),
            "Convert it to MP4 or GIF.",
        )
    part = _Part(file, form, start, seconds, frames, every, prepare, max_pixels)
    with ExitStack() as opened:
        with file.rejecting(form):
            stream = opened.enter_context(part.open())
        part.collect(stream)
        return part.join(stream)


def _find_format(file: SourceFile) -> str | None:
    start = read_start(file.path, file.name, file.what, START_BYTES)
    return next((k for k, form in FORMATS.items() if re.match(form.magic, start, re.DOTALL)), None)


@dataclass
class _Part:
    """The part of a file to read, and the frames taken of it."""

    file: SourceFile
    form: str
    start: float
    seconds: float | None
    frames: int | None
    every: int
    prepare: Callable[[np.ndarray], np.ndarray]
    max_pixels: int
    kept: list[np.ndarray] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def open(self) -> AbstractContextManager[Stream]:
        demuxer, limit = FORMATS[self.form].demuxer, self.max_pixels
        if demuxer is None:
            return pillow.open_stream(self.file, self.form.upper(), max_pixels=limit)
        return ffmpeg.open_stream(self.file, demuxer, start=self.start, max_pixels=limit)

    def collect(self, stream: Stream) -> None:
        """Takes frames until there are enough."""
        end = math.inf if self.seconds is None else self.start + self.seconds
        # The frames after the last one of the part need not even decode.
        while self.frames is None or len(self.kept) < self.frames:
            with self._decoding():
                frame = next(stream.frames, None)
            if frame is None or frame.time >= end - SLACK_SECONDS:
                break
            if frame.time < self.start - SLACK_SECONDS:
                continue
            if len(self.times) % self.every == 0:
                with self._decoding():
                    pixels = frame.draw()
                self._keep(self.prepare(pixels), stream)
            self.times.append(frame.time)

    @contextmanager
    def _decoding(self) -> Iterator[None]:
        """Turns whatever a decoder raises into a rejection."""
        with self.file.rejecting(self.form):
            try:
                yield
            except DamagedError as error:
                some = f", or fit what is there with frames={len(self.kept)}"
                raise self.file.reject(
                    f"is cut off or damaged ({error})",
                    f"a whole {self.form} file",
                    f"Re-save it{some if self.kept else ''}.",
                ) from None

    def _keep(self, pixels: np.ndarray, stream: Stream) -> None:
        if not self.kept:
            self._check_pixels(self._expect(stream), pixels)
        elif pixels.shape != self.kept[0].shape:
            (height, width), (h, w) = self.kept[0].shape[:2], pixels.shape[:2]
            raise self.file.reject(
                f"changes from {width} x {height} to {w} x {h} pixels",
                "frames of one size",
                f"Use size=[{height},{width}], or fit those before with frames={len(self.kept)}.",
            )
        self.kept.append(pixels)
        self._check_pixels(len(self.kept), pixels)

    def _expect(self, stream: Stream) -> int:
        """The number of frames that will be kept, as far as the file tells."""
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

    def join(self, stream: Stream) -> Video:
        """The frames that were taken as one array."""
        if not self.kept:
            after = f" at start={self.start:g} or after" if self.start else ""
            raise self.file.reject(
                f"has no frames{after}", "one at least", "Use start=0 or check the file."
            )
        rate, notes = self._find_rate(stream)
        whole = np.empty((len(self.kept), *self.kept[0].shape), np.uint8)
        for number in range(len(self.kept)):
            whole[number] = self.kept[number]
            # So that there are never two copies of all.
            self.kept[number] = whole[:0, 0]
        return Video(whole, rate / self.every, self.form, (*stream.notes, *notes))

    def _find_rate(self, stream: Stream) -> tuple[Fraction, tuple[str, ...]]:
        """Frames per second: what the file says if its times agree, or else the average."""
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
