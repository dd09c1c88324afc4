"""Triangle meshes and point clouds in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Mesh:
    """A surface of triangles.

    Attributes:
        vertices: (V, 3) float64 corners, as (x, y, z), in the units of their file.
        faces: (F, 3) int64 rows of `vertices`; seen from outside they run counter-clockwise.
        notes: One-line warnings for the user about what was changed or left out.
    """

    vertices: np.ndarray
    faces: np.ndarray
    notes: tuple[str, ...] = ()

    @property
    def corners(self) -> np.ndarray:
        """(F, 3, 3) corners of each face."""
        return self.vertices[self.faces]


@dataclass(frozen=True)
class PointCloud:
    """Points on a surface.

    Attributes:
        points: (N, 3) float64, as (x, y, z), in the units of their file.
        normals: (N, 3) float64 of unit length, or zero where the file has zero; None without any.
        notes: One-line warnings for the user.
    """

    points: np.ndarray
    normals: np.ndarray | None = None
    notes: tuple[str, ...] = ()


def face_vectors(corners: np.ndarray) -> np.ndarray:
    """Outward normals times twice the area: (F, 3, 3) corners of triangles to (F, 3)."""
    first = corners[:, 0]
    return np.cross(corners[:, 1] - first, corners[:, 2] - first)


def normalize(vectors: np.ndarray) -> np.ndarray:
    """Scale (N, 3) vectors to unit length; zero vectors stay zero."""
    # Squares of very short or long vectors would leave the range of floats.
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0)
    scaled = vectors / np.where(largest > 0, largest, 1)
    lengths = np.linalg.norm(scaled, axis=1, keepdims=True)
    return scaled / np.where(lengths > 0, lengths, 1)


def vertex_normals(mesh: Mesh) -> np.ndarray:
    """Unit normals of vertices, (V, 3): the mean of their faces' normals, weighted by area."""
    vectors = face_vectors(mesh.corners)
    flat = mesh.faces.ravel()
    sums = [np.bincount(flat, np.repeat(axis, 3), len(mesh.vertices)) for axis in vectors.T]
    return normalize(np.stack(sums, axis=1))
