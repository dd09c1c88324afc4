"""Regular lattices of cell centres in the unit cube."""

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
    axes = [(cell.to(dtype) + 0.5) / n for cell, n in zip(cells, shape, strict=True)]
    points = torch.stack(axes[::-1], dim=-1)
    if region is None:
        return points
    lower, upper = (torch.tensor(corner, dtype=dtype, device=points.device) for corner in region)
    return lower + (upper - lower) * points


def sublattice_index(shape: Sequence[int], num_points: int) -> Tensor:
    """Flat positions of a regular sub-lattice with at most ``num_points`` cells.

    The axes keep their proportions, so that frequencies along them stay comparable.

    Args:
        shape: Cells per axis, in array order.
        num_points: The most positions to return, at least 1.

    Shape:
        ``(n,)`` with ``n <= num_points``, in C order.
    """
    # An axis that is thinner than its share counts 1, and leaves the others more than theirs.
    thick = sorted(shape)
    while (shrink := _common_factor(thick, num_points)) * thick[0] < 1 - 1e-9:
        thick.pop(0)
    counts = [max(1, math.floor(n * shrink + 1e-9)) for n in shape]
    axes = [
        torch.div(torch.arange(k) * 2 * n + n, 2 * k, rounding_mode="floor")
        for n, k in zip(shape, counts, strict=True)
    ]
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    grid = torch.meshgrid(*axes, indexing="ij")
    return sum(
        (cells * stride for cells, stride in zip(grid, strides, strict=True)),
        start=torch.zeros((), dtype=torch.int64),
    ).reshape(-1)


def _common_factor(shape: Sequence[int], num_points: int) -> float:
    """What to multiply each axis with for ``num_points`` cells in all, at most 1."""
    return min(1.0, (num_points / math.prod(shape)) ** (1 / len(shape)))
