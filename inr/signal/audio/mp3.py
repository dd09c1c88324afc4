"""The length of an MP3 that does not say it, by counting its frames.

libsndfile guesses it by the size of the first frames, and loses half of a recording at a variable
bit rate, takes tags for sound, and stops between frames that are apart:
``test_an_mp3_that_does_not_say_its_length_is_read_to_its_end``.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# Layer III of ISO/IEC 11172-3 (MPEG 1) and 13818-3 (MPEG 2, and 2.5 with half its rates).
KILOBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
KILOBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
SYNC = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]")
# Mark and flags of a frame that says how many there are.
LENGTH = re.compile(rb"(Xing|Info)\0\0\0[\1\3\5\7\x09\x0b\x0d\x0f]")
# Index of a bit rate whose frames have room for the length.
ROOMY = 9


class Mp3Frame(NamedTuple):
    """The place of a frame, and the version and rate that all frames of a recording share."""

    start: int
    end: int
    kind: tuple[int, int]


def find_length(path: Path) -> tuple[Path | io.BytesIO, bool]:
    """What to decode, and whether the file itself says how long it is.

    Returns:
        The file where it says its length or has no frames; otherwise its frames behind a frame
        that says how many they are.
    """
    data = path.read_bytes()
    frames = list(find_frames(data))
    if not frames:
        return path, False
    if LENGTH.search(data, frames[0].start, frames[0].end):
        return path, True
    found = [data[frame.start : frame.end] for frame in frames]
    return io.BytesIO(b"".join([make_length(found[0], len(found)), *found])), False


def find_frames(data: bytes) -> Iterator[Mp3Frame]:
    """Yields the whole frames of the kind of the first, and skips what is between them."""
    frame = seek_frame(data, skip_tags(data), None)
    while frame is not None:
        yield frame
        following = read_header(data, frame.end)
        if following is None or following.kind != frame.kind:
            following = seek_frame(data, frame.end, frame.kind)
        frame = following


def skip_tags(data: bytes) -> int:
    """The end of the tags at the start of a file."""
    place = 0
    while data[place : place + 3] == b"ID3" and len(data) >= place + 10:
        flags, *sizes = data[place + 5 : place + 10]
        size = sum(part << shift for part, shift in zip(sizes, (21, 14, 7, 0), strict=True))
        place += 10 + size + (10 if flags & 0x10 else 0)
    return place


def seek_frame(data: bytes, place: int, kind: tuple[int, int] | None) -> Mp3Frame | None:
    """The next frame that another frame or the end follows: two bytes alone may be anything."""
    for found in SYNC.finditer(data, place):
        frame = read_header(data, found.start())
        if frame is None or frame.kind != (kind or frame.kind):
            continue
        following = read_header(data, frame.end)
        if frame.end == len(data) or (following is not None and following.kind == frame.kind):
            return frame
    return None


def read_header(data: bytes, place: int) -> Mp3Frame | None:
    """The frame that starts at a place, if one does and all of it is there."""
    if not SYNC.match(data, place) or len(data) < place + 4:
        return None
    _, second, third, _ = data[place : place + 4]
    version, bits, rate = second >> 3 & 3, third >> 4, third >> 2 & 3
    if bits in (0, 15) or rate == 3:
        return None
    kilobits = (KILOBITS_1 if version == 3 else KILOBITS_2)[bits]
    size = (144_000 if version == 3 else 72_000) * kilobits // RATES[version][rate]
    end = place + size + (third >> 1 & 1)
    return Mp3Frame(place, end, (version, rate)) if end <= len(data) else None


def make_length(frame: bytes, count: int) -> bytes:
    """A silent frame that says how many frames follow, as Xing's encoder wrote it."""
    # Without a checksum and a byte of padding.
    header = bytes([frame[0], frame[1] | 1, ROOMY << 4 | frame[2] & 0x0C, frame[3]])
    is_stereo = frame[3] >> 6 != 3
    side = {(True, True): 32, (True, False): 17, (False, True): 17, (False, False): 9}
    body = bytes(side[frame[1] >> 3 & 3 == 3, is_stereo]) + b"Xing" + struct.pack(">II", 1, count)
    _, end, _ = read_header(header + bytes(4096), 0) or (0, 0, 0)
    return (header + body).ljust(end, b"\0")
