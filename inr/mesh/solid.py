"""Inside, outside and distance: labels of points near a mesh."""

from __future__ import annotations

from typing import Any

import numpy as np

from inr.source_file import MissingExtraError

from .in_parts import in_order
from .mesh import Mesh
from .surface import sample_surface

# Sums over far faces are approximate: in the unit cube they were never off by more than 0.005.
# Whatever is nearer to one half than this is summed exactly.
DOUBT = 0.02
# Of the extent: nearer to a face, the single precision of fast sums cannot tell its sides.
NEAR = 1e-5
# Of the surface, the share that must part inside from outside.
LEAST_BOUNDARY = 0.5


class Solid:
    """What a mesh encloses, found by its generalized winding number.

    Points are inside where the surface winds around them more than half a time. Of a closed
    surface that is exact; a hole is closed by the smoothest sheet there is, and bodies that
    overlap are united. Faces must have their outside out: see `repair`.

    Args:
        mesh: In any frame: points are given, and distances are measured, in the same one.

    Raises:
        MissingExtraError: libigl is not installed.

    Source:
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
        """How often the surface winds around points, to within 0.005.

        Args:
            points: (n, 3).

        Returns:
            (n,) float64.
        """
        return in_order(self._wind, self._localize(points))

    def occupancy(self, points: np.ndarray) -> np.ndarray:
        """Whether points are inside.

        Args:
            points: (n, 3).

        Returns:
            (n,) booleans.
        """
        return self._is_inside(self._localize(points))

    def signed_distance(self, points: np.ndarray) -> np.ndarray:
        """Distance to the surface, negative inside.

        The distance itself is exact. Beside a hole of the surface it changes its sign without
        passing zero.

        Args:
            points: (n, 3).

        Returns:
            (n,) float64, in the units of the mesh.
        """
        local = self._localize(points)
        distance = np.sqrt(in_order(lambda part: self._find(part)[0], local))
        inside = self._is_inside(local, distance < NEAR)
        return self._scale * np.where(inside, -distance, distance)

    def closest(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The face that is closest to each of (n, 3) points, and the (n, 3) place on it."""
        local = self._localize(points)
        places = in_order(lambda part: np.column_stack(self._find(part)[1:]), local)
        return places[:, 0].astype(np.int64), places[:, 1:] * self._scale + self._offset

    def boundary_share(self, *, samples: int = 4096, seed: int = 0) -> float:
        """Share of the surface with inside at its back and outside in front.

        It is near 1 for whatever encloses something, lower where bodies overlap, around 0.4 for
        triangles at random, and 0 for a surface whose every face is there from both sides.
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
        winding = in_order(self._wind, points)
        doubtful = doubtful | ~(np.abs(winding - 0.5) > DOUBT)
        if doubtful.any():
            winding[doubtful] = self._igl.winding_number(
                self._vertices, self._faces, np.ascontiguousarray(points[doubtful])
            ).reshape(-1)
        return winding > 0.5

    def _find(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if self._tree is None:
            self._tree = self._igl.AABB()
            self._tree.init(self._vertices, self._faces)
        squares, faces, places = self._tree.squared_distance(
            self._vertices, self._faces, np.ascontiguousarray(points)
        )
        return squares.reshape(-1), faces.reshape(-1), places


def import_igl() -> Any:
    """Import libigl, or say how to get it."""
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
        mesh: After `repair`.
        name: Of its file, for the message.

    Raises:
        ValueError: Less than half of its surface parts inside from outside.
    """
    share = Solid(mesh).boundary_share()
    if share < LEAST_BOUNDARY:
        raise ValueError(
            f"{name} encloses nothing: {share:.0%} of its surface has an inside; expected a "
            "surface around a volume. Close it, or fit points on it with signal=point_cloud."
        )
