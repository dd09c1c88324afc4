"""The placement of a mesh in the unit cube."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from inr.argument import check_positive


@dataclass(frozen=True)
class Frame:
    """A uniform scale and a shift between a mesh's own frame and the unit cube, in float64.

    The axes x, y and z of the mesh are those of the cube.

    Attributes:
        offset: The point (x, y, z) of the mesh's frame that comes to the middle of the cube.
        scale: Length in the cube of one unit of the mesh.
    """

    offset: tuple[float, float, float]
    scale: float

    def to_cube(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) points of the mesh's frame as points of the cube."""
        return (np.asarray(points, np.float64) - self.offset) * self.scale + 0.5

    def to_mesh(self, points: np.ndarray) -> np.ndarray:
        """(n, 3) points of the cube as points of the mesh's frame."""
        return (np.asarray(points, np.float64) - 0.5) / self.scale + self.offset

    def lengths_to_mesh(self, lengths: np.ndarray) -> np.ndarray:
        """Lengths or distances in the cube in the units of the mesh."""
        return np.asarray(lengths, np.float64) / self.scale


def fit_frame(points: np.ndarray, *, extent: float = 0.9) -> Frame:
    """The frame in which points are centred in the unit cube.

    Args:
        points: (n, 3), not all at one place.
        extent: Length in the cube of the longest side of their box, at most 1.

    Raises:
        ValueError: The extent is above 1, or all points are at one place.
    """
    if check_positive("extent", extent) > 1:
        raise ValueError(f"extent is {extent}; expected a share of the cube, at most 1. Use 0.9.")
    low, high = points.min(axis=0).astype(np.float64), points.max(axis=0).astype(np.float64)
    longest = float((high - low).max())
    if not 0 < longest < math.inf:
        raise ValueError(
            f"the points have an extent of {longest:g}; expected points at different places."
        )
    x, y, z = (low + (high - low) / 2).tolist()
    return Frame((x, y, z), extent / longest)
