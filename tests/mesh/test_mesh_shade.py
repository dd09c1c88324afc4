"""Pictures show what is nearest, from the side that was asked for, lit from the upper left."""

from __future__ import annotations

import numpy as np
import pytest

from inr.mesh import Mesh, draw_mesh, draw_points
from inr.mesh.shade import rasterize
from tests.mesh.conftest import BRICK, flip, join, make_sphere


def covered(image: np.ndarray) -> np.ndarray:
    return (image < 255).any(axis=2)


def box(mask: np.ndarray) -> tuple[int, int]:
    rows, columns = np.nonzero(mask)
    return int(np.ptp(rows) + 1), int(np.ptp(columns) + 1)


@pytest.mark.parametrize(
    ("direction", "up", "height", "width"),
    [
        ((0, 0, 1), (0, 1, 0), 2, 1),
        ((0, 0, -2), (0, 1, 0), 2, 1),
        ((1, 0, 0), (0, 1, 0), 2, 3),
        ((0, 1, 0), (0, 0, 1), 3, 1),
    ],
)
def test_a_brick_is_seen_from_its_sides(
    direction: tuple[float, ...], up: tuple[float, ...], height: int, width: int, brick: Mesh
) -> None:
    image = draw_mesh(brick, (80, 100), direction=direction, up=up)
    assert image.shape == (80, 100, 3) and image.dtype == np.uint8
    rows, columns = box(covered(image))
    # Both may be a pixel short.
    assert abs(rows - columns * height / width) < 3.5
    assert covered(image).sum() == rows * columns
    assert covered(image)[40, 50] and not covered(image)[[0, -1]].any()


def test_x_is_right_y_is_up_and_what_is_near_hides() -> None:
    # A small ball to the right and above, in front of a large one; a third one is behind it.
    big = make_sphere(16)
    small = Mesh(0.3 * make_sphere(16).vertices + [0.5, 0.5, 2], big.faces)
    hidden = Mesh(0.3 * make_sphere(16).vertices - [0.5, 0.5, 2], big.faces)
    mesh = join(big, small, hidden)
    image = draw_mesh(mesh, 90, direction=(0, 0, 1))
    alone = draw_mesh(
        join(big, Mesh(small.vertices - [0, 0, 4], big.faces), hidden), 90, direction=(0, 0, 1)
    )
    rows, columns = np.nonzero((image != alone).any(axis=2))
    assert len(rows) > 50 and rows.max() < 45 and columns.min() > 45


def test_light_comes_from_the_upper_left() -> None:
    for direction in ((0, 0, 1), (0, 0, -1), (-1, 0, 0), (3, -2, 1)):
        image = draw_mesh(make_sphere(24), 64, direction=direction).mean(axis=2)
        assert image[18, 22] > image[32, 32] > image[46, 42]


def test_insides_are_red() -> None:
    for smooth in (True, False):
        front = draw_mesh(make_sphere(), 32, smooth=smooth)[16, 16].astype(int)
        back = draw_mesh(flip(make_sphere()), 32, smooth=smooth)[16, 16].astype(int)
        assert front[0] <= front[2] and back[0] > back[2] + 20


def test_smooth_shading_has_no_edges() -> None:
    mesh = make_sphere(10)

    def steps(smooth: bool) -> float:
        image = draw_mesh(mesh, 96, smooth=smooth)[30:60, 30:60].mean(axis=2)
        return float(np.abs(np.diff(image, axis=1)).max())

    assert steps(True) < 0.5 * steps(False)


def test_pixels_belong_to_the_nearest_face_at_their_middle() -> None:
    random = np.random.default_rng(0)
    corners = random.uniform(-4, 24, (60, 3, 3))
    owner, weights = rasterize(corners, (16, 20))
    for pixel in range(320):
        middle = np.array([pixel % 20 + 0.5, pixel // 20 + 0.5])
        best, height = -1, -np.inf
        for face, triangle in enumerate(corners):
            matrix = np.vstack([triangle[:, :2].T, np.ones(3)])
            share = np.linalg.solve(matrix, [*middle, 1])
            if share.min() >= 0 and share @ triangle[:, 2] > height:
                best, height = face, float(share @ triangle[:, 2])
        assert owner[pixel] == best
        if best >= 0:
            np.testing.assert_allclose(weights[pixel] @ corners[best, :, 2], height)


def test_chunks_of_bounded_memory_draw_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = draw_mesh(make_sphere(), 48)
    monkeypatch.setattr("inr.mesh.shade.CHUNK_PIXELS", 100)
    assert (draw_mesh(make_sphere(), 48) == whole).all()


def test_points_are_discs() -> None:
    image = draw_points(BRICK, 100, direction=(0, 0, 1), radius=3.0)
    # Four of the eight corners are hidden by the others.
    assert abs(covered(image).sum() - 4 * np.pi * 9) < 60
    dark = draw_points(BRICK, 100, direction=(1, 1, 0.2), radius=4.0).min()
    assert dark < 60
    sphere = make_sphere(40).vertices
    image = draw_points(sphere, 64, normals=sphere, direction=(0, 0, 1))
    assert covered(image)[32, 32] and image[20, 24].mean() > image[44, 40].mean()
    inner = draw_points(sphere, 64, normals=-sphere, direction=(0, 0, 1))[32, 32].astype(int)
    assert inner[0] > inner[2]


def test_a_single_point_and_a_flat_face_are_drawn() -> None:
    assert covered(draw_points(np.zeros((1, 3)), 16)).any()
    edge_on = Mesh(np.array([[0, 0, 0], [1, 0, 0], [0, 0, 1.0]]), np.array([[0, 1, 2]]))
    assert draw_mesh(edge_on, 16, direction=(0, 0, 1)).shape == (16, 16, 3)


def test_options_are_checked(brick: Mesh) -> None:
    with pytest.raises(ValueError, match=r"expected two that differ"):
        draw_mesh(brick, 8, direction=(0, 2, 0))
    with pytest.raises(ValueError, match="size is 0"):
        draw_mesh(brick, 0)
    with pytest.raises(TypeError, match=r"expected \[x, y, z\]"):
        draw_points(BRICK, 8, direction=(1, 2))
