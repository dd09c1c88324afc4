"""Reading recordings of any format at the depth of their files."""

from __future__ import annotations

import math
import os
import re
from typing import Literal, NamedTuple

import numpy as np

from inr.argument import check_choice, check_count, check_positive
from inr.source_file import RejectedError, SourceFile, find_file

from .libsndfile import ENDLESS, open_recording, read_samples
from .recording import Recording

# Regular expressions of the first bytes.
FORMATS = {
    "WAV": rb"(RIFF|RIFX|RF64|BW64)....WAVE",
    "FLAC": rb"fLaC",
    "Ogg": rb"OggS(?!.*theora)",
    "AIFF": rb"FORM....AIF[FC]",
    "CAF": rb"caff\0",
    "AU": rb"\.snd",
    "Wave64": rb"riff\x2e\x91\xcf\x11",
    "MP3": rb"ID3|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]",
}
# Samples per second: more are a damaged header.
MOST_RATE = 2**24
WHAT = "an audio file"
UNSAID = "header does not say how long it is; it is read to its end"


def is_recording(path: str | os.PathLike[str]) -> bool:
    """Whether a file starts as audio files do. No more of it is read."""
    try:
        return _find_format(find_file(path, WHAT)) is not None
    except (OSError, RejectedError):
        return False


def read_recording(
    path: str | os.PathLike[str],
    *,
    start: float = 0.0,
    seconds: float | None = None,
    channel: int | None = None,
    nonfinite: Literal["reject", "zero"] = "reject",
    max_samples: int = 16_000_000,
) -> Recording:
    """Reads a recording or a part of it, whose content tells the format.

    Args:
        path: The file.
        start: Start of the part, in seconds.
        seconds: Length of the part; None reads to the end.
        channel: Number of the channel to read, from 0; None reads all.
        nonfinite: Whether NaN and infinity are rejected or read as zero.
        max_samples: Most samples to read, of all channels together.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file is no audio, cut off, empty or too long; the message is one line.
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
        raise file.reject(
            f"is no audio in a known format (it starts with {file.start[:8]!r})",
            ", ".join(FORMATS),
            "Convert it to WAV or FLAC.",
        )
    part = _Part(file, form, start, seconds, channel, check_count("max_samples", max_samples))
    with file.rejecting(form):
        recording = part.read()
        if channel is not None:
            recording = recording.with_samples(recording.samples[:, channel : channel + 1])
        return _remove_nonfinite(file, recording, zero=nonfinite == "zero")


def _find_format(file: SourceFile) -> str | None:
    return next((k for k, magic in FORMATS.items() if re.match(magic, file.start, re.DOTALL)), None)


class _Part(NamedTuple):
    """The part of a file to read."""

    file: SourceFile
    form: str
    start: float
    seconds: float | None
    channel: int | None
    max_samples: int

    def read(self) -> Recording:
        with open_recording(self.file.path, self.form) as (stream, claim):
            rate, total = stream.samplerate, stream.frames if claim is None else claim
            if total >= ENDLESS:
                # One more than allowed is enough to see that there are too many.
                total = self.max_samples // stream.channels + 1
            if rate > MOST_RATE:
                raise self.file.reject(
                    f"claims {rate:,} samples per second",
                    f"at most {MOST_RATE:,}",
                    "Check the file.",
                )
            first, count = self.find(total, rate, stream.channels)
            if claim is not None:
                self.check_whole(first + count, stream.frames, rate)
            samples, subtype = read_samples(stream, first, count)
            if claim is not None:
                self.check_whole(first + count, first + len(samples), rate)
            if not len(samples):
                raise self.no_samples()
            container = {"WAVEX": "WAV", "RF64": "WAV"}.get(stream.format, stream.format)
            notes = (UNSAID,) if claim is None else ()
            return Recording(samples, rate, container, subtype, notes)

    def no_samples(self) -> RejectedError:
        return self.file.reject("has no samples", "a recording", "Record or save it again.")

    def find(self, total: int, rate: int, channels: int) -> tuple[int, int]:
        """First sample and number of samples per channel.

        Args:
            total: Samples per channel of the whole file.
            rate: Samples per second.
            channels: C.

        Raises:
            RejectedError: The part has no samples, or too many.
        """
        reject = self.file.reject
        if total <= 0:
            raise self.no_samples()
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
                "Use more seconds.",
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

    def check_whole(self, needed: int, there: int, rate: int) -> None:
        """Rejects a file that ends before the part does.

        Args:
            needed: Samples per channel, from the start of the file to the end of the part.
            there: Samples per channel that the file has.
            rate: Samples per second.
        """
        if needed <= there:
            return
        left = round_down(there / rate - self.start)
        way = f", or fit what is there with seconds={left:g}" if left > 0 else ""
        raise self.file.reject(
            f"is cut off ({there:,} of {needed:,} samples are there)",
            f"a whole {self.form} file",
            f"Re-save it{way}.",
        )


def round_down(seconds: float) -> float:
    """A time with few digits, no longer than the given one."""
    return math.floor(seconds * 1e4) / 1e4


def _remove_nonfinite(file: SourceFile, recording: Recording, *, zero: bool) -> Recording:
    """Rejects NaN and infinity, or sets them to zero with a warning."""
    samples = recording.samples
    if samples.dtype.kind != "f":
        return recording
    finite = np.isfinite(samples)
    count = int(samples.size - np.count_nonzero(finite))
    if not count:
        return recording
    if not zero:
        raise file.reject(
            f"holds {count:,} NaN or infinite samples of {samples.size:,}",
            "finite numbers",
            "Repair it, or use nonfinite=zero.",
        )
    note = f"{count:,} NaN or infinite samples are read as 0"
    return recording.with_samples(np.where(finite, samples, 0), note)
