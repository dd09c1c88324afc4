"""Any field on any lattice, in chunks of bounded memory."""

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from inr.lattice import Region, lattice_points
from inr.micro_batch import fitting_points

# Where nothing is known about the device.
CHUNK = 16_384
TILE = 128
SLAB = 2**20


@torch.no_grad()
def render(
    field: nn.Module,
    shape: Sequence[int],
    *,
    index: Tensor | None = None,
    chunk_size: int | None = None,
) -> Tensor:
    """Values of a field on a lattice over the unit cube.

    Args:
        field: ``(n, d) -> (n, c)``; its device and dtype are used.
        shape: Cells per axis, in array order.
        index: Flat positions to evaluate; all when None.
        chunk_size: Points at once: only the result grows with the lattice. None is what fits the
            device's caches.

    Shape:
        ``(*shape, c)``, or ``(n, c)`` with ``index``, on the field's device.
    """
    device, dtype = placement(field)
    if chunk_size is None:
        chunk_size = fitting_points(field, device, dtype.itemsize) or CHUNK
    total = math.prod(shape) if index is None else len(index)
    values = torch.empty(0)
    for start in range(0, max(total, 1), chunk_size):
        end = min(start + chunk_size, total)
        positions = torch.arange(start, end) if index is None else index[start:end]
        found = field(lattice_points(shape, positions.to(device), dtype=dtype))
        if start == 0:
            # Not joined at the end, which would take all of them twice.
            values = found.new_empty(total, *found.shape[1:])
        values[start:end] = found
    return values.reshape(*shape, -1) if index is None else values


@torch.no_grad()
def evaluate(field: nn.Module, coords: Tensor) -> Tensor:
    """Values of a field at points, in chunks that fit the device's caches.

    Args:
        field: ``(n, d) -> (n, c)``; its device and dtype are used.
        coords: ``(n, d)``, of any device and dtype.
    """
    device, dtype = placement(field)
    size = fitting_points(field, device, dtype.itemsize) or CHUNK
    return torch.cat([field(part.to(device, dtype)) for part in coords.split(size)])


@torch.no_grad()
def render_tiles(
    field: nn.Module,
    shape: tuple[int, int],
    *,
    region: Region | None = None,
    tile: int = TILE,
) -> Iterator[np.ndarray]:
    """Square tiles of a field on a two-dimensional lattice, row by row.

    Args:
        field: ``(n, 2) -> (n, c)``; its device and dtype are used.
        shape: ``(H, W)``.
        region: Corners ``((x0, y0), (x1, y1))`` of the box to render; the unit square when None.
        tile: Edge of a tile, in pixels.

    Yields:
        ``(h, w, c)`` arrays, smaller than ``tile`` at the right and lower edges.
    """
    device, dtype = placement(field)
    height, width = shape
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            rows = torch.arange(top, min(top + tile, height), device=device)
            columns = torch.arange(left, min(left + tile, width), device=device)
            index = (rows[:, None] * width + columns).reshape(-1)
            values = field(lattice_points(shape, index, region=region, dtype=dtype))
            yield values.reshape(len(rows), len(columns), -1).cpu().numpy()


@torch.no_grad()
def render_slabs(
    field: nn.Module,
    shape: Sequence[int],
    *,
    region: Region | None = None,
    points: int = SLAB,
) -> Iterator[np.ndarray]:
    """Parts of a field on a lattice of any dimension, one after the other along the first axis.

    Args:
        field: ``(n, d) -> (n, c)``; its device and dtype are used.
        shape: Cells per axis, in array order.
        region: Lower and upper corner, in coordinate order, of the box to render; the unit cube
            when None.
        points: Most points of a slab, unless one layer has more.

    Yields:
        ``(k, *shape[1:], c)`` arrays.
    """
    device, dtype = placement(field)
    layer = math.prod(shape[1:])
    thickness = max(1, points // layer)
    for first in range(0, shape[0], thickness):
        count = min(thickness, shape[0] - first)
        index = torch.arange(first * layer, (first + count) * layer, device=device)
        coords = lattice_points(shape, index, region=region, dtype=dtype)
        yield evaluate(field, coords).reshape(count, *shape[1:], -1).cpu().numpy()


def placement(field: nn.Module) -> tuple[torch.device, torch.dtype]:
    """Device and dtype of a field's first weights or buffers; a plain tensor's if it has none."""
    tensors = itertools.chain(field.parameters(), field.buffers())
    tensor = next((t for t in tensors if t.is_floating_point()), torch.empty(0))
    return tensor.device, tensor.dtype
