"""Polygons become triangles with the same area and the same side."""

from __future__ import annotations

import numpy as np
import pytest

from inr.mesh.mesh import face_vectors
from inr.mesh.polygon import triangulate
from tests.tolerance import assert_close


def star(points: int) -> np.ndarray:
    """A star with so many points, counter-clockwise in the plane."""
    angle = np.arange(2 * points) * np.pi / points
    radius = np.where(np.arange(2 * points) % 2, 0.3, 1.0)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def comb(teeth: int) -> np.ndarray:
    """A comb: many corners on one line, none of which sees all others."""
    top = [[x / 2, 1.0 if x % 2 else 0.1] for x in range(2 * teeth, -1, -1)]
    return np.array([[0.0, 0.0], [teeth, 0.0], *top])


SHAPES = {
    "triangle": np.array([[0, 0], [2, 0], [0, 1.0]]),
    "square": np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]]),
    "arrow": np.array([[0, 0], [2, -1], [0.5, 0], [2, 1.0]]),
    "arrow from its notch": np.array([[0.5, 0], [2, 1], [0, 0], [2, -1.0]]),
    "corners on a line": np.array([[0, 0], [1, 0], [2, 0], [2, 2], [1, 2], [0, 2.0]]),
    "star": star(7),
    "comb": comb(6),
}


def area(flat: np.ndarray) -> float:
    x, y = flat.T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("turn", [1, -1])
def test_triangles_cover_a_polygon_once(name: str, turn: int) -> None:
    flat = SHAPES[name][::turn]
    # A plane that is no plane of axes.
    axes, _ = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))
    points = flat @ axes[:, :2].T + [5, 6, 7]
    corners = np.arange(len(flat))
    faces = triangulate(points, np.array([len(flat)]), corners)
    assert faces.shape == (len(flat) - 2, 3)
    normal = np.cross(axes[:, 0], axes[:, 1])
    signed = face_vectors(points[faces]) @ normal / 2
    assert_close(signed.sum(), area(flat))
    # None overlaps another: areas without signs add up to no more.
    assert_close(np.abs(signed).sum(), abs(area(flat)))


def test_polygons_of_all_sizes_keep_their_order() -> None:
    points = np.random.default_rng(0).standard_normal((9, 3))
    sizes = np.array([3, 4, 2, 3, 0, 4, 1])
    corners = np.array([0, 1, 2, 1, 3, 5, 7, 8, 0, 4, 5, 6, 2, 4, 6, 8, 3])
    faces = triangulate(points, sizes, corners)
    assert faces.shape == (6, 3)
    assert faces[0].tolist() == [0, 1, 2] and faces[3].tolist() == [4, 5, 6]
    assert set(faces[1:3].ravel()) == {1, 3, 5, 7} and set(faces[4:].ravel()) == {2, 4, 6, 8}
    assert triangulate(points, np.zeros(0, int), np.zeros(0, int)).shape == (0, 3)


def test_a_hostile_polygon_ends_soon() -> None:
    random = np.random.default_rng(0)
    for size in (40, 3000):
        # It crosses itself all over.
        points = random.standard_normal((size, 3))
        assert triangulate(points, np.array([size]), np.arange(size)).shape == (size - 2, 3)
    zero = triangulate(np.zeros((6, 3)), np.array([6]), np.arange(6))
    assert zero.shape == (4, 3)


def test_many_notched_quads_take_little_time() -> None:
    many = 20_000
    points = np.tile(np.pad(np.roll(SHAPES["arrow"], 1, axis=0), ((0, 0), (0, 1))), (many, 1))
    faces = triangulate(points, np.full(many, 4), np.arange(4 * many))
    assert_close(face_vectors(points[faces])[:, 2].min(), 0.5)
