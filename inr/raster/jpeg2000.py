"""JPEG 2000 at its full depth, through imagecodecs: Pillow cuts it (`test_pillow_loses`)."""

from __future__ import annotations

import struct

import imagecodecs

from . import pillow
from .source import Decoded, Source

START = b"\xff\x4f\xff\x51"


def decode(source: Source) -> Decoded:
    """Decode a JPEG 2000 file or bare codestream."""
    data = source.path.read_bytes()
    # Behind the two markers: length and capabilities (2 bytes each), then the sizes.
    header = data.find(START) + len(START) + 4
    right, bottom, left, top = struct.unpack_from(">4I", data, header)
    source.check_size(right - left, bottom - top)
    depth = (data[header + 34] & 0x7F) + 1
    if depth <= 8:
        return pillow.decode(source)
    return Decoded(imagecodecs.jpeg2k_decode(data), depth, source.pick(1)[1])
