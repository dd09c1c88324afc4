"""What is written is read back the same, by us and by others."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from inr.mesh import (
    Mesh,
    PointCloud,
    read_mesh,
    read_points,
    vertex_normals,
    write_mesh,
    write_points,
)
from tests.mesh.conftest import BRICK, make_sphere
from tests.tolerance import assert_close

SUFFIXES = ("ply", "obj", "stl", "off", "glb")
FAR = np.array([665187.522077, 5648349.895035, 241.767693])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_mesh_comes_back(suffix: str, tmp_path: Path) -> None:
    mesh = make_sphere()
    path = tmp_path / "deep" / f"sphere.{suffix}"
    assert write_mesh(path, mesh) == ()
    again = read_mesh(path)
    assert again.notes == ()
    np.testing.assert_allclose(again.corners, mesh.corners, atol=1e-7)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_far_meshes_keep_their_digits(suffix: str, tmp_path: Path) -> None:
    mesh = Mesh(make_sphere().vertices + FAR, make_sphere().faces)
    path = tmp_path / f"sphere.{suffix.upper()}"
    notes = write_mesh(path, mesh)
    assert bool(notes) == (suffix == "stl")
    if suffix == "stl":
        assert "rounds coordinates to float32" in notes[0]
    else:
        limit = 1e-7 if suffix == "glb" else 0
        assert np.abs(read_mesh(path).corners - mesh.corners).max() <= limit + 1e-9


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("scale", [1e-30, 1e-9, 1e12])
def test_meshes_of_any_size_keep_their_digits(suffix: str, scale: float, tmp_path: Path) -> None:
    mesh = Mesh(make_sphere().vertices * scale, make_sphere().faces)
    assert write_mesh(tmp_path / f"sphere.{suffix}", mesh) == ()
    again = read_mesh(tmp_path / f"sphere.{suffix}")
    np.testing.assert_allclose(again.corners, mesh.corners, rtol=0, atol=1e-7 * scale)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_another_reader_agrees(suffix: str, tmp_path: Path) -> None:
    trimesh = pytest.importorskip("trimesh")
    for mesh in (make_sphere(), Mesh(make_sphere().vertices + FAR, make_sphere().faces)):
        path = tmp_path / f"sphere.{suffix}"
        write_mesh(path, mesh)
        other = trimesh.load_mesh(path, process=False)
        assert other.is_winding_consistent
        limit = 1.0 if suffix == "stl" and mesh.vertices.max() > 9 else 1e-6
        assert np.abs(np.asarray(other.triangles) - mesh.corners).max() < limit


def test_normals_of_vertices_are_written(tmp_path: Path) -> None:
    mesh = make_sphere()
    write_mesh(tmp_path / "a.ply", mesh)
    cloud = read_points(tmp_path / "a.ply")
    assert cloud.normals is not None
    np.testing.assert_allclose(cloud.normals, vertex_normals(mesh), atol=1e-6)
    assert (mesh.vertices * cloud.normals).sum(axis=1).min() > 0.95
    write_mesh(tmp_path / "a.obj", mesh)
    lines = (tmp_path / "a.obj").read_text().splitlines()
    normals = np.array([line.split()[1:] for line in lines if line.startswith("vn")], float)
    np.testing.assert_allclose(normals, vertex_normals(mesh), atol=1e-5)
    first = next(line for line in lines if line.startswith("f"))
    assert first == "f " + " ".join(f"{i + 1}//{i + 1}" for i in mesh.faces[0])


@pytest.mark.parametrize("rings", [3, 4, 5, 7, 8, 24, 25])
def test_glb_keeps_the_rules_of_its_format(rings: int, tmp_path: Path) -> None:
    mesh = make_sphere(rings)
    write_mesh(tmp_path / "a.glb", mesh)
    data = (tmp_path / "a.glb").read_bytes()
    magic, version, length, size, kind = struct.unpack_from("<4sIII4s", data)
    assert (magic, version, length, kind) == (b"glTF", 2, len(data), b"JSON") and size % 4 == 0
    tree = json.loads(data[20 : 20 + size])
    attributes = tree["meshes"][0]["primitives"][0]["attributes"]
    positions = tree["accessors"][attributes["POSITION"]]
    assert_close(positions["min"], mesh.vertices.min(axis=0).astype(np.float32))
    assert_close(positions["max"], mesh.vertices.max(axis=0).astype(np.float32))
    assert tree["accessors"][attributes["NORMAL"]]["count"] == len(mesh.vertices)
    assert all(view["byteOffset"] % 4 == 0 for view in tree["bufferViews"])
    ends = [view["byteOffset"] + view["byteLength"] for view in tree["bufferViews"]]
    assert max(ends) == tree["buffers"][0]["byteLength"]


@pytest.mark.parametrize("suffix", ["ply", "xyz"])
@pytest.mark.parametrize("shift", [0.0, FAR])
def test_points_come_back(suffix: str, shift: np.ndarray, tmp_path: Path) -> None:
    points = make_sphere().vertices
    for normals in (None, points):
        path = tmp_path / f"cloud.{suffix}"
        write_points(path, PointCloud(points + shift, normals))
        cloud = read_points(path)
        np.testing.assert_allclose(cloud.points, points + shift, atol=1e-7, rtol=0)
        assert (cloud.normals is None) == (normals is None)
        if normals is not None:
            np.testing.assert_allclose(cloud.normals, normals, atol=1e-6)


def test_a_failure_leaves_the_old_file(
    brick: Mesh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.ply"
    path.write_bytes(b"old")
    broken = Mesh(brick.vertices, np.array([[0.5, None, 1]], object))
    with pytest.raises((TypeError, ValueError, IndexError)):
        write_mesh(path, broken)
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_what_cannot_be_written_is_rejected(brick: Mesh, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"suffix '\.xyz'; expected \.ply, \.obj.*Name it a\.ply"):
        write_mesh(tmp_path / "a.xyz", brick)
    with pytest.raises(ValueError, match=r"suffix '\.stl'; expected \.ply, \.xyz"):
        write_points(tmp_path / "a.stl", PointCloud(BRICK))
    with pytest.raises(ValueError, match="no faces; expected"):
        write_mesh(tmp_path / "a.ply", Mesh(BRICK, np.zeros((0, 3), int)))
    assert not list(tmp_path.iterdir())
