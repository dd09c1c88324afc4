"""Labels of points against sums in float64 that need no tree."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from inr.mesh import (
    Mesh,
    MissingExtraError,
    Solid,
    check_encloses,
    read_mesh,
    repair,
    sample_near,
)
from inr.mesh.mesh import face_vectors
from tests.mesh.conftest import (
    BRICK,
    MESHES,
    ODD,
    SIDES,
    brute_distance,
    brute_winding,
    flip,
    join,
    make_sphere,
    needs_data,
)
from tests.tolerance import assert_close

pytest.importorskip("igl")


def points_around(mesh: Mesh, count: int, seed: int = 0) -> np.ndarray:
    """Half of them in a box half as large again, half near the surface."""
    random = np.random.default_rng(seed)
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    far = random.uniform(1.25 * low - 0.25 * high, 1.25 * high - 0.25 * low, (count // 2, 3))
    near = sample_near(mesh, count // 2, 0.01 * float((high - low).max()), random)
    return np.concatenate([far, near])


def make_soup() -> Mesh:
    corners = np.random.default_rng(5).random((100, 3, 3))
    return Mesh(corners.reshape(-1, 3), np.arange(300).reshape(-1, 3))


SPHERE = make_sphere(8)
CASES = {
    "sphere": SPHERE,
    "open sphere": Mesh(SPHERE.vertices, SPHERE.faces[20:]),
    "half a sphere": Mesh(SPHERE.vertices, SPHERE.faces[len(SPHERE.faces) // 2 :]),
    "far away": Mesh(SPHERE.vertices + 5_648_349.0123, SPHERE.faces),
    "tiny": Mesh(SPHERE.vertices * 1e-9, SPHERE.faces),
    "overlapping": join(SPHERE, Mesh(SPHERE.vertices + 0.4, SPHERE.faces)),
    "hollow": join(SPHERE, flip(Mesh(SPHERE.vertices * 0.5, SPHERE.faces))),
    "soup": make_soup(),
    "with a face without area": Mesh(
        np.vstack([SPHERE.vertices, SPHERE.vertices[:2].mean(axis=0)]),
        np.vstack([SPHERE.faces, [[0, 1, len(SPHERE.vertices)]]]),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_labels_are_those_of_the_oracles(name: str) -> None:
    mesh = CASES[name]
    points = points_around(mesh, 600)
    middle = mesh.vertices.mean(axis=0)
    # The oracle wants small numbers, too.
    winding = brute_winding(mesh.corners - middle, points - middle)
    solid = Solid(mesh)
    assert np.abs(solid.winding_numbers(points) - winding).max() < 5e-3
    sure = np.abs(winding - 0.5) > 1e-6
    inside = winding > 0.5
    assert (solid.occupancy(points) == inside)[sure].all() and sure.mean() > 0.99
    assert 0.02 < inside.mean() < 0.9
    distance = brute_distance(mesh.corners - middle, points - middle)
    found = solid.signed_distance(points)
    extent = np.ptp(mesh.vertices, axis=0).max()
    # Coordinates of far points are rounded before anything is computed.
    looser = 1e3 if name == "far away" else 1.0
    assert_close(np.abs(found) / extent, distance / extent, looser=looser)
    assert ((found < 0) == inside)[sure].all()


def test_a_brick_in_closed_form(brick: Mesh) -> None:
    points = points_around(brick, 2000)
    beyond = np.maximum(BRICK[0] - points, points - BRICK[7])
    outside = np.linalg.norm(beyond.clip(0), axis=1)
    distance = np.where(outside > 0, outside, beyond.max(axis=1))
    assert_close(Solid(brick).signed_distance(points), distance)
    assert (Solid(brick).occupancy(points) == (distance < 0)).all()


def test_the_sides_of_a_face_are_told_apart_however_near(brick: Mesh) -> None:
    random = np.random.default_rng(0)
    foot = BRICK[0] + SIDES * np.column_stack([random.random((200, 2)), np.zeros(200)])
    sphere = make_sphere(16)
    tilted, normals = sphere.corners.mean(axis=1), face_vectors(sphere.corners)
    normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    for step in (1e-6, 1e-8, 1e-10):
        for side in (1, -1):
            distance = Solid(sphere).signed_distance(tilted + side * step * normals)
            np.testing.assert_allclose(distance, side * step, rtol=1e-4)
    for step in (1e-5, 1e-7, 1e-9):
        for side in (1, -1):
            distance = Solid(brick).signed_distance(foot - [0, 0, side * step])
            np.testing.assert_allclose(distance, side * step, rtol=1e-5)


def test_doubtful_points_are_summed_exactly() -> None:
    """Beside the sheet that closes half a sphere, fast sums alone give labels wrong."""
    sphere = make_sphere(16)
    mesh = Mesh(sphere.vertices, sphere.faces[len(sphere.faces) // 2 :])
    flat = np.random.default_rng(1).uniform(-0.5, 0.5, (200, 2))
    low, high = np.full(200, -0.9), np.full(200, 1.0)
    for _ in range(16):
        middle = (low + high) / 2
        inside = brute_winding(mesh.corners, np.column_stack([flat, middle])) > 0.5
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    solid = Solid(mesh)
    below, above = (np.column_stack([flat, low + step]) for step in (-1e-4, 1e-4))
    assert solid.occupancy(below).all() and not solid.occupancy(above).any()
    assert (solid.signed_distance(below) < 0).all() and (solid.signed_distance(above) > 0).all()
    assert (solid.winding_numbers(above) > 0.5).sum() > 20


def test_points_on_the_surface_have_no_distance(brick: Mesh) -> None:
    points = np.concatenate([BRICK, (BRICK[:4] + BRICK[4:]) / 2, brick.corners.mean(axis=1)])
    solid = Solid(brick)
    assert_close(solid.signed_distance(points), np.zeros(len(points)))
    assert solid.occupancy(points).dtype == bool


def test_many_points_go_in_chunks_and_keep_their_order(
    brick: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = points_around(brick, 1000)
    solid = Solid(brick)
    whole = solid.signed_distance(points), solid.occupancy(points), solid.winding_numbers(points)
    monkeypatch.setattr("inr.mesh.chunks.CHUNK_POINTS", 7)
    chunks = solid.signed_distance(points), solid.occupancy(points), solid.winding_numbers(points)
    for one, other in zip(whole, chunks, strict=True):
        assert (one == other).all()
    for name in ("signed_distance", "occupancy", "winding_numbers"):
        assert getattr(solid, name)(np.zeros((0, 3))).shape == (0,)
        for count in (1, 2):
            assert (
                getattr(solid, name)(points[:count]) == getattr(solid, name)(points)[:count]
            ).all()


def test_what_encloses_nothing_is_rejected(brick: Mesh) -> None:
    for name in ("sphere", "open sphere", "half a sphere", "overlapping", "hollow"):
        check_encloses(CASES[name], name)
    with pytest.raises(
        ValueError, match=r"soup\.stl encloses nothing: .*expected.*as a point cloud"
    ):
        check_encloses(make_soup(), "soup.stl")
    both = Mesh(BRICK, np.concatenate([brick.faces, brick.faces[:, ::-1]]))
    with pytest.raises(ValueError, match="0% of its surface"):
        check_encloses(both, "both.obj")
    assert Solid(brick).boundary_share() == 1


@pytest.mark.parametrize("points", [np.zeros(3), np.zeros((4, 2)), np.full((2, 3), np.nan)])
def test_points_that_are_none_are_rejected(points: np.ndarray, brick: Mesh) -> None:
    solid = Solid(brick)
    for label in (solid.occupancy, solid.signed_distance, solid.winding_numbers):
        with pytest.raises(ValueError, match=r"^points .*; expected"):
            label(points)


def test_without_libigl_the_extra_is_named(brick: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "igl", None)
    with pytest.raises(MissingExtraError, match=r"expected.*pip install 'inr\[shape\]'"):
        Solid(brick)


@needs_data
@pytest.mark.parametrize("name", ["bun_zipper.ply.gz", "horse_inverted.ply.gz", "spot.obj"])
def test_real_meshes_are_labelled_as_by_the_oracles(name: str) -> None:
    mesh = repair(read_mesh(MESHES / name))
    points = points_around(mesh, 24)
    winding = brute_winding(mesh.corners, points)
    solid = Solid(mesh)
    assert np.abs(solid.winding_numbers(points) - winding).max() < 5e-3
    assert ((solid.signed_distance(points) < 0) == (winding > 0.5)).all()
    assert 0.1 < (winding > 0.5).mean() < 0.9
    check_encloses(mesh, name)


@needs_data
def test_the_real_soup_is_rejected() -> None:
    with pytest.raises(ValueError, match="encloses nothing"):
        check_encloses(repair(read_mesh(ODD / "soup.stl")), "soup.stl")
