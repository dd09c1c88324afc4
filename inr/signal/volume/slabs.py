"""Going through a volume in parts of bounded memory."""

import math
from collections.abc import Iterator

import numpy as np

SLAB = 2**22  # numbers at once: 32 MiB in float64
LEAST_WIDTH = 1e-300  # of a range: values are multiplied by its inverse


def cut_slabs(shape: tuple[int, ...]) -> Iterator[slice]:
    """Yields the ranges of slices, along the first axis, that hold about ``SLAB`` numbers."""
    depth = max(1, SLAB // max(1, math.prod(shape[1:])))
    for start in range(0, shape[0], depth):
        yield slice(start, min(start + depth, shape[0]))


def find_extremes(voxels: np.ndarray) -> tuple[float, float]:
    """Finds the least and the greatest of finite voxels."""
    parts = [voxels[slab] for slab in cut_slabs(voxels.shape)]
    return min(float(p.min()) for p in parts), max(float(p.max()) for p in parts)


def widen(low: float, high: float) -> tuple[float, float]:
    """The range of voxels with these extremes: that of a constant volume is not empty either."""
    if high - low > LEAST_WIDTH:
        return low, high
    # A width of 1 is lost beside a number that is large for float32.
    is_lost = np.float32(low + 1.0) == np.float32(low)
    return low, low + (abs(low) if is_lost else 1.0)
