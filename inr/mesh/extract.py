"""Extraction of the surface of a function on the unit cube, as triangles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np

from inr.argument import check_choice, check_count

from .marching import Grid, Piece, Side, join_pieces, march
from .mesh import Mesh
from .vertex_place import place_vertices

CHUNK_POINTS = 2**16
# Points of a slab unless its thickness is given: some tens of megabytes.
SLAB_POINTS = 2**21

Evaluate = Callable[[np.ndarray], Any]


def extract_surface(
    evaluate: Evaluate,
    shape: int | Sequence[int],
    level: float,
    *,
    inside: Literal["above", "below"] = "above",
    refine: Evaluate | None = None,
    slab: int | None = None,
    chunk_size: int = CHUNK_POINTS,
) -> Mesh:
    """Triangles of the surface where a function has a value.

    The function is sampled at the cell centres ``(i + 0.5) / n`` of a lattice over the unit cube.
    Vertices lie on lines between neighbours, where linear interpolation has the level. Where the
    function is bent within a cell, as log odds are, that shows the lattice, and vertices can be
    refined. The cube's own faces cap what is inside at the outermost cells, so that the mesh is
    always closed. Slabs of the lattice are sampled one after the other, and the mesh is the same
    for slabs of any thickness.

    Args:
        evaluate: Values (n,) or (n, 1) of (n, 3) float32 coordinates (x, y, z); an array, or a
            tensor on any device.
        shape: Cells per axis (D, H, W), along z, y and x; one number for all three.
        level: The value on the surface.
        inside: Whether the inside has values above the level, as occupancy, or below it, as
            signed distance.
        refine: The function whose level the vertices are moved to, at three evaluations each;
            None leaves them at the linear interpolation.
        slab: Layers along z at once; None bounds their memory to some tens of megabytes.
        chunk_size: Points that are evaluated at once.

    Returns:
        A mesh in the unit cube, its outside out.

    Raises:
        ValueError: The function has the level nowhere, or is NaN or infinite somewhere.

    References:
        T. Lewiner, H. Lopes, A. Vieira and G. Tavares, Efficient implementation of marching
        cubes' cases with topological guarantees, Journal of Graphics Tools 8 (2003), as
        scikit-image has it.
    """
    cells = check_shape(shape)
    check_choice("inside", inside, ("above", "below"))
    check_count("chunk_size", chunk_size)
    if slab is None:
        slab = max(1, SLAB_POINTS // (cells[1] * cells[2]))
    check_count("slab", slab)
    grid, side = Grid(cells), Side(float(level), -1 if inside == "above" else 1)
    piece = march_slabs(grid, side, sample_slabs(evaluate, cells, slab, chunk_size))

    def offset(coords: np.ndarray) -> np.ndarray:
        assert refine is not None
        starts = range(0, len(coords), chunk_size)
        values = [call(refine, coords[start : start + chunk_size]) for start in starts]
        return side.offset(np.concatenate(values))

    vertices = place_vertices(grid, piece, None if refine is None else offset)
    return Mesh(vertices, piece.faces)


def march_slabs(grid: Grid, side: Side, slabs: Iterator[tuple[int, np.ndarray]]) -> Piece:
    """The surface in all slabs, each with its first new layer and its values."""
    pieces, least, most = [], np.inf, -np.inf
    for first, values in slabs:
        least, most = min(least, float(values.min())), max(most, float(values.max()))
        if piece := march(grid, side, first, values):
            pieces.append(piece)
    if not pieces:
        raise ValueError(
            f"the function has no surface at {side.level:g}: its values run from {least:.4g} to "
            f"{most:.4g}; expected some on either side. Choose another level, or train longer."
        )
    return join_pieces(pieces)


def check_shape(shape: int | Sequence[int]) -> tuple[int, int, int]:
    """(D, H, W) from one number or three."""
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
    import torch

    from inr.lattice import lattice_points

    depth, height, width = cells
    before = np.zeros((0, height, width), np.float32)
    for first in range(0, depth, thickness):
        values = np.empty((min(thickness, depth - first), height, width), np.float32)
        flat = values.reshape(-1)
        for start in range(0, len(flat), chunk_size):
            end = min(start + chunk_size, len(flat))
            index = torch.arange(start, end) + first * height * width
            flat[start:end] = call(evaluate, lattice_points(cells, index).numpy())
        yield first, np.concatenate([before, values])
        before = values[-1:]


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
