"""Occupancy and signed distance of points near a mesh."""

from __future__ import annotations

from typing import Any

import numpy as np

from inr.source_file import MissingExtraError

from .chunks import map_chunks
from .mesh import Mesh
from .surface import sample_surface

# Sums over far faces are approximate: in the unit cube they were never off by more than 0.005.
# Winding numbers that are nearer to one half than this are summed exactly.
DOUBT = 0.02
# Share of the extent: nearer to a face, fast sums in single precision cannot tell its sides.
NEAR = 1e-5
# Least share of the surface that must separate inside from outside.
LEAST_BOUNDARY = 0.5


class Solid:
    """The inside of a mesh, found by its generalized winding number.

    Points are inside where the surface winds around them more than half a time. For a closed
    surface that is exact; a hole is closed by the smoothest sheet there is, and bodies that
    overlap are united. Faces must have their outside out: see `repair`.

    Args:
        mesh: A mesh in any frame: points and distances are in the same one.

    Raises:
        MissingExtraError: libigl is not installed.

    References:
        A. Jacobson, L. Kavan and O. Sorkine-Hornung, Robust inside-outside segmentation using
        generalized winding numbers, SIGGRAPH 2013; G. Barill, N. Dickson, R. Schmidt, D. Levin
        and A. Jacobson, Fast winding numbers for soups and clouds, SIGGRAPH 2018.
    """

    def __init__(self, mesh: Mesh) -> None:
        self._igl = import_igl()
        low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
        # The library sums in single precision, which wants small numbers.
        self._offset, self._scale = (low + high) / 2, float((high - low).max())
        self._vertices = np.ascontiguousarray((mesh.vertices - self._offset) / self._scale)
        self._faces = np.ascontiguousarray(mesh.faces, np.int64)
        self._mesh = mesh
        self._tree: Any = None
        self._sums: Any = None

    def winding_numbers(self, points: np.ndarray) -> np.ndarray:
        """How often the surface winds around (n, 3) points, to within 0.005: (n,) float64."""
        return map_chunks(self._wind, self._localize(points))

    def occupancy(self, points: np.ndarray) -> np.ndarray:
        """Whether (n, 3) points are inside: (n,) booleans."""
        return self._is_inside(self._localize(points))

    def signed_distance(self, points: np.ndarray) -> np.ndarray:
        """Distance to the surface, negative inside, in the units of the mesh.

        The distance itself is exact. Beside a hole of the surface it changes its sign without
        passing zero.

        Args:
            points: (n, 3).

        Returns:
            (n,) float64.
        """
        local = self._localize(points)
        distance = np.sqrt(map_chunks(self._squared_distance, local))
        inside = self._is_inside(local, distance < NEAR)
        return self._scale * np.where(inside, -distance, distance)

    def boundary_share(self, *, samples: int = 4096, seed: int = 0) -> float:
        """Share of the surface with inside at its back and outside in front.

        It is near 1 for a surface that encloses something, lower where bodies overlap, around 0.4
        for random triangles, and 0 for a surface whose every face is there from both sides.
        """
        generator = np.random.default_rng(seed)
        points, normals, _ = sample_surface(self._mesh, samples, generator)
        step = 1e-4 * self._scale * normals
        behind, before = self.winding_numbers(points - step), self.winding_numbers(points + step)
        return float(((behind > 0.5) & (before < 0.5)).mean())

    def _localize(self, points: np.ndarray) -> np.ndarray:
        points = np.asarray(points, np.float64)
        if points.ndim != 2 or points.shape[1] != 3:
            raise ValueError(f"points have the shape {points.shape}; expected (n, 3).")
        if not np.isfinite(points).all():
            raise ValueError("points hold NaN or infinity; expected finite coordinates.")
        return (points - self._offset) / self._scale

    def _wind(self, points: np.ndarray) -> np.ndarray:
        if self._sums is None:
            self._sums = self._igl.FastWindingNumberBVH()
            self._sums.init(self._vertices, self._faces)
        return self._sums.winding_number(np.ascontiguousarray(points))

    def _is_inside(self, points: np.ndarray, doubtful: np.ndarray | bool = False) -> np.ndarray:
        winding = map_chunks(self._wind, points)
        doubtful = doubtful | ~(np.abs(winding - 0.5) > DOUBT)
        if doubtful.any():
            winding[doubtful] = self._igl.winding_number(
                self._vertices, self._faces, np.ascontiguousarray(points[doubtful])
            ).reshape(-1)
        return winding > 0.5

    def _squared_distance(self, points: np.ndarray) -> np.ndarray:
        if self._tree is None:
            self._tree = self._igl.AABB()
            self._tree.init(self._vertices, self._faces)
        squares, _, _ = self._tree.squared_distance(
            self._vertices, self._faces, np.ascontiguousarray(points)
        )
        return squares.reshape(-1)


def import_igl() -> Any:
    """Import libigl.

    Raises:
        MissingExtraError: libigl is not installed.
    """
    try:
        import igl
    except ImportError:
        raise MissingExtraError(
            "labels of a mesh need libigl; expected it to be installed. "
            "Run pip install 'inr[shape]'."
        ) from None
    return igl


def check_encloses(mesh: Mesh, name: str) -> None:
    """Reject a mesh that has no inside.

    Args:
        mesh: A mesh after `repair`.
        name: Name of its file, for the message.

    Raises:
        ValueError: less than half of its surface separates inside from outside.
    """
    share = Solid(mesh).boundary_share()
    if share < LEAST_BOUNDARY:
        raise ValueError(
            f"{name} encloses nothing: {share:.0%} of its surface has an inside; expected a "
            "surface around a volume. Close it, or fit points on it as a point cloud."
        )
