"""Regular lattices of cell centres in the unit cube."""

import bisect
import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

Region = tuple[tuple[float, ...], tuple[float, ...]]


def lattice_points(
    shape: Sequence[int],
    index: Int[Tensor, " n"] | None = None,
    *,
    region: Region | None = None,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str | None = None,
) -> Float[Tensor, "n {len(shape)}"]:
    """Coordinates of the cell centres ``(i + 0.5) / n`` of a lattice.

    Args:
        shape: Cells per axis, in array order: ``(H, W)``, ``(D, H, W)``.
        index: Flat positions of cells in C order; None is every cell.
        region: Box that the lattice covers: its lower and upper corner, each in coordinate order
            ``(x, y, ...)``. None is the unit cube.
        dtype: Dtype of the coordinates.
        device: Device of the coordinates where ``index`` is None; otherwise that of ``index``.

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


def _centres(cells: Int[Tensor, " n"], count: int, dtype: torch.dtype) -> Float[Tensor, " n"]:
    """Centres of cells along an axis of ``count`` cells."""
    # Above 2^23, float32 has no halves.
    exact = dtype if count <= 2**23 else torch.float64
    return ((cells.to(exact) + 0.5) / count).to(dtype)


def sublattice(shape: Sequence[int], num_points: int) -> tuple[Int[Tensor, " n"], tuple[int, ...]]:
    """A sub-lattice of every k-th cell along each axis, in the middle of the lattice.

    The stride k is constant along an axis, so that the sub-lattice has frequencies, and similar
    along all axes. An axis that is shorter than the stride has one cell.

    Args:
        shape: Cells per axis, in array order.
        num_points: Largest number of points, at least 1.

    Returns:
        Flat positions in the lattice, in C order, and the sub-lattice's cells per axis, whose
        product is n.
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
