"""PNG at its full depth, through libpng: Pillow cuts 16-bit colour (`test_pillow_loses`).

Own code fills in files that are cut off, which libpng rejects. Pillow reads only the metadata and
the further frames of an animation.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import NamedTuple

import imagecodecs
from PIL import Image

from . import pillow
from .orientation import read_orientation
from .quiet import muted
from .source import Decoded, Source

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# First columns, first rows, column steps and row steps of the passes of an interlaced image.
ADAM7 = ((0, 4, 0, 2, 0, 1, 0), (0, 0, 4, 0, 2, 0, 1), (8, 8, 4, 4, 2, 2, 1), (8, 8, 8, 4, 4, 2, 2))
PLAIN = ((0,), (0,), (1,), (1,))


class Header(NamedTuple):
    """The IHDR chunk."""

    width: int
    height: int
    depth: int
    color: int
    compression: int
    filter: int
    interlace: int

    @property
    def size(self) -> int:
        """Bytes of the filtered rows before compression."""
        total = 0
        passes = zip(*(ADAM7 if self.interlace else PLAIN), strict=True)
        for left, top, across, down in passes:
            bits = len(range(left, self.width, across)) * self.depth * SAMPLES[self.color]
            total += len(range(top, self.height, down)) * (1 + -(-bits // 8)) if bits else 0
        return total


def decode(source: Source) -> Decoded:
    """Decode the still image of a PNG file, or a frame of an animated one."""
    data = source.path.read_bytes()
    if data[12:16] != b"IHDR" or len(data) < 33:
        raise source.broken()
    header = Header._make(struct.unpack(">IIBBBBB", data[16:29]))
    if header.color not in SAMPLES or header.depth not in (1, 2, 4, 8, 16):
        raise source.broken(f" (colour type {header.color}, {header.depth} bits)")
    source.check_size(header.width, header.height)
    frames, orientation, broken = read_metadata(source, data)
    index, notes = source.pick(frames)
    if index > 0:
        if header.depth == 16:
            notes += ("16-bit animation is read at 8 bits",)
        image = pillow.decode(source)
        return replace(image, notes=notes + image.notes)
    try:
        with muted():
            pixels = imagecodecs.png_decode(fill_in(header, data) if source.pad else data)
    except Exception:
        there = len(inflate(header, data))
        raise source.cut(f"{there:,} of {header.size:,} bytes of pixel data are sound") from None
    if header.depth == 1 and header.color == 0 and pixels.ndim == 2:
        return Decoded(pixels // 255, 1, notes + broken, orientation)
    return Decoded(pixels, None, notes + broken, orientation)


def list_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """List the chunks of a file, whole or cut off, as names and contents."""
    start = len(SIGNATURE)
    while start + 8 <= len(data):
        length = int.from_bytes(data[start : start + 4], "big")
        yield data[start + 4 : start + 8], data[start + 8 : start + 8 + length]
        start += length + 12


def read_metadata(source: Source, data: bytes) -> tuple[int, int, tuple[str, ...]]:
    """Read what surrounds the pixels.

    Returns:
        The number of frames, an orientation from 1 to 8, and a warning where the metadata is
        broken.
    """
    exif = dict(list_chunks(data)).get(b"eXIf")
    try:
        with pillow.settings(source), Image.open(BytesIO(data), formats=("PNG",)) as image:
            # Pillow would see an EXIF chunk behind the pixels only by decoding them.
            if exif is not None:
                image.info["exif"] = b"Exif\0\0" + exif
            return getattr(image, "n_frames", 1), *read_orientation(image)
    except Exception:
        return 1, 1, ("metadata is broken and is ignored",)


def inflate(header: Header, data: bytes) -> bytes:
    """Decompress as many of the filtered rows as are there."""
    stream = zlib.decompressobj()
    rows = bytearray()
    for name, content in list_chunks(data):
        if name == b"IDAT" and len(rows) < header.size:
            try:
                rows += stream.decompress(content, header.size - len(rows))
            except zlib.error:
                break
    return bytes(rows)


def fill_in(header: Header, data: bytes) -> bytes:
    """Make a whole file of a damaged one, with zeros for the rows that are missing."""
    rows = inflate(header, data)
    if not rows:
        raise ValueError("no pixel data")
    kept = [part for part in list_chunks(data) if part[0] in (b"IHDR", b"PLTE", b"tRNS")]
    body = zlib.compress(rows.ljust(header.size, b"\0"), 1)
    return SIGNATURE + b"".join(
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
        for name, content in (*kept, (b"IDAT", body), (b"IEND", b""))
    )
