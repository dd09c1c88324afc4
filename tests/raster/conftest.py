"""Small images in every shape and file format that the tests need."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import tifffile
from PIL import Image

from inr.raster import Raster, read_raster


@pytest.fixture(scope="session")
def photo() -> np.ndarray:
    """A (48, 64, 3) uint8 photograph, alike under no flip or turn."""
    return np.ascontiguousarray(skimage.data.astronaut()[100:148, 200:264])


@pytest.fixture
def read_bytes(tmp_path: Path) -> Callable[..., Raster]:
    """Reads a file of the given content, named without a suffix."""

    def read(content: bytes, **terms: Any) -> Raster:
        path = tmp_path / "image"
        path.write_bytes(content)
        return read_raster(path, **terms)

    return read


def save_pillow(pixels: np.ndarray | Image.Image, form: str, **options: Any) -> bytes:
    """Encodes an image with Pillow."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def save_tiff(pixels: np.ndarray, **options: Any) -> bytes:
    """Encodes an image with tifffile."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **options)
    return buffer.getvalue()


def make_chunk(name: bytes, content: bytes) -> bytes:
    """Makes a PNG chunk."""
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)


def make_png(width: int, height: int, depth: int, color: int, rows: bytes, *extra: bytes) -> bytes:
    """Makes a PNG file of already filtered rows, with chunks before the pixel data."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    parts = [make_chunk(b"IHDR", header), *extra, make_chunk(b"IDAT", zlib.compress(rows))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + make_chunk(b"IEND", b"")


def make_fits(array: np.ndarray, bitpix: int, *cards: str) -> bytes:
    """Makes a FITS file."""
    sizes = [f"NAXIS{i + 1}  = {n}" for i, n in enumerate(reversed(array.shape))]
    lines = ["SIMPLE  = T", f"BITPIX  = {bitpix}", f"NAXIS   = {array.ndim}", *sizes, *cards, "END"]
    head = "".join(line.ljust(80) for line in lines).encode()
    body = array.tobytes()
    return head.ljust(-(-len(head) // 2880) * 2880) + body.ljust(
        -(-len(body) // 2880) * 2880, b"\0"
    )
