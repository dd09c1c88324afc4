"""Meshes of every format come out the same."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inr.mesh import Mesh, measure_topology, read_mesh, read_points, signed_volume
from tests.mesh.conftest import (
    BRICK,
    QUADS,
    SIDES,
    TRIANGLES,
    make_glb,
    make_gltf,
    make_obj,
    make_off,
    make_ply,
    make_stl,
    make_text_stl,
)
from tests.tolerance import assert_close

Read = Callable[..., Mesh]
MIXED = [QUADS[0], *TRIANGLES[2:]]
ORDERS = ("ascii", "binary_little_endian", "binary_big_endian")


def check_brick(mesh: Mesh) -> None:
    """Asserts that a mesh is the brick, its outside out."""
    assert mesh.vertices.dtype == np.float64 and mesh.faces.dtype == np.int64
    order = np.lexsort(mesh.vertices.T)
    assert (mesh.vertices[order] == BRICK).all()
    assert mesh.faces.shape == (12, 3)
    topology = measure_topology(mesh)
    assert topology.is_watertight and topology.genus == 0 and topology.edges == 18
    assert_close(signed_volume(mesh.corners), SIDES.prod())


FILES = {
    **{f"{order} PLY": make_ply(order, BRICK, QUADS) for order in ORDERS},
    **{f"mixed {order} PLY": make_ply(order, BRICK, MIXED) for order in ORDERS},
    **{
        f"coloured {order} PLY": make_ply(order, BRICK, MIXED, "float", "uchar") for order in ORDERS
    },
    "OBJ": make_obj(BRICK, QUADS),
    "mixed OBJ": make_obj(BRICK, MIXED),
    "OFF": make_off(BRICK, QUADS),
    "mixed OFF": make_off(BRICK, MIXED),
    "STL": make_stl(BRICK, TRIANGLES),
    "STL like text": make_stl(BRICK, TRIANGLES, b"solid facet normal"),
    "text STL": make_text_stl(BRICK, TRIANGLES),
    "two text STL": make_text_stl(BRICK, TRIANGLES[:5]) + make_text_stl(BRICK, TRIANGLES[5:]),
    "upper-case STL": make_text_stl(BRICK, TRIANGLES).upper(),
    "GLB": make_glb(*make_gltf(BRICK, TRIANGLES)),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_a_brick_is_read_whatever_its_name(name: str, packed: bool, read_bytes: Read) -> None:
    content = gzip.compress(FILES[name]) if packed else FILES[name]
    check_brick(read_bytes(content))
    check_brick(read_bytes(content, "wrong.obj.gz"))


@pytest.mark.parametrize("name", ["ascii PLY", "OBJ", "OFF", "text STL"])
@pytest.mark.parametrize("end", [b"\r\n", b"\r"], ids=["CRLF", "CR"])
def test_line_ends_of_all_systems(name: str, end: bytes, read_bytes: Read) -> None:
    check_brick(read_bytes(FILES[name].replace(b"\n", end)))


def test_vertices_keep_float64(read_bytes: Read) -> None:
    far = BRICK + 5_648_349.0123456789
    for content in (
        make_obj(far, QUADS),
        make_off(far, QUADS),
        *(make_ply(order, far, QUADS) for order in ORDERS),
    ):
        mesh = read_bytes(content)
        assert (mesh.vertices[np.lexsort(mesh.vertices.T)] == far).all()


@pytest.mark.parametrize(
    "change",
    [
        lambda line, i: line.replace(" ", "\t"),
        lambda line, i: "  " + line + "   # a corner",
        lambda line, i: line.replace(" ", " \\\n "),
        lambda line, i: " ".join([line[0], *(f"{w}/5" for w in line.split()[1:])]),
        lambda line, i: " ".join([line[0], *(f"{w}//1" for w in line.split()[1:])]),
        lambda line, i: " ".join([line[0], *(f"{w}/2/{i + 1}" for w in line.split()[1:])]),
        lambda line, i: " ".join([line[0], *(str(int(w) - 9) for w in line.split()[1:])]),
    ],
)
def test_faces_of_obj_in_all_ways(change: Callable[[str, int], str], read_bytes: Read) -> None:
    lines = make_obj(BRICK, QUADS).decode().splitlines()
    lines = [change(line, i) if line.startswith("f ") else line for i, line in enumerate(lines)]
    check_brick(read_bytes("\n".join(lines).encode()))


def test_relative_faces_count_from_where_they_stand(read_bytes: Read) -> None:
    lines = make_obj(BRICK, QUADS).decode().splitlines()
    # The first face needs vertices 0 to 3 alone: it stands between the fourth and the fifth.
    lines.remove("f 1 3 4 2")
    lines.insert(2 + 4, "f -4 -2 -1 -3")
    check_brick(read_bytes("\n".join(lines).encode()))


def test_objects_groups_and_materials_of_obj_are_put_together(read_bytes: Read) -> None:
    lines = make_obj(BRICK, QUADS).decode().splitlines()
    lines[4:4] = ["g upper", "mtllib /dev/zero", "usemtl steel", "vt 0 0", "vn 0 0 1"]
    lines[-2:-2] = ["o other", "s off", "l 1 2", "p 3"]
    check_brick(read_bytes("\n".join(lines).encode()))


def test_vertices_of_obj_may_have_colours_even_nan(read_bytes: Read) -> None:
    lines = make_obj(BRICK, QUADS).decode().splitlines()
    lines = [f"{line} nan 0 0" if line.startswith("v ") else line for line in lines]
    check_brick(read_bytes("\n".join(lines).encode()))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("OFF\n", "OFF "),
        ("OFF\n", "# made\nCOFF # colours\n\n"),
        ("OFF\n", "NOFF\n"),
        ("4 0 2 3 1", "4 0 2 3 1 0.5 0.5 0.5"),
        ("4 0 2 3 1", "  4  0 2 3 1 255 0 0 # red"),
        ("10.0 20.0 30.0", "10.0 20.0 30.0 0 0 1 255"),
    ],
)
def test_off_in_all_ways(old: str, new: str, read_bytes: Read) -> None:
    text = make_off(BRICK, QUADS).decode()
    assert old in text
    check_brick(read_bytes(text.replace(old, new, 1).encode()))


def test_an_off_file_may_lack_its_first_word(read_bytes: Read) -> None:
    check_brick(read_bytes(make_off(BRICK, QUADS)[4:], "brick.off"))


def test_other_tables_and_lists_of_ply(read_bytes: Read) -> None:
    text = make_ply("ascii", BRICK, MIXED).decode()
    text = text.replace(
        "property list uchar int", "property list uchar float texcoord\nproperty list uchar int"
    )
    text = text.replace(
        "element face", "element edge 1\nproperty int a\nproperty list uint8 short b\nelement face"
    )
    head, _, body = text.partition("end_header\n")
    lines = body.splitlines()
    faces = [f"{i % 3} " + " ".join(["0.5"] * (i % 3)) + f" {f}" for i, f in enumerate(lines[8:])]
    check_brick(
        read_bytes("\n".join([head + "end_header", *lines[:8], "3 2 5 6", *faces]).encode())
    )


def test_triangle_strips_of_ply(read_bytes: Read) -> None:
    # One strip goes around the brick; two strips of two triangles close it.
    strips = [1, 0, 3, 2, 7, 6, 5, 4, 1, 0, -1, 0, 4, 2, 6, -1, 1, 3, 5, 7]
    head = make_ply("ascii", BRICK, []).decode().replace("element face 0", "element tristrips 1")
    content = head + f"{len(strips)} " + " ".join(map(str, strips)) + "\n"
    mesh = read_bytes(content.encode())
    assert mesh.faces.shape == (12, 3) and measure_topology(mesh).is_watertight
    assert_close(signed_volume(mesh.corners), SIDES.prod())


def test_nodes_of_gltf_move_meshes(read_bytes: Read) -> None:
    # The brick is that of one unit, scaled, then turned by a right angle about x, then moved.
    unit = (BRICK - BRICK[0]) / SIDES
    half = np.sqrt(0.5)
    nodes: list[dict[str, Any]] = [
        {"children": [1], "translation": (BRICK[0] + [0, 2, 0]).tolist()},
        {"children": [2], "rotation": [half, 0, 0, half]},
        {"mesh": 0, "scale": [1, 3, 2]},
    ]
    mesh = read_bytes(make_glb(*make_gltf(unit, TRIANGLES, nodes)))
    rounded = Mesh(mesh.vertices.round(12), mesh.faces)
    check_brick(rounded)
    # The same as one matrix, by columns.
    matrix = np.array([[1, 0, 0, 10], [0, 0, -2, 22], [0, 3, 0, 30], [0, 0, 0, 1]])
    nodes = [{"mesh": 0, "matrix": matrix.T.ravel().tolist()}]
    check_brick(read_bytes(make_glb(*make_gltf(unit, TRIANGLES, nodes))))


def test_mirrored_and_repeated_meshes_of_gltf(read_bytes: Read) -> None:
    nodes: list[dict[str, Any]] = [{"mesh": 0}, {"mesh": 0, "scale": [-1, 1, 1]}]
    tree, binary = make_gltf(BRICK, TRIANGLES, nodes)
    tree["scenes"][0]["nodes"] = [0, 1]
    mesh = read_bytes(make_glb(tree, binary))
    assert measure_topology(mesh).bodies == 2
    assert_close(signed_volume(mesh.corners[:12]), 6.0)
    assert_close(signed_volume(mesh.corners[12:]), 6.0)
    del tree["scenes"], tree["scene"]
    assert measure_topology(read_bytes(make_glb(tree, binary))).bodies == 2


def test_strips_fans_strides_and_sparse_rows_of_gltf(read_bytes: Read) -> None:
    tree, _ = make_gltf(BRICK, TRIANGLES)
    loop = np.array([0, 1, 2, 3, 6, 7, 4, 5, 0, 1], "<u2")
    fans = np.array([[0, 4, 6, 2], [1, 3, 7, 5]], "<u2")
    # Rows of 16 bytes, the last four of which are others' data; vertex 7 is wrong at first.
    wide = np.full((8, 4), 99, "<f4")
    wide[:, :3] = BRICK
    wide[7, :3] = 0
    parts = [wide.tobytes(), loop.tobytes(), fans.tobytes(), np.array([7], "<u4").tobytes()]
    parts.append(BRICK[7].astype("<f4").tobytes())
    starts = np.cumsum([0, *map(len, parts)]).tolist()
    tree["bufferViews"] = [
        {"buffer": 0, "byteOffset": start, "byteLength": len(part)}
        for start, part in zip(starts, parts, strict=False)
    ]
    tree["bufferViews"][0]["byteStride"] = 16
    tree["accessors"] = [
        {"bufferView": 0, "componentType": 5126, "type": "VEC3", "count": 8},
        {"bufferView": 1, "componentType": 5123, "type": "SCALAR", "count": 10},
        {"bufferView": 2, "componentType": 5123, "type": "SCALAR", "count": 4},
        {"bufferView": 2, "byteOffset": 8, "componentType": 5123, "type": "SCALAR", "count": 4},
    ]
    tree["accessors"][0]["sparse"] = {
        "count": 1,
        "indices": {"bufferView": 3, "componentType": 5125},
        "values": {"bufferView": 4},
    }
    tree["meshes"][0]["primitives"] = [
        {"attributes": {"POSITION": 0}, "indices": 1 + i, "mode": mode}
        for i, mode in enumerate((5, 6, 6))
    ] + [{"attributes": {"POSITION": 0}, "mode": 1}]
    mesh = read_bytes(make_glb(tree, b"".join(parts)))
    assert mesh.faces.shape == (12, 3)
    assert (mesh.vertices[np.lexsort(mesh.vertices.T)] == BRICK).all()
    sides = measure_topology(mesh)
    assert sides.open_edges == 0 and sides.edges == 18


def test_gltf_as_text_with_its_buffer_inside_or_beside(tmp_path: Path) -> None:
    tree, binary = make_gltf(BRICK, TRIANGLES)
    path = tmp_path / "brick.gltf"
    tree["buffers"][0]["uri"] = (
        "data:application/octet-stream;base64," + base64.b64encode(binary).decode()
    )
    path.write_text(json.dumps(tree))
    check_brick(read_mesh(path))
    (tmp_path / "with blank.bin").write_bytes(binary)
    tree["buffers"][0]["uri"] = "with%20blank.bin"
    path.write_text(json.dumps(tree))
    check_brick(read_mesh(path))


def test_equal_vertices_are_merged_and_what_has_no_area_is_dropped(read_bytes: Read) -> None:
    doubled = np.concatenate([BRICK, BRICK[:3], -0.0 * BRICK[:1]])
    faces = [*TRIANGLES[:-1], [corner + 8 if corner < 3 else corner for corner in TRIANGLES[-1]]]
    faces += [[0, 8, 1], [0, 0, 1], [3, 3, 3], TRIANGLES[0], TRIANGLES[3][1:] + TRIANGLES[3][:1]]
    mesh = read_bytes(make_off(doubled, faces))
    check_brick(mesh)
    assert mesh.notes == (
        "faces left out that have a vertex twice: 3",
        "faces left out that repeat an earlier one: 2",
    )


def test_corners_that_rounding_parted_are_merged(read_bytes: Read) -> None:
    corners = BRICK[TRIANGLES].reshape(-1, 3)
    noise = np.random.default_rng(0).uniform(-1e-7, 1e-7, corners.shape)
    faces = np.arange(36).reshape(12, 3).tolist()
    mesh = read_bytes(make_off(corners + noise, faces))
    assert len(mesh.vertices) == 8 and measure_topology(mesh).is_watertight
    # What is parted by more stays so.
    assert len(read_bytes(make_off(corners + 1e4 * noise, faces)).vertices) == 36


def test_a_surface_with_faces_from_both_sides_keeps_one_of_each(read_bytes: Read) -> None:
    mesh = read_bytes(make_off(BRICK, TRIANGLES + [face[::-1] for face in TRIANGLES]))
    check_brick(mesh)
    assert mesh.notes == ("each of its faces is there from both sides, and one of both is kept",)


def test_a_wall_between_two_bodies_stays(read_bytes: Read) -> None:
    shifted = BRICK + SIDES * [1, 0, 0]
    faces = TRIANGLES + [[corner + 8 for corner in face] for face in TRIANGLES]
    mesh = read_bytes(make_off(np.concatenate([BRICK, shifted]), faces))
    assert len(mesh.faces) == 24 and len(mesh.vertices) == 12
    topology = measure_topology(mesh)
    # The rim of the wall, and its diagonal.
    assert topology.is_watertight and topology.crowded_edges == 5


CLOUD = np.array([[665187.522077, 5648349.895035, 241.767693], [1.5, -2.25, 3], [0, 0, 0.125]])
NORMALS = np.array([[0, 3, 4], [-2, 0, 0], [0, 0, 0]], np.float64)
LEICA = [[-1371, 91, 80, 66], [-1200, 0, 0, 0], [12, 255, 255, 255]]
UNIT = np.array([[0, 0.6, 0.8], [-1, 0, 0], [0, 0, 0]])


def lines(*columns: np.ndarray, by: str = " ") -> str:
    return "\n".join(by.join(map(repr, row)) for row in np.hstack(columns).tolist()) + "\n"


@pytest.mark.parametrize(
    ("text", "has_normals", "note"),
    [
        (lines(CLOUD), False, ""),
        (lines(CLOUD, by=", "), False, ""),
        (lines(CLOUD, by=";"), False, ""),
        ("# x y z\n\n" + lines(CLOUD), False, ""),
        ("x y z nx ny nz\n" + lines(CLOUD, UNIT), True, ""),
        ("3\n" + lines(CLOUD), False, ""),
        (lines(CLOUD, UNIT), True, ""),
        (lines(CLOUD, UNIT, UNIT[:, :1]), True, "behind the normals: 1"),
        (lines(CLOUD, UNIT[:, :1]), False, "behind x, y, z: 1"),
        (lines(CLOUD, NORMALS), False, "no normals: 3"),
        (lines(CLOUD, 0 * UNIT), False, "no normals: 3"),
        # As Leica's scanners write it: x y z intensity r g b.
        ("3\n" + lines(CLOUD, np.array(LEICA)), False, "no normals: 4"),
    ],
)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_point_clouds_of_text(
    text: str, has_normals: bool, note: str, packed: bool, tmp_path: Path
) -> None:
    path = tmp_path / "cloud.xyz"
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    cloud = read_points(path)
    assert (cloud.points == CLOUD).all() and cloud.points.dtype == np.float64
    assert (cloud.normals is not None) == has_normals
    if has_normals:
        assert_close(cloud.normals, UNIT)
    assert len(cloud.notes) == bool(note) and note in "".join(cloud.notes)


def spread(low: float, high: float, count: int = 200) -> np.ndarray:
    """Vectors to all sides, of lengths between the two."""
    random = np.random.default_rng(0)
    vectors = random.normal(size=(count, 3))
    lengths = random.uniform(low, high, (count, 1))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True) * lengths


@pytest.mark.parametrize(
    ("vectors", "has_normals"),
    [
        # Rounded, and all to one side, as of a floor.
        (np.abs(spread(1, 1)).round(2), True),
        (np.concatenate([spread(1, 1), spread(3, 3, 4)]), True),
        (np.concatenate([spread(1, 1), spread(3, 3, 20)]), False),
        (np.concatenate([spread(1, 1), np.zeros((50, 3))]), True),
        (np.concatenate([spread(1, 1), np.full((50, 3), np.nan)]), False),
        # Weighted by the angles around a vertex.
        (spread(5.6, 6.2832), True),
        (np.abs(spread(5.6, 6.2832)), False),
        # Of a flow.
        (spread(0.3, 2), False),
        # Intensity, red and green.
        (np.abs(spread(90, 110)) * [-1, 1, 1], False),
    ],
)
def test_normals_of_text_are_told_by_their_lengths(
    vectors: np.ndarray, has_normals: bool, tmp_path: Path
) -> None:
    points = np.random.default_rng(1).normal(size=vectors.shape)
    (tmp_path / "cloud.pts").write_text(lines(points, vectors))
    cloud = read_points(tmp_path / "cloud.pts")
    assert (cloud.normals is not None) == has_normals == (not cloud.notes)


@pytest.mark.parametrize("order", ORDERS)
def test_point_clouds_of_ply(order: str, tmp_path: Path) -> None:
    path = tmp_path / "cloud"
    path.write_bytes(make_ply(order, CLOUD, []))
    cloud = read_points(path)
    assert (cloud.points == CLOUD).all() and cloud.normals is None
    text = make_ply("ascii", CLOUD, []).decode()
    text = text.replace(
        "property double z\n",
        "property double z\n" + "".join(f"property float n{a}\n" for a in "xyz"),
    )
    head = text[: text.index("end_header\n") + 11]
    path.write_text(head + lines(CLOUD, NORMALS))
    cloud = read_points(path)
    assert (cloud.points == CLOUD).all()
    assert_close(cloud.normals, UNIT)


def test_the_vertices_of_a_mesh_are_points_too(tmp_path: Path) -> None:
    path = tmp_path / "brick.obj"
    path.write_bytes(make_obj(BRICK, QUADS))
    cloud = read_points(path)
    assert (cloud.points == BRICK).all() and "points alone are read: 6" in cloud.notes[0]


def test_another_reader_agrees(tmp_path: Path) -> None:
    trimesh = pytest.importorskip("trimesh")
    from tests.mesh.conftest import make_sphere

    sphere, shift = make_sphere(), np.array([5, 6, 7])
    other = trimesh.Trimesh(sphere.vertices + shift, sphere.faces, process=False)
    for suffix in ("ply", "obj", "stl", "off", "glb"):
        other.export(tmp_path / f"sphere.{suffix}")
        mesh = read_mesh(tmp_path / f"sphere.{suffix}")
        assert mesh.faces.shape == sphere.faces.shape
        np.testing.assert_allclose(mesh.corners, sphere.corners + shift, atol=1e-6)
