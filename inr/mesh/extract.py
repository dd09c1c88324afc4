"""The surface of a function on the unit cube, as triangles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from inr.argument import check_choice, check_count

from .mesh import Mesh

# Of a cell, the least distance of a vertex from a corner: triangles keep some area.
LEAST = 1e-4
CHUNK = 2**16

Evaluate = Callable[[np.ndarray], Any]


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


def extract_surface(
    evaluate: Evaluate,
    shape: int | Sequence[int],
    level: float,
    *,
    inside: Literal["above", "below"] = "above",
    slab: int | None = None,
    chunk_size: int = CHUNK,
) -> Mesh:
    """Triangles of the surface where a function has a value.

    The function is sampled at the cell centres ``(i + 0.5) / n`` of a lattice over the unit cube.
    Vertices lie on lines between neighbours, where linear interpolation has the level. Whatever
    is inside at the outermost cells is capped by the cube's own faces, so that the mesh is closed
    always. Slabs of the lattice are sampled one after the other, and the mesh is the same however
    thick they are; none is passed over, since no sample tells of what lies between others.

    Args:
        evaluate: Values (n,) or (n, 1) of (n, 3) float32 coordinates (x, y, z); an array, or a
            tensor on any device.
        shape: Cells per axis (D, H, W), along z, y and x; one number for all three.
        level: The value on the surface.
        inside: Whether the inside has values above the level, as occupancy, or below it, as
            signed distance.
        slab: Layers along z at once; None is what some tens of megabytes hold.
        chunk_size: Points that are evaluated at once.

    Returns:
        A mesh in the unit cube, its outside out.

    Raises:
        ValueError: The function has the level nowhere, or is NaN or infinite somewhere.

    Source:
        T. Lewiner, H. Lopes, A. Vieira and G. Tavares, Efficient implementation of marching
        cubes' cases with topological guarantees, Journal of Graphics Tools 8 (2003), as
        scikit-image has it.
    """
    cells = check_shape(shape)
    check_choice("inside", inside, ("above", "below"))
    check_count("chunk_size", chunk_size)
    side = Level(float(level), -1 if inside == "above" else 1)
    thickness = check_count(
        "slab", max(1, 2**21 // (cells[1] * cells[2])) if slab is None else slab
    )
    grid = Grid(cells)
    pieces, least, most = [], np.inf, -np.inf
    for first, values in sample_slabs(evaluate, cells, thickness, chunk_size):
        least, most = min(least, float(values.min())), max(most, float(values.max()))
        piece = march(grid, side, first, cells[0], values)
        if piece is not None:
            pieces.append(piece)
    if not pieces:
        raise ValueError(
            f"the function has no surface at {level:g}: its values run from {least:.4g} to "
            f"{most:.4g}; expected some on either side. Choose another level, or train longer."
        )
    return weld(grid, pieces)


def check_shape(shape: int | Sequence[int]) -> tuple[int, int, int]:
    """(D, H, W) of one number or three."""
    axes = (shape,) * 3 if isinstance(shape, int) else tuple(shape)
    if len(axes) != 3:
        raise ValueError(f"shape is {shape!r}; expected [D, H, W], or one number for all three.")
    depth, height, width = (check_count("shape", n) for n in axes)
    return depth, height, width


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
        return np.clip((index - 0.5) / cells, 0, 1)[:, ::-1]


@dataclass(frozen=True)
class Piece:
    """The surface in one slab.

    Attributes:
        keys: (V,) numbers of the vertices, ascending.
        points: (V, 3) coordinates.
        faces: (F, 3) rows of `keys`.
    """

    keys: np.ndarray
    points: np.ndarray
    faces: np.ndarray


def sample_slabs(
    evaluate: Evaluate, cells: tuple[int, int, int], thickness: int, chunk_size: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Values of layers, with the last layer of the slab before in front.

    Yields:
        The first new layer, and a (layers, H, W) float32 array.
    """
    depth, height, width = cells
    before = np.zeros((0, height, width), np.float32)
    for first in range(0, depth, thickness):
        layers = min(thickness, depth - first)
        values = np.empty((layers, height, width), np.float32)
        flat = values.reshape(-1)
        for start in range(0, len(flat), chunk_size):
            end = min(start + chunk_size, len(flat))
            index = np.arange(start, end) + first * height * width
            flat[start:end] = call(evaluate, cell_centres(index, cells))
        yield first, np.concatenate([before, values])
        before = values[-1:]


def cell_centres(index: np.ndarray, cells: tuple[int, int, int]) -> np.ndarray:
    """(n, 3) float32 coordinates (x, y, z) of cells by their flat positions."""
    centres = [
        (place.astype(np.float32) + np.float32(0.5)) / np.float32(n)
        for place, n in zip(np.unravel_index(index, cells), cells, strict=True)
    ]
    return np.stack(centres[::-1], axis=1)


def call(evaluate: Evaluate, coords: np.ndarray) -> np.ndarray:
    """Values of a function, (n,), refused unless they are finite and as many as the points."""
    values = evaluate(coords)
    if hasattr(values, "detach"):
        values = values.detach().float().cpu()
    values = np.asarray(values)
    if values.size != len(coords):
        raise ValueError(
            f"the function gives values of shape {values.shape} for {len(coords):,} points; "
            "expected one for each. Choose one of its outputs."
        )
    if not np.isfinite(values).all():
        raise ValueError(
            "the function is NaN or infinite somewhere in the cube; expected finite values. "
            "Take an earlier checkpoint."
        )
    return values.reshape(-1)


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
    return identify(grid, offsets, start, found.astype(np.float64), faces.astype(np.int64))


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
    """Number the vertices of a slab, and put each where the values themselves have the level.

    Args:
        grid: The whole lattice.
        offsets: (layers, H + 2, W + 2) values less the level.
        start: Where the slab begins in the padded lattice.
        found: (V, 3) vertices of the slab (z, y, x): on lines, or inside of cells.
        faces: (F, 3) rows of `found`.
    """
    base = np.floor(found).astype(np.int64)
    moves = found != base
    on_line = moves.sum(axis=1) == 1
    axis = np.where(on_line, moves.argmax(axis=1), 3)
    step = np.eye(4, 3, dtype=np.int64)[axis]
    a, b = offsets[tuple(base.T)], offsets[tuple((base + step).T)]
    index = (base + start).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(np.isinf(a) | np.isinf(b), 0.5, a / (a - b))
    index += step * np.clip(share, LEAST, 1 - LEAST)[:, None]
    keys = 4 * grid.number(base + start) + axis
    keys, rows, inverse = np.unique(keys, return_index=True, return_inverse=True)
    index = index[rows]
    faces = inverse[faces]
    centre_cells(index, np.flatnonzero(keys % 4 == 3), faces)
    return Piece(keys, grid.place(index), faces)


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


def weld(grid: Grid, pieces: list[Piece]) -> Mesh:
    """Join the pieces of all slabs at the vertices that they share."""
    keys, rows = np.unique(np.concatenate([piece.keys for piece in pieces]), return_index=True)
    points = np.concatenate([piece.points for piece in pieces])[rows]
    faces = [np.searchsorted(keys, piece.keys)[piece.faces] for piece in pieces]
    return Mesh(points, np.concatenate(faces))
