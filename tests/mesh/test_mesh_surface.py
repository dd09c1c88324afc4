"""Points on a surface are spread by area, and follow their generator."""

from __future__ import annotations

import numpy as np
import pytest

from inr.mesh import Mesh, sample_near, sample_surface
from tests.mesh.conftest import BRICK, SIDES, brute_distance
from tests.tolerance import assert_close


def draw(mesh: Mesh, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return sample_surface(mesh, count, np.random.default_rng(seed))


def test_points_lie_on_their_faces_and_normals_point_out(brick: Mesh) -> None:
    points, normals, faces = draw(brick, 500)
    assert brute_distance(brick.corners, points).max() < 1e-12
    for point, normal, face in zip(points, normals, faces, strict=True):
        assert brute_distance(brick.corners[face][None], point[None])[0] < 1e-12
        assert np.abs((brick.corners[face] - point) @ normal).max() < 1e-12
    assert_close(np.linalg.norm(normals, axis=1), np.ones(500))
    assert ((points - BRICK.mean(axis=0)) * normals).sum(axis=1).min() > 0


def test_points_are_spread_by_area(brick: Mesh) -> None:
    count = 60_000
    points, normals, faces = draw(brick, count)
    areas = np.repeat([2, 2, 3, 3, 6, 6], 2) / 44 * 2 / 2
    hits = np.bincount(faces, minlength=12) / count
    deviation = np.sqrt(areas * (1 - areas) / count)
    assert (np.abs(hits - areas) < 5 * deviation).all()
    # Within a side: first and second moments of a uniform spread.
    top = ((points - BRICK[0]) / SIDES)[normals[:, 2] > 0.5][:, :2]
    assert np.abs(top.mean(axis=0) - 1 / 2).max() < 5 * np.sqrt(1 / 12 / len(top))
    assert np.abs((top**2).mean(axis=0) - 1 / 3).max() < 5 * np.sqrt(4 / 45 / len(top))
    assert abs((top[:, 0] * top[:, 1]).mean() - 1 / 4) < 5 * np.sqrt(7 / 144 / len(top))


def test_a_seed_is_a_draw(brick: Mesh) -> None:
    for one, same, other in zip(draw(brick, 9), draw(brick, 9), draw(brick, 9, 1), strict=True):
        assert (one == same).all() and (one != other).any()
    assert draw(brick, 0)[0].shape == (0, 3)


def test_noise_has_its_deviation(brick: Mesh) -> None:
    count, sigma = 20_000, 0.03
    near = sample_near(brick, count, sigma, np.random.default_rng(0))
    noise = near - draw(brick, count)[0]
    assert np.abs(noise.std(axis=0) / sigma - 1).max() < 5 / np.sqrt(2 * count)
    assert np.abs(noise.mean(axis=0)).max() < 5 * sigma / np.sqrt(count)
    assert (sample_near(brick, 5, 0, np.random.default_rng(0)) == draw(brick, 5)[0]).all()


def test_what_cannot_be_drawn_is_rejected(brick: Mesh) -> None:
    flat = Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]]))
    with pytest.raises(ValueError, match="no area; expected"):
        draw(flat, 5)
    with pytest.raises(ValueError, match="count is -1"):
        draw(brick, -1)
    with pytest.raises(ValueError, match="sigma is -1"):
        sample_near(brick, 3, -1.0, np.random.default_rng(0))
