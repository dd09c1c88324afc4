"""Places of a surface's vertices on their lines."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .marching import Grid, Piece

# Least distance of a vertex from the ends of its line, as a share: triangles keep some area.
LEAST = 1e-4
# With a field's log odds, three leave a thousandth of the error of none; more change nothing.
REFINEMENTS = 3

# Values less the level, (n,), at (n, 3) coordinates (x, y, z).
Offset = Callable[[np.ndarray], np.ndarray]


def place_vertices(grid: Grid, piece: Piece, offset: Offset | None) -> np.ndarray:
    """Coordinates (V, 3) of vertices.

    Args:
        grid: The whole lattice.
        piece: The surface.
        offset: The function whose zeros are searched on the lines; None takes it as linear there.
    """
    flat, axes = np.divmod(piece.keys, 4)
    base, step = np.stack(np.unravel_index(flat, grid.padded), axis=1), np.eye(4, 3)[axes]
    inner = axes == 3
    # Lines out of the lattice are cut in the middle, which is on a face of the cube.
    shares = np.full(len(axes), 0.5)
    crossed = np.flatnonzero(np.isfinite(piece.ends).all(axis=1) & ~inner)

    def along(share: np.ndarray) -> np.ndarray:
        assert offset is not None
        index = base[crossed] + share[:, None] * step[crossed]
        return offset(grid.place(index).astype(np.float32))

    start, end = piece.ends[crossed].T
    refinements = REFINEMENTS if offset and len(crossed) else 0
    shares[crossed] = find_crossings(along, start, end, refinements)
    index = base + shares[:, None] * step
    centre_cells(index, np.flatnonzero(inner), piece.faces)
    return grid.place(index)


def find_crossings(
    evaluate: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    end: np.ndarray,
    refinements: int,
) -> np.ndarray:
    """Where functions of [0, 1] change sign, (n,), but not at its very ends.

    By the Illinois method: regula falsi that halves the value at an end which stays where it is,
    so that the other end comes nearer, too.

    Args:
        evaluate: One value of each function, (n,) at (n,).
        start: Values at 0.
        end: Values at 1, of other signs than those at 0.
        refinements: Evaluations of each function.

    References:
        M. Dowell and P. Jarratt, A modified regula falsi method for computing the root of an
        equation, BIT 11 (1971).
    """
    low, high = np.zeros(len(start)), np.ones(len(start))
    at_low, at_high = start.copy(), end.copy()
    moved = np.zeros(len(start))

    def cross() -> np.ndarray:
        share = low + (high - low) * at_low / (at_low - at_high)
        return np.clip(share, LEAST, 1 - LEAST)

    for _ in range(refinements):
        share = cross()
        found = evaluate(share)
        lower = (found < 0) == (at_low < 0)
        low, high = np.where(lower, share, low), np.where(lower, high, share)
        at_low = np.where(lower, found, np.where(moved == 1, at_low / 2, at_low))
        at_high = np.where(lower, np.where(moved == -1, at_high / 2, at_high), found)
        moved = np.where(lower, -1, 1)
    return cross()


def centre_cells(index: np.ndarray, inner: np.ndarray, faces: np.ndarray) -> None:
    """Put vertices inside of cells in the middle of those that they are joined with.

    Args:
        index: (V, 3) vertices, changed in place.
        inner: Rows of the vertices inside of cells.
        faces: (F, 3) rows of `index`.
    """
    if not len(inner):
        return
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    ends = np.unique(np.concatenate([ends, ends[:, ::-1]]), axis=0)
    ends = ends[np.isin(ends[:, 0], inner) & ~np.isin(ends[:, 1], inner)]
    count = np.bincount(ends[:, 0], minlength=len(index))[inner]
    for axis in range(3):
        total = np.bincount(ends[:, 0], index[ends[:, 1], axis], len(index))[inner]
        index[inner, axis] = total / count
