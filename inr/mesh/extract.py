"""The surface of a function on the unit cube, as triangles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np

from inr.argument import check_choice, check_count

from .marching import Grid, Level, march, weld
from .mesh import Mesh
from .vertex_place import place_vertices

CHUNK = 2**16

Evaluate = Callable[[np.ndarray], Any]


def extract_surface(
    evaluate: Evaluate,
    shape: int | Sequence[int],
    level: float,
    *,
    inside: Literal["above", "below"] = "above",
    refine: Evaluate | None = None,
    slab: int | None = None,
    chunk_size: int = CHUNK,
) -> Mesh:
    """Triangles of the surface where a function has a value.

    The function is sampled at the cell centres ``(i + 0.5) / n`` of a lattice over the unit cube.
    Vertices lie on lines between neighbours, where linear interpolation has the level; of a
    function that is steep beside the cells, such as log odds, that shows the lattice, and they can
    be refined. Whatever
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
        refine: The function by which vertices are moved to where it has the level itself, of which
            each takes three values more; None leaves them at the linear interpolation.
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
    piece = weld(pieces)

    def offset(coords: np.ndarray) -> np.ndarray:
        assert refine is not None
        parts = range(0, len(coords), chunk_size)
        values = [call(refine, coords[start : start + chunk_size]) for start in parts]
        return side.offset(np.concatenate(values))

    vertices = place_vertices(grid, piece, None if refine is None else offset)
    return Mesh(vertices, piece.faces)


def check_shape(shape: int | Sequence[int]) -> tuple[int, int, int]:
    """(D, H, W) of one number or three."""
    axes = (shape,) * 3 if isinstance(shape, int) else tuple(shape)
    if len(axes) != 3:
        raise ValueError(f"shape is {shape!r}; expected [D, H, W], or one number for all three.")
    depth, height, width = (check_count("shape", n) for n in axes)
    return depth, height, width


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
    """Values of a function, (n,), rejected unless they are finite and as many as the points."""
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
