"""Reading FITS: integers of any sign and floats, from the first array that is an image."""

from __future__ import annotations

import numpy as np

from .source import Decoded, Source

BLOCK = 2880
CARD = 80
DTYPES = {8: "u1", 16: ">i2", 32: ">i4", -32: ">f4", -64: ">f8"}


def decode(source: Source) -> Decoded:
    """Decode one plane of the first image of a FITS file, its first row at the bottom."""
    data = source.load()
    start, header = find_image(data)
    width, height, *rest = (int(header[f"NAXIS{axis}"]) for axis in range(1, axes(header) + 1))
    source.check_size(width, height)
    planes = int(np.prod(rest)) if rest else 1
    index, notes = source.pick(planes, "planes")
    dtype = np.dtype(DTYPES[int(header["BITPIX"])])
    size = width * height * dtype.itemsize
    body = data[start + index * size : start + (index + 1) * size]
    if len(body) < size and not source.pad:
        raise source.cut(f"{len(body):,} of {size:,} bytes of pixel data are there")
    stored = np.frombuffer(body + bytes(size - len(body)), dtype).reshape(height, width)
    return Decoded(rescale(stored, header)[::-1], None, notes)


def axes(header: dict[str, str]) -> int:
    """Count the dimensions of an array."""
    return int(header.get("NAXIS", "0"))


def find_image(data: bytes) -> tuple[int, dict[str, str]]:
    """Find the first array of two or more dimensions.

    Returns:
        Where its data starts, and its header.
    """
    start = 0
    while start < len(data):
        header, start = read_header(data, start)
        kind = header.get("XTENSION", "'IMAGE'").strip("' ")
        if axes(header) >= 2 and kind == "IMAGE":
            return start, header
        lengths = [int(header[f"NAXIS{axis}"]) for axis in range(1, axes(header) + 1)]
        count = int(np.prod(lengths)) if lengths else 0
        size = (count + int(header.get("PCOUNT", "0"))) * abs(int(header["BITPIX"])) // 8
        start += -(-max(size, 0) // BLOCK) * BLOCK
    raise ValueError("it has no image")


def read_header(data: bytes, start: int) -> tuple[dict[str, str], int]:
    """Read the cards of a header.

    Returns:
        Its keywords and their values as text, and where the header ends.
    """
    header: dict[str, str] = {}
    for place in range(start, len(data), CARD):
        card = data[place : place + CARD].decode("ascii", "replace")
        if card.rstrip() == "END":
            return header, start + -(-(place + CARD - start) // BLOCK) * BLOCK
        if card[8:9] == "=":
            header[card[:8].strip()] = card[9:].split("/")[0].strip()
    raise ValueError("its header has no end")


def rescale(stored: np.ndarray, header: dict[str, str]) -> np.ndarray:
    """Apply the scale and zero of the values; the zeros that mean unsigned keep integers."""
    zero, factor = float(header.get("BZERO", "0")), float(header.get("BSCALE", "1"))
    if (zero, factor) == (0, 1):
        return stored
    size = stored.dtype.itemsize
    if stored.dtype.kind == "i" and factor == 1 and zero == 2.0 ** (8 * size - 1):
        return (stored.astype(np.int64) + int(zero)).astype(f"u{size}")
    return stored.astype(np.float64) * factor + zero
