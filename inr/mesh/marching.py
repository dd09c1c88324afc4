"""Marching cubes over slabs of a lattice, joined by the lines that vertices lie on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Side:
    """The inside of a surface.

    Attributes:
        level: The value on the surface.
        sign: -1 where greater values are inside, 1 where lesser ones are.
    """

    level: float
    sign: int

    def offset(self, values: np.ndarray) -> np.ndarray:
        """Difference of values from the level: negative inside, and never zero."""
        difference = self.sign * (values.astype(np.float64) - self.level)
        # The surface itself is outside.
        return np.where(difference == 0, np.finfo(np.float64).tiny, difference)


@dataclass(frozen=True)
class Grid:
    """A lattice with one layer around it, which is outside.

    Attributes:
        cells: (D, H, W).
    """

    cells: tuple[int, int, int]

    @property
    def padded(self) -> tuple[int, int, int]:
        """Points per axis, with those around."""
        depth, height, width = self.cells
        return depth + 2, height + 2, width + 2

    def place(self, index: np.ndarray) -> np.ndarray:
        """Coordinates of (n, 3) points (z, y, x), which may be fractions, as (x, y, z)."""
        cells = np.array(self.cells, np.float64)
        # Those around stand half a cell beyond the cube, and lines to them end at its faces.
        return np.ascontiguousarray(np.clip((index - 0.5) / cells, 0, 1)[:, ::-1])


@dataclass(frozen=True)
class Piece:
    """The surface in one slab, or in all, with vertices that have no place yet.

    The line that a vertex lies on has a key, by which vertices of neighbouring slabs are known to
    be the same: four times the flat index of a lattice point in the padded grid, plus the axis
    (z, y, x) along which the line leaves it, or 3 for the inside of a cell.

    Attributes:
        keys: (V,) keys, ascending.
        ends: (V, 2) values less the level at the ends of the lines, infinite beyond the lattice.
        faces: (F, 3) rows of `keys`.
    """

    keys: np.ndarray
    ends: np.ndarray
    faces: np.ndarray


def march(grid: Grid, side: Side, first: int, values: np.ndarray) -> Piece | None:
    """The surface between the layers of a slab; None if nothing crosses it.

    Args:
        grid: The whole lattice.
        side: The inside.
        first: The first layer that no slab before had.
        values: (layers, H, W), with one layer of the slab before unless it is the first.
    """
    from skimage.measure import marching_cubes

    front = int(first == 0)
    back = int(first + len(values) - 1 + front == grid.cells[0])
    offsets = np.pad(side.offset(values), ((front, back), (1, 1), (1, 1)), constant_values=np.inf)
    if not (offsets < 0).any():
        return None
    found, faces, _, _ = marching_cubes(
        shrink(offsets),
        0.0,
        gradient_direction="ascent",
        allow_degenerate=True,
    )
    # Each vertex lies on a line, or inside of a cell.
    base = np.floor(found).astype(np.int64)
    moves = found != base
    axis = np.where(moves.sum(axis=1) == 1, moves.argmax(axis=1), 3)
    beyond = base + np.eye(4, 3, dtype=np.int64)[axis]
    ends = np.stack([offsets[tuple(base.T)], offsets[tuple(beyond.T)]], axis=1)
    base[:, 0] += 0 if front else first
    keys = 4 * np.ravel_multi_index(tuple(base.T), grid.padded) + axis
    keys, rows, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return Piece(keys, ends[rows], inverse[faces])


def shrink(offsets: np.ndarray) -> np.ndarray:
    """Values of the same signs and order whose size is from 1 to 2, as float32.

    The triangles depend on signs and on the greater of two values. So every vertex stays clear of
    the lattice points, and rounding cannot hide which line it lies on.
    """
    size = np.abs(offsets)
    # The layer around the lattice counts as barely outside.
    shrunk = 1 + np.divide(size, 1 + size, out=np.zeros_like(size), where=np.isfinite(size))
    return np.copysign(shrunk, offsets).astype(np.float32)


def join_pieces(pieces: list[Piece]) -> Piece:
    """Join the pieces of all slabs at the vertices that they share."""
    keys, rows = np.unique(np.concatenate([piece.keys for piece in pieces]), return_index=True)
    ends = np.concatenate([piece.ends for piece in pieces])[rows]
    faces = [np.searchsorted(keys, piece.keys)[piece.faces] for piece in pieces]
    return Piece(keys, ends, np.concatenate(faces))
