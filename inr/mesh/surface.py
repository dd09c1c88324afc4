"""Random points on a surface and near it."""

from __future__ import annotations

import numpy as np

from inr.argument import check_count, check_positive

from .mesh import Mesh, face_vectors, normalize


def sample_surface(
    mesh: Mesh, count: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw points uniformly by area.

    Args:
        mesh: A mesh with some area.
        count: Number of points, n.
        generator: Source of the draws.

    Returns:
        (n, 3) points, (n, 3) unit normals of their faces, and (n,) rows of `mesh.faces`.

    Raises:
        ValueError: The mesh has no area.
    """
    check_count("count", count, 0)
    corners = mesh.corners
    vectors = face_vectors(corners)
    areas = np.cumsum(np.linalg.norm(vectors, axis=1))
    if not len(areas) or not 0 < areas[-1] < np.inf:
        raise ValueError("the mesh has no area; expected faces with some. Check its coordinates.")
    # The clip is for a draw that rounds up to the whole area.
    drawn = generator.random(count) * areas[-1]
    faces = np.searchsorted(areas, drawn, side="right").clip(max=len(areas) - 1)
    # The square root spreads points evenly: a strip of a triangle is wider far from its corner.
    u, v = np.sqrt(generator.random(count)), generator.random(count)
    weights = np.stack([1 - u, u * (1 - v), u * v], axis=1)
    points = (corners[faces] * weights[:, :, None]).sum(axis=1)
    return points, normalize(vectors[faces]), faces


def sample_near(mesh: Mesh, count: int, sigma: float, generator: np.random.Generator) -> np.ndarray:
    """Draw points of the surface and move each by Gaussian noise.

    Args:
        mesh: A mesh with some area.
        count: Number of points, n.
        sigma: Standard deviation of the noise along each axis, in the mesh's units.
        generator: Source of the draws.

    Returns:
        (n, 3) points.
    """
    check_positive("sigma", sigma, zero=True)
    points, _, _ = sample_surface(mesh, count, generator)
    return points + sigma * generator.standard_normal(points.shape)
