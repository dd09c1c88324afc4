"""Reading recordings, whatever their format, at the depth of their files."""

from __future__ import annotations

import math
import os
import re
from typing import Literal, NamedTuple

import numpy as np

from inr.argument import check_choice, check_count, check_positive
from inr.raster.quiet import muted
from inr.source_file import RejectedError, SourceFile, find_file

from . import libsndfile, mp3, wav
from .sound import Sound


class Format(NamedTuple):
    """What files of a format start with, as a regular expression."""

    name: str
    magic: bytes


FORMATS = (
    Format("WAV", rb"(RIFF|RIFX|RF64|BW64)....WAVE"),
    Format("FLAC", rb"fLaC"),
    Format("Ogg", rb"OggS(?!.*theora)"),
    Format("AIFF", rb"FORM....AIF[FC]"),
    Format("CAF", rb"caff\0"),
    Format("AU", rb"\.snd"),
    Format("Wave64", rb"riff\x2e\x91\xcf\x11"),
    Format("MP3", rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]"),
)
WHAT = "an audio file"
UNSAID = "header does not say how long it is; it is read to its end"


def is_sound(path: str | os.PathLike[str]) -> bool:
    """Whether a file starts as audio files do. No more of it is read."""
    try:
        return _find_format(find_file(path, WHAT)) is not None
    except (OSError, RejectedError):
        return False


def read_sound(
    path: str | os.PathLike[str],
    *,
    start: float = 0.0,
    seconds: float | None = None,
    channel: int | None = None,
    nonfinite: Literal["reject", "zero"] = "reject",
    max_samples: int = 16_000_000,
) -> Sound:
    """Reads a recording or a part of it, telling its format by its content.

    WAV with whole numbers or floats needs no package, everything else ``soundfile``.

    Args:
        path: The file.
        start: Of the part, in seconds.
        seconds: Length of the part; all that follows when None.
        channel: The one to read, from 0; all when None.
        nonfinite: Whether NaN and infinity are rejected or read as zero.
        max_samples: The most that may be read, of all channels together.

    Raises:
        OSError: There is no file to read.
        MissingExtraError: The format needs an optional package.
        ValueError: It is no audio, cut off, empty or too long; the message is one line.
    """
    check_positive("start", start, zero=True)
    if seconds is not None:
        check_positive("seconds", seconds)
    if channel is not None:
        check_count("channel", channel, minimum=0)
    check_choice("nonfinite", nonfinite, ("reject", "zero"))
    file = find_file(path, WHAT)
    form = _find_format(file)
    if form is None:
        known = ", ".join(form.name for form in FORMATS)
        raise file.reject(
            f"is no audio in a known format (it starts with {file.start[:8]!r})",
            known,
            "Convert it to WAV or FLAC.",
        )
    part = _Part(file, start, seconds, channel, check_count("max_samples", max_samples))
    with file.rejecting(form.name):
        sound = _read_wav(part) if form.name == "WAV" else None
        sound = _read_by_libsndfile(part, form.name) if sound is None else sound
        if channel is not None:
            sound = sound.with_samples(sound.samples[:, channel : channel + 1])
        return _remove_nonfinite(file, sound, zero=nonfinite == "zero")


def _find_format(file: SourceFile) -> Format | None:
    return next((form for form in FORMATS if re.match(form.magic, file.start, re.DOTALL)), None)


class _Part(NamedTuple):
    """What is asked of a file."""

    file: SourceFile
    start: float
    seconds: float | None
    channel: int | None
    max_samples: int

    def find(self, total: int, rate: int, channels: int) -> tuple[int, int]:
        """First sample and number of samples.

        Args:
            total: Samples per channel that there are or should be.
            rate: Of them in a second.
            channels: C.

        Raises:
            RejectedError: There are none, or too many.
        """
        reject = self.file.reject
        if total <= 0:
            raise reject("has no samples", "a recording", "Record or save it again.")
        if self.channel is not None and self.channel >= channels:
            raise reject(
                f"has no channel {self.channel}: it has {channels}",
                f"a channel from 0 to {channels - 1}",
                f"Use channel={channels - 1}.",
            )
        first = round(self.start * rate)
        if first >= total:
            raise reject(
                f"lasts {total / rate:.6g} seconds and ends before start={self.start:g}",
                "a start before that",
                "Use start=0.",
            )
        length = total - first
        if self.seconds is not None:
            length = min(length, round(self.seconds * rate))
        if length == 0:
            raise reject(
                f"has {rate} samples per second, and none in seconds={self.seconds:g}",
                "one at least",
                "Set more seconds.",
            )
        read = length * (channels if self.channel is None else 1)
        if read > self.max_samples:
            most = round_down(self.max_samples * length // read / rate)
            raise reject(
                f"claims {read:,} samples",
                f"at most {self.max_samples:,}",
                f"Fit a part with seconds={most:g}, or use max_samples={read}.",
            )
        return first, length

    def check_whole(self, needed: int, there: int, rate: int, form: str) -> None:
        """Rejects a file that ends before what is asked for.

        Args:
            needed: Samples per channel, from the first of the file.
            there: Those that it has.
            rate: Of them in a second.
            form: The file's format.
        """
        if needed <= there:
            return
        left = round_down(there / rate - self.start)
        way = f", or fit what is there with seconds={left:g}" if left > 0 else ""
        raise self.file.reject(
            f"is cut off ({there:,} of {needed:,} samples are there)",
            f"a whole {form} file",
            f"Re-save it{way}.",
        )


def round_down(seconds: float) -> float:
    """A time to type, no longer than the one that is given."""
    return math.floor(seconds * 1e4) / 1e4


def _read_wav(part: _Part) -> Sound | None:
    """The samples of a plain WAV file; None where only libsndfile decodes them."""
    path = part.file.path
    layout = wav.read_layout(path)
    if layout.subtype is None:
        return None
    total = layout.there if layout.announced is None else layout.announced
    first, count = part.find(total, layout.rate, layout.channels)
    part.check_whole(first + count, layout.there, layout.rate, "WAV")
    samples = wav.read_samples(path, layout, first, count)
    notes = (UNSAID,) if layout.announced is None else ()
    return Sound(samples, layout.rate, "WAV", layout.subtype, notes)


def _read_by_libsndfile(part: _Part, form: str) -> Sound:
    path = part.file.path
    content, says_length = mp3.find_length(path) if form == "MP3" else (path, True)
    # What decodes MP3 talks of all that it finds.
    with muted(), libsndfile.open_sound(part.file, content) as opened:
        rate, channels, announced = opened.samplerate, opened.channels, opened.frames
        if announced >= libsndfile.UNKNOWN:
            # One more than allowed is enough to see that there are too many.
            announced, says_length = part.max_samples // channels + 1, False
        first, count = part.find(announced, rate, channels)
        sound = libsndfile.read_samples(opened, first, count)
        if says_length:
            part.check_whole(first + count, first + len(sound.samples), rate, form)
        if not len(sound.samples):
            raise part.file.reject("has no samples", "a recording", "Record or save it again.")
        return sound if says_length else sound.with_samples(sound.samples, UNSAID)


def _remove_nonfinite(file: SourceFile, sound: Sound, *, zero: bool) -> Sound:
    """Rejects NaN and infinity, or sets them to zero and says so."""
    samples = sound.samples
    if samples.dtype.kind != "f":
        return sound
    finite = np.isfinite(samples)
    count = int(samples.size - np.count_nonzero(finite))
    if not count:
        return sound
    if not zero:
        raise file.reject(
            f"holds {count:,} NaN or infinite samples of {samples.size:,}",
            "finite numbers",
            "Repair it, or set them to 0 with nonfinite=zero.",
        )
    note = f"{count:,} NaN or infinite samples are read as 0"
    return sound.with_samples(np.where(finite, samples, 0), note)
