"""Reading PNG at its full depth.

Pillow cuts 16-bit colour to 8 bits and misreads colour keys of 2- and 4-bit images, so libpng
itself decodes the pixels; Pillow only reads the metadata and the frames of an animation.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO

import imagecodecs
import numpy as np
from PIL import Image

from . import pillow
from .orientation import read_orientation
from .quiet import muted
from .source import Decoded, Source

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# First column, first row, column step, row step of each pass of an interlaced image.
ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


@dataclass(frozen=True)
class Header:
    """The IHDR chunk."""

    width: int
    height: int
    depth: int
    color: int
    interlaced: bool

    @property
    def size(self) -> int:
        """Bytes of the filtered rows before compression."""
        passes = ADAM7 if self.interlaced else ((0, 0, 1, 1),)
        total = 0
        for left, top, across, down in passes:
            columns = -(-(self.width - left) // across)
            rows = -(-(self.height - top) // down)
            if columns > 0 and rows > 0:
                total += rows * (1 + -(-columns * self.depth * SAMPLES[self.color] // 8))
        return total


def decode(source: Source) -> Decoded:
    """Decode the still image of a PNG file, or a frame of an animated one."""
    data = source.load()
    header = read_header(source, data)
    source.check_size(header.width, header.height)
    with pillow.settings(source):
        frames, orientation, broken = read_metadata(data, dict(list_chunks(data)))
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
    bilevel = header.depth == 1 and header.color == 0 and pixels.ndim == 2
    if bilevel:
        pixels = pixels // np.uint8(255)
    return Decoded(pixels, 1 if bilevel else None, notes + broken, orientation)


def read_header(source: Source, data: bytes) -> Header:
    """Read the IHDR chunk, rejecting what no PNG file may say."""
    if data[12:16] != b"IHDR" or len(data) < 33:
        raise source.reject("has a broken header", "a PNG file", "Re-save it from its original.")
    width, height, depth, color, _, _, interlace = struct.unpack(">IIBBBBB", data[16:29])
    if color not in SAMPLES or depth not in (1, 2, 4, 8, 16):
        raise source.reject(
            f"has a broken header (colour type {color}, {depth} bits)",
            "a PNG file",
            "Re-save it from its original.",
        )
    return Header(width, height, depth, color, bool(interlace))


def list_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """List the chunks of a file, whole or cut off, as names and contents."""
    start = len(SIGNATURE)
    while start + 8 <= len(data):
        length = int.from_bytes(data[start : start + 4], "big")
        yield data[start + 4 : start + 8], data[start + 8 : start + 8 + length]
        start += length + 12


def read_metadata(data: bytes, parts: dict[bytes, bytes]) -> tuple[int, int, tuple[str, ...]]:
    """Read what surrounds the pixels.

    Returns:
        The number of frames, an orientation from 1 to 8, and a note where the metadata is broken.
    """
    try:
        with Image.open(BytesIO(data), formats=("PNG",)) as image:
            # Pillow would see an EXIF chunk behind the pixels only by decoding them.
            if b"eXIf" in parts:
                image.info["exif"] = b"Exif\0\0" + parts[b"eXIf"]
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
    body = zlib.compress(rows + bytes(header.size - len(rows)), 1)
    return SIGNATURE + b"".join(
        len(content).to_bytes(4, "big")
        + name
        + content
        + zlib.crc32(name + content).to_bytes(4, "big")
        for name, content in (*kept, (b"IDAT", body), (b"IEND", b""))
    )
