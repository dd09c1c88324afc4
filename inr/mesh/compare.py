"""Distances between two surfaces, measured at points drawn on each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .mesh import Mesh
from .surface import sample_surface


@dataclass(frozen=True)
class SurfaceDistance:
    """The distance between two sets of points on surfaces.

    Attributes:
        accuracy: Mean distance from the first's points to the nearest of the second.
        completeness: Mean distance from the second's points to the nearest of the first.
        normal_consistency: Mean size of the cosine between a point's normal and that of the
            nearest point of the other, over both directions; None without normals.
    """

    accuracy: float
    completeness: float
    normal_consistency: float | None = None

    @property
    def chamfer(self) -> float:
        """Mean distance, not squared, averaged over both directions."""
        return (self.accuracy + self.completeness) / 2


def compare_points(
    first: np.ndarray,
    second: np.ndarray,
    first_normals: np.ndarray | None = None,
    second_normals: np.ndarray | None = None,
) -> SurfaceDistance:
    """Compare two sets of points.

    Args:
        first: (n, 3) points on the surface that is judged.
        second: (m, 3) points on the surface that it should be.
        first_normals: (n, 3) unit vectors, or None.
        second_normals: (m, 3) unit vectors, or None.

    Raises:
        ValueError: One of the sets is empty.

    References:
        L. Mescheder, M. Oechsle, M. Niemeyer, S. Nowozin and A. Geiger, Occupancy networks,
        CVPR 2019, for the distance (their Chamfer-L1) and for the consistency of normals.
    """
    from scipy.spatial import cKDTree

    if not len(first) or not len(second):
        raise ValueError(
            f"got {len(first)} and {len(second)} points; expected some of either surface."
        )
    # On all cores: far from a surface, a search takes long.
    there, nearest_second = cKDTree(second).query(first, workers=-1)
    back, nearest_first = cKDTree(first).query(second, workers=-1)
    consistency = None
    if first_normals is not None and second_normals is not None:
        one = np.abs((first_normals * second_normals[nearest_second]).sum(axis=1)).mean()
        other = np.abs((second_normals * first_normals[nearest_first]).sum(axis=1)).mean()
        consistency = float((one + other) / 2)
    return SurfaceDistance(float(there.mean()), float(back.mean()), consistency)


def compare_meshes(
    first: Mesh, second: Mesh, *, count: int = 100_000, seed: int = 0
) -> SurfaceDistance:
    """Compare two meshes by points drawn uniformly on each.

    Two draws of one surface differ by about half of the points' mean spacing, which is the
    smallest distance that this finds.

    Args:
        first: The mesh that is judged.
        second: The mesh that it should be, in the same frame.
        count: Points on each.
        seed: Seed of the draws.
    """
    generator = np.random.default_rng(seed)
    points, normals, _ = sample_surface(first, count, generator)
    others, other_normals, _ = sample_surface(second, count, generator)
    return compare_points(points, others, normals, other_normals)


def iou(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two arrays of booleans of one shape; 1 if both are empty."""
    if first.shape != second.shape:
        raise ValueError(
            f"got labels of shapes {first.shape} and {second.shape}; expected the same points."
        )
    first, second = first.astype(bool), second.astype(bool)
    union = np.count_nonzero(first | second)
    return float(np.count_nonzero(first & second) / union) if union else 1.0
