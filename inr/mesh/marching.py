"""Marching cubes over slabs of a lattice, joined by the lines that vertices lie on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Level:
    """What is inside.

    Attributes:
        value: On the surface.
        sign: -1 where greater values are inside, 1 where lesser ones are.
    """

    value: float
    sign: int

    def offset(self, values: np.ndarray) -> np.ndarray:
        """Values as they differ from the level: negative inside, and never zero."""
        difference = self.sign * (values.astype(np.float64) - self.value)
        # The surface itself is outside.
        return np.where(difference == 0, np.finfo(np.float64).tiny, difference)


@dataclass(frozen=True)
class Grid:
    """A lattice with one layer around it, which is outside.

    A lattice point, or the line from it along an axis, has a number of its own, by which vertices
    of neighbouring slabs are known to be the same.

    Attributes:
        cells: (D, H, W).
    """

    cells: tuple[int, int, int]

    @property
    def padded(self) -> tuple[int, int, int]:
        """Points per axis, with those around."""
        return tuple(n + 2 for n in self.cells)  # type: ignore[return-value]

    def number(self, index: np.ndarray) -> np.ndarray:
        """Numbers of (n, 3) points, counted along z, y, x: (n,)."""
        _, rows, columns = self.padded
        index = index.astype(np.int64)
        return (index[:, 0] * rows + index[:, 1]) * columns + index[:, 2]

    def place(self, index: np.ndarray) -> np.ndarray:
        """Coordinates of (n, 3) points (z, y, x), which may be fractions, as (x, y, z)."""
        cells = np.array(self.cells, np.float64)
        # Those around stand half a cell beyond the cube, and lines to them end at its faces.
        return np.ascontiguousarray(np.clip((index - 0.5) / cells, 0, 1)[:, ::-1])

    def find(self, numbers: np.ndarray) -> np.ndarray:
        """The (n, 3) points of numbers."""
        return np.stack(np.unravel_index(numbers, self.padded), axis=1)


@dataclass(frozen=True)
class Piece:
    """The surface in one slab, or in all, with vertices that have no place yet.

    Attributes:
        keys: (V,) numbers of the lines that vertices lie on, ascending: four times that of a
            lattice point, and the axis along which the line leaves it; 3 for the inside of a cell.
        ends: (V, 2) values less the level at the ends of the lines, infinite beyond the lattice.
        faces: (F, 3) rows of `keys`.
    """

    keys: np.ndarray
    ends: np.ndarray
    faces: np.ndarray

    @property
    def axes(self) -> np.ndarray:
        """(V,) axes of the lines: 0 to 2 for z, y and x, 3 for the inside of a cell."""
        return self.keys % 4


def march(grid: Grid, side: Level, first: int, depth: int, values: np.ndarray) -> Piece | None:
    """The surface between the layers of a slab; None if nothing crosses it.

    Args:
        grid: The whole lattice.
        side: What is inside.
        first: The first layer that no slab before had.
        depth: Layers of the lattice.
        values: (layers, H, W), with one layer of the slab before unless it is the first.
    """
    from skimage.measure import marching_cubes

    front, back = int(first == 0), int(first + values.shape[0] - int(first > 0) == depth)
    offsets = np.pad(side.offset(values), ((front, back), (1, 1), (1, 1)), constant_values=np.inf)
    if not (offsets < 0).any():
        return None
    found, faces, _, _ = marching_cubes(
        shrink(offsets),
        0.0,
        gradient_direction="ascent",
        allow_degenerate=True,
    )
    start = np.array([0 if front else first, 0, 0])
    return identify(grid, offsets, start, found, faces.astype(np.int64))


def shrink(offsets: np.ndarray) -> np.ndarray:
    """Values of the same signs and order whose size is from 1 to 2, as float32.

    Where triangles go depends on signs and on which of two values is the greater. So every vertex
    stays clear of the lattice points, and rounding cannot hide which line it lies on.
    """
    size = np.abs(offsets)
    # The layer around the lattice counts as barely outside.
    shrunk = 1 + np.divide(size, 1 + size, out=np.zeros_like(size), where=np.isfinite(size))
    return np.copysign(shrunk, offsets).astype(np.float32)


def identify(
    grid: Grid, offsets: np.ndarray, start: np.ndarray, found: np.ndarray, faces: np.ndarray
) -> Piece:
    """Tells the lines on which the vertices of a slab lie.

    Args:
        grid: The whole lattice.
        offsets: (layers, H + 2, W + 2) values less the level.
        start: Where the slab begins in the padded lattice.
        found: (V, 3) vertices of the slab (z, y, x): on lines, or inside of cells.
        faces: (F, 3) rows of `found`.
    """
    base = np.floor(found).astype(np.int64)
    moves = found != base
    axis = np.where(moves.sum(axis=1) == 1, moves.argmax(axis=1), 3)
    step = np.eye(4, 3, dtype=np.int64)[axis]
    ends = np.stack([offsets[tuple(base.T)], offsets[tuple((base + step).T)]], axis=1)
    keys = 4 * grid.number(base + start) + axis
    keys, rows, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return Piece(keys, ends[rows], inverse[faces])


def weld(pieces: list[Piece]) -> Piece:
    """Joins the pieces of all slabs at the vertices that they share."""
    keys, rows = np.unique(np.concatenate([piece.keys for piece in pieces]), return_index=True)
    ends = np.concatenate([piece.ends for piece in pieces])[rows]
    faces = [np.searchsorted(keys, piece.keys)[piece.faces] for piece in pieces]
    return Piece(keys, ends, np.concatenate(faces))
