"""Recordings through libsndfile, and the lengths and widths of WAV that it gets wrong.

It takes a file that is cut off for a shorter one, a WAV of length 0, which programs leave that
write to a pipe, for an empty one, and samples with empty bits in wider containers for others:
``test_a_cut_off_file_is_rejected``, ``test_a_header_from_a_pipe_leaves_the_length_open`` and
``test_the_container_of_a_sample_counts``.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from inr.raster.quiet import muted

from . import mp3
from .recording import BITS

# libsndfile gives at least this many samples where it does not know how many there are.
ENDLESS = 2**62
# Length in bytes that a writer leaves which cannot go back to say it.
UNSAID_BYTES = 2**32 - 1
BYTES = {"ULAW": 1, "ALAW": 1, "FLOAT": 4, "DOUBLE": 8} | {k: v // 8 for k, v in BITS.items()}
# Samples of MP3 to decode before a part: a frame needs up to 23 of the shortest ones before it.
LEAD = 32 * 1152
# Samples per channel to decode at once: a header may claim more than memory holds.
BLOCK = 2**18


@contextmanager
def open_recording(path: Path, form: str) -> Iterator[tuple[Any, int | None]]:
    """Opens a file, and mutes what decoders print to the terminal.

    Args:
        path: The file.
        form: Format of the file.

    Yields:
        A ``soundfile.SoundFile``, and the samples per channel that the file claims to have; None
        where it does not say.

    Raises:
        ValueError: libsndfile cannot read the file.
    """
    import soundfile

    with muted():
        content, says_length = mp3.find_length(path) if form == "MP3" else (path, True)
        try:
            stream = soundfile.SoundFile(content)
            if form == "WAV" and (mended := _mend(path, stream)):
                stream = soundfile.SoundFile(mended)
            with stream:
                yield stream, _find_claim(stream) if says_length else None
        except soundfile.LibsndfileError as error:
            # Its whole message begins with the path.
            words = error.error_string.rstrip(".")
            is_cryptic = "SF_INFO" in words
            raise ValueError("its header makes no sense" if is_cryptic else words) from None


class _Copy(mmap.mmap):
    """A copy of a file of which only what is written takes memory, to be read as a file is."""

    def seek(self, place: int, whence: int = 0, /) -> None:
        # Files are set to a place behind their end, and a map is not.
        start = (0, self.tell(), len(self))[whence]
        super().seek(min(start + place, len(self)))


def _mend(path: Path, stream: Any) -> _Copy | None:
    """A copy of a WAV file whose header libsndfile understands; None where it does already."""
    align = re.search(r"^  Block Align +: (\d+)", stream.extra_info, re.MULTILINE)
    bits = 0 if align is None else 8 * (int(align[1]) // stream.channels)
    is_wider = BITS.get(stream.subtype, 32) < bits <= 32
    if stream.frames and not is_wider:
        return None
    with path.open("rb") as file:
        copy = _Copy(file.fileno(), 0, access=mmap.ACCESS_COPY)
    if is_wider:
        place = copy.find(b"fmt ") + 22
        copy[place : place + 2] = bits.to_bytes(2, "big" if copy[:4] == b"RIFX" else "little")
    place = copy.find(b"data\0\0\0\0") + 4
    if not stream.frames and 4 <= place < len(copy) - 4:
        copy[place : place + 4] = UNSAID_BYTES.to_bytes(4, "little")
    return copy


def _find_claim(stream: Any) -> int | None:
    """The samples per channel that a header claims, from libsndfile's log."""
    if stream.frames >= ENDLESS:
        return None
    log, width = stream.extra_info, stream.channels * BYTES.get(stream.subtype, 0)
    if frames := re.search(r"^  Frames +: (\d+)", log, re.MULTILINE):
        return max(stream.frames, int(frames[1]))
    size = re.search(r"^(?:data|  Data Size) *: (\d+)(?: \(should be (\d+)\))?", log, re.MULTILINE)
    # The log has room for some 40 chunks before the samples.
    size = size or re.search(r"^RIFF : (\d+)(?: \(should be (\d+)\))?", log, re.MULTILINE)
    if size is None or size[2] is None:
        return int(stream.frames)
    claimed, there = int(size[1]), int(size[2])
    if claimed == UNSAID_BYTES:
        return None
    width = width or max(1, there // max(1, stream.frames))
    return int(stream.frames) + (claimed - there + there % width) // width


def read_samples(stream: Any, first: int, count: int) -> tuple[np.ndarray, str]:
    """Reads ``count`` samples per channel, or as many as there are, and their subtype."""
    # ULAW and ALAW, which telephones use, stand for numbers of 16 bits.
    subtype = "PCM_16" if stream.subtype in ("ULAW", "ALAW") else stream.subtype
    bits = BITS.get(subtype)
    dtype = "float64" if subtype == "DOUBLE" else "float32"
    if bits is not None:
        dtype = "int16" if bits <= 16 else "int32"
    # The MP3 decoder does not look back far enough where it is set to a place, as it is after each
    # read: all is decoded at once.
    is_mp3 = stream.format == "MP3"
    lead = min(first, LEAD) if is_mp3 else 0
    stream.seek(first - lead)
    blocks, left = [np.zeros((0, stream.channels), dtype)], lead + count
    while left > 0:
        blocks.append(stream.read(left if is_mp3 else min(left, BLOCK), dtype, always_2d=True))
        if not len(blocks[-1]):
            break
        left -= len(blocks[-1])
    samples = np.concatenate(blocks)[lead:]
    # libsndfile spreads narrower numbers over the whole width.
    if bits == 8:
        samples = (samples >> 8).astype(np.int8)
    elif bits == 24:
        samples = samples >> 8
    return samples, subtype
