"""A raster image in memory, with what its numbers mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Raster:
    """The pixels of one image as its file stores them, upright and gap-free.

    Attributes:
        pixels: (H, W, C) array; C is 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA). The dtype is
            the file's own: uint8, uint16, uint32, int8, int16, int32, float32 or float64. Half
            floats come as float32, a 1-bit image as uint8 zeros and ones.
        bits: Significant bits of an integer image (1, 8, 12, 16, ...); None for floats.
        low: Least value the data can take: 0 for unsigned integers, the dtype's least for signed
            ones, the least pixel for floats.
        high: Greatest value, likewise; always above `low`.
        notes: One-line warnings for the user of what the reader had to decide.
    """

    pixels: np.ndarray
    bits: int | None
    low: float
    high: float
    notes: tuple[str, ...] = ()


def find_range(pixels: np.ndarray, bits: int | None) -> tuple[float, float]:
    """Find the range that pixels of this kind can take.

    Args:
        pixels: Array of finite numbers.
        bits: Significant bits of unsigned integers; None for other dtypes.

    Returns:
        `(low, high)`, with `high > low` for a constant image too.
    """
    if pixels.dtype.kind == "u":
        return 0.0, float(2 ** (bits or pixels.dtype.itemsize * 8) - 1)
    low, high = float(pixels.min()), float(pixels.max())
    if high > low:
        return low, high
    # A width of 1 is lost beside a number that is large for its dtype.
    is_lost = np.float32(low + 1.0) == np.float32(low)
    return low, low + (abs(low) if is_lost else 1.0)
