"""Edges, holes, handles and volumes; and faces that are turned."""

from __future__ import annotations

import numpy as np
import pytest

from inr.mesh import Mesh, measure_topology, repair, signed_volume, vertex_normals
from tests.mesh.conftest import BRICK, SIDES, flip, join, make_sphere
from tests.tolerance import assert_close


def shift(mesh: Mesh, *by: float, scale: float = 1.0) -> Mesh:
    return Mesh(scale * mesh.vertices + np.array(by), mesh.faces)


def make_torus(n: int = 12) -> Mesh:
    """A ring with one handle."""
    u, v = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    a, b = 2 * np.pi * u / n, 2 * np.pi * v / n
    ring = 2 + np.cos(b)
    vertices = np.stack([ring * np.cos(a), ring * np.sin(a), np.sin(b)], axis=-1).reshape(-1, 3)
    here, right = u * n + v, (u + 1) % n * n + v
    up, both = u * n + (v + 1) % n, (u + 1) % n * n + (v + 1) % n
    faces = [np.stack([here, right, both], -1), np.stack([here, both, up], -1)]
    return Mesh(vertices, np.concatenate(faces).reshape(-1, 3))


def make_strip(turns: int, n: int = 10) -> Mesh:
    """A band closed to a ring after so many half turns."""
    u = np.arange(n)
    middle, tilt = 2 * np.pi * u / n, turns * np.pi * u / n
    vertices = [
        np.stack([r * np.cos(middle), r * np.sin(middle), s * np.sin(tilt)], axis=1)
        for s in (-0.3, 0.3)
        for r in [1 + s * np.cos(tilt)]
    ]
    low, high = u, u + n
    # After an odd number of half turns the sides have changed places.
    swapped = (u == n - 1) & (turns % 2 == 1)
    next_low = np.where(swapped, n, (u + 1) % n)
    next_high = np.where(swapped, 0, (u + 1) % n + n)
    faces = [np.stack([low, next_low, next_high], -1), np.stack([low, next_high, high], -1)]
    return Mesh(np.concatenate(vertices), np.concatenate(faces))


def test_a_brick(brick: Mesh) -> None:
    topology = measure_topology(brick)
    assert (topology.edges, topology.bodies, topology.euler, topology.genus) == (18, 1, 2, 0)
    assert topology.is_watertight and topology.open_edges == 0
    assert_close(signed_volume(brick.corners), SIDES.prod())
    assert_close(signed_volume(flip(brick).corners), -SIDES.prod())
    outward = np.sign(BRICK - BRICK.mean(axis=0))
    assert (np.sign(vertex_normals(brick)) == outward).all()


def test_handles_and_bodies_are_counted() -> None:
    torus = make_torus()
    assert measure_topology(torus).genus == 1 and signed_volume(torus.corners) > 0
    several = join(torus, shift(torus, 9, 0, 0), shift(make_sphere(), 0, 0, 9))
    topology = measure_topology(several)
    assert (topology.bodies, topology.euler, topology.genus) == (3, 2, 2)


def test_holes_and_branches_are_counted(brick: Mesh) -> None:
    opened = measure_topology(Mesh(BRICK, brick.faces[1:]))
    assert (opened.open_edges, opened.unbalanced_edges, opened.genus) == (3, 3, None)
    assert opened.edges == 18 and not opened.is_watertight
    turned = measure_topology(Mesh(BRICK, np.vstack([brick.faces[:1, ::-1], brick.faces[1:]])))
    assert (turned.open_edges, turned.unbalanced_edges) == (0, 3)
    assert not turned.is_watertight
    finned = measure_topology(
        Mesh(np.vstack([BRICK, [[0, 0, 0]]]), np.vstack([brick.faces, [[0, 1, 8]]]))
    )
    assert (finned.crowded_edges, finned.open_edges, finned.is_watertight) == (1, 2, False)


def test_a_sound_mesh_is_left_alone(brick: Mesh) -> None:
    for mesh in (brick, make_torus(), join(brick, make_sphere())):
        mended = repair(mesh)
        assert (mended.faces == mesh.faces).all() and mended.notes == ()


def test_faces_inside_out_are_turned(brick: Mesh) -> None:
    for mesh in (brick, make_torus(), make_sphere()):
        mended = repair(flip(mesh))
        assert (mended.faces == mesh.faces).all()
        assert mended.notes == ("it was inside out and is turned",)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_faces_that_disagree_are_turned(share: float) -> None:
    mesh = join(make_torus(), shift(make_sphere(), 9, 0, 0))
    wrong = np.random.default_rng(0).random(len(mesh.faces)) < share
    mixed = Mesh(mesh.vertices, np.where(wrong[:, None], mesh.faces[:, ::-1], mesh.faces))
    mended = repair(mixed)
    # A face may begin at another of its corners.
    assert (np.sort(mended.faces) == np.sort(mesh.faces)).all()
    assert (
        np.cross(*np.moveaxis(mended.corners[:, 1:] - mended.corners[:, :1], 1, 0))
        * np.cross(*np.moveaxis(mesh.corners[:, 1:] - mesh.corners[:, :1], 1, 0))
    ).sum(1).min() > 0
    least = sum(min(part.sum(), (~part).sum()) for part in np.split(wrong, [288]))
    assert mended.notes[0] == f"faces turned to agree with their neighbours: {least:,}"


def test_bodies_inside_out_are_turned_but_cavities_are_not() -> None:
    ball = make_sphere()
    hollow = join(ball, flip(shift(ball, 0, 0, 0, scale=0.5)))
    assert repair(hollow).notes == () and (repair(hollow).faces == hollow.faces).all()
    # Turned as a whole it comes back as a whole.
    assert (repair(flip(hollow)).faces == hollow.faces).all()
    beside = join(shift(ball, 0, 0, 0, scale=2), flip(shift(ball, 9, 0, 0)), shift(ball, 0, 9, 0))
    mended = repair(beside)
    assert mended.notes == ("bodies that were inside out and are turned: 1 of 3",)
    volumes = [signed_volume(part) for part in np.split(mended.corners, 3)]
    assert min(volumes) > 0
    # In a cavity there may be a body again.
    nested = join(shift(ball, 0, 0, 0, scale=3), flip(shift(ball, 0, 0, 0, scale=2)), ball)
    assert (repair(nested).faces == nested.faces).all()


def test_an_open_body_beside_a_closed_one_is_left_alone() -> None:
    ball = make_sphere()
    bowl = flip(Mesh(shift(ball, 9, 0, 0).vertices, ball.faces[len(ball.faces) // 2 :]))
    mesh = join(shift(ball, 0, 0, 0, scale=4), bowl)
    assert (repair(mesh).faces == mesh.faces).all()


def test_normals_of_vertices_weigh_faces_by_area() -> None:
    vertices = np.array([[0, 0, 0], [0, 3, 0], [0, 0, 1], [1, 0, 0.0]])
    mesh = Mesh(vertices, np.array([[0, 1, 2], [0, 3, 1]]))
    expected = np.array([3, 0, 3]) / np.sqrt(18)
    assert_close(vertex_normals(mesh)[0], expected)
    wide = Mesh(vertices * [5, 1, 1], mesh.faces)
    assert_close(vertex_normals(wide)[0], np.array([1, 0, 5]) / np.sqrt(26))
    assert_close(vertex_normals(wide)[2], [1.0, 0.0, 0.0])


def test_open_surfaces_are_kept_and_noted(brick: Mesh) -> None:
    opened = Mesh(BRICK, flip(brick).faces[1:])
    mended = repair(opened)
    assert (mended.faces == brick.faces[1:]).all()
    assert mended.notes[-1] == "it is open: 16.67% of its edges (3) have one face alone"


def test_a_surface_with_one_side_is_said_to_be() -> None:
    strip, ring = repair(make_strip(1)), repair(make_strip(2))
    assert "surfaces with one side, like a Möbius strip: 20" in " ".join(strip.notes)
    assert "one side" not in " ".join(ring.notes)


def test_triangles_at_random_take_little_time() -> None:
    corners = np.random.default_rng(0).random((20_000, 3, 3))
    soup = Mesh(corners.reshape(-1, 3), np.arange(60_000).reshape(-1, 3))
    assert "100.00%" in repair(soup).notes[-1]
