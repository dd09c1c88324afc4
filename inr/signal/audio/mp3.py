"""MP3s that do not say how long they are: their frames are counted, and put behind one that says.

What decodes MP3 guesses the length of such a file by the size of its first frames. The guess is a
little long at a constant rate, anything at a variable one, and counts the tags behind the sound.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# Of the third layer, ISO/IEC 11172-3 (MPEG 1) and 13818-3 (2, and 2.5 of half its rates).
KILOBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
KILOBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
SYNC = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]")
# With the flag that a count of frames follows.
LENGTH = re.compile(rb"(Xing|Info)\0\0\0[\1\3\5\7\x09\x0b\x0d\x0f]")
ROOMY = 9  # number of a bit rate whose frames have room for what is said


class Frame(NamedTuple):
    """Where a frame lies, and what all frames of a recording have in common."""

    start: int
    end: int
    kind: tuple[int, int]


def find_length(path: Path) -> tuple[Path | io.BytesIO, bool]:
    """What to decode, and whether the file itself says how long it is.

    Returns:
        The file where it does so or where no frames are found; else its whole frames behind one
        that says how many they are.
    """
    data = path.read_bytes()
    frames = find_frames(data)
    first = next(frames, None)
    if first is None:
        return path, False
    if LENGTH.search(data, first.start, first.end):
        return path, True
    found = [data[start:end] for start, end, _ in (first, *frames)]
    return io.BytesIO(b"".join([make_length(found[0], len(found)), *found])), False


def find_frames(data: bytes) -> Iterator[Frame]:
    """Yields the whole frames, of the kind of the first, and passes over what is between them."""
    frame = seek_frame(data, skip_tags(data), None)
    while frame is not None:
        yield frame
        following = read_header(data, frame.end)
        if following is None or following.kind != frame.kind:
            following = seek_frame(data, frame.end, frame.kind)
        frame = following


def skip_tags(data: bytes) -> int:
    """Where the tags at the start of a file end."""
    place = 0
    while data[place : place + 3] == b"ID3" and len(data) >= place + 10:
        flags, *sizes = data[place + 5 : place + 10]
        size = sum(part << shift for part, shift in zip(sizes, (21, 14, 7, 0), strict=True))
        place += 10 + size + (10 if flags & 0x10 else 0)
    return place


def seek_frame(data: bytes, place: int, kind: tuple[int, int] | None) -> Frame | None:
    """The next frame that another follows, or the end: two bytes alone may be anything."""
    for found in SYNC.finditer(data, place):
        frame = read_header(data, found.start())
        if frame is None or frame.kind != (kind or frame.kind):
            continue
        following = read_header(data, frame.end)
        if frame.end == len(data) or (following is not None and following.kind == frame.kind):
            return frame
    return None


def read_header(data: bytes, place: int) -> Frame | None:
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
    return Frame(place, end, (version, rate)) if end <= len(data) else None


def make_length(frame: bytes, count: int) -> bytes:
    """A silent frame that says how many follow, as Xing's encoder wrote it."""
    # Without a sum to check, or a byte to fill up.
    header = bytes([frame[0], frame[1] | 1, ROOMY << 4 | frame[2] & 0x0C, frame[3]])
    has_two = frame[3] >> 6 != 3
    beside = {(True, True): 32, (True, False): 17, (False, True): 17, (False, False): 9}
    side = bytes(beside[frame[1] >> 3 & 3 == 3, has_two])
    said = header + side + b"Xing" + struct.pack(">II", 1, count)
    _, end, _ = read_header(header + bytes(4096), 0) or (0, len(said), 0)
    return said.ljust(end, b"\0")
