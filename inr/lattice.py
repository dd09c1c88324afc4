"""Regular lattices of cell centres in the unit cube."""

import bisect
import math
from collections.abc import Sequence

import torch
from torch import Tensor

Region = tuple[tuple[float, ...], tuple[float, ...]]


def lattice_points(
    shape: Sequence[int],
    index: Tensor | None = None,
    *,
    region: Region | None = None,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> Tensor:
    """Coordinates of the cell centres ``(i + 0.5) / n`` of a lattice.

    Args:
        shape: Cells per axis, in array order: ``(H, W)``, ``(D, H, W)``.
        index: ``(n,)`` flat positions in C order; every cell when None.
        region: Lower and upper corner, each in coordinate order ``(x, y, ...)``, of the box that
            the lattice covers; the unit cube when None.
        dtype: Of the coordinates.
        device: Of the coordinates; that of ``index`` when there is one.

    Shape:
        ``(n, d)``, the last axis in coordinate order ``(x, y, z)``.
    """
    if index is None:
        index = torch.arange(math.prod(shape), device=device)
    cells = torch.unravel_index(index, tuple(shape))
    axes = [_centres(cell, n, dtype) for cell, n in zip(cells, shape, strict=True)]
    points = torch.stack(axes[::-1], dim=-1)
    if region is None:
        return points
    lower, upper = (torch.tensor(corner, dtype=dtype, device=points.device) for corner in region)
    return lower + (upper - lower) * points


def _centres(cells: Tensor, count: int, dtype: torch.dtype) -> Tensor:
    """Centres of cells of an axis that has so many."""
    # In float32, half of a larger number is rounded away.
    exact = dtype if count <= 2**23 else torch.float64
    return ((cells.to(exact) + 0.5) / count).to(dtype)


def sublattice(shape: Sequence[int], num_points: int) -> tuple[Tensor, tuple[int, ...]]:
    """A sub-lattice of every k-th cell along each axis, in the middle of the lattice.

    The stride is the same all along an axis, so that frequencies mean something, and much the same
    along all of them; an axis with fewer cells than it counts 1.

    Args:
        shape: Cells per axis, in array order.
        num_points: The most points, at least 1.

    Returns:
        ``(n,)`` flat positions in the lattice, in C order, and the sub-lattice's cells per axis,
        whose product is n.
    """

    def count(n: int, stride: int) -> int:
        return max(1, n // stride)

    common = bisect.bisect_left(
        range(max(shape)),
        True,
        key=lambda s: math.prod(count(n, s + 1) for n in shape) <= num_points,
    )
    counts = [count(n, common + 1) for n in shape]
    index = torch.zeros(1, dtype=torch.int64)
    for n, k in zip(shape, counts, strict=True):
        stride = n // k
        margin = (n - (k - 1) * stride - 1) // 2
        index = (index[:, None] * n + margin + stride * torch.arange(k)).flatten()
    return index, tuple(counts)
