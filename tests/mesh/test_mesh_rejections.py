"""What is not read is rejected: in one line, in time, and without a word of a library's own."""

from __future__ import annotations

import gzip
import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh

from inr.mesh import Mesh, find_kind, measure_topology, read_mesh, read_points, repair
from tests.conftest import ROOT
from tests.mesh.conftest import (
    BRICK,
    MESHES,
    ODD,
    QUADS,
    TRIANGLES,
    make_glb,
    make_gltf,
    make_obj,
    make_off,
    make_ply,
    make_stl,
    make_text_stl,
    needs_data,
)
from tests.mesh.test_mesh_formats import FILES

Read = Callable[..., Mesh]
PLY = make_ply("ascii", BRICK, QUADS)
BINARY_PLY = make_ply("binary_little_endian", BRICK, QUADS)
WITHOUT_FACES = make_ply("ascii", BRICK, [])
HUGE = b"4000000000"


def with_json(**changes: object) -> bytes:
    tree, binary = make_gltf(BRICK, TRIANGLES)
    tree.update(changes)
    return make_glb(tree, binary)


@pytest.mark.parametrize(
    ("content", "keyword"),
    [
        (b"", "empty"),
        (gzip.compress(b""), "empty"),
        (b"\0", "not a mesh"),
        (b"just some text\nin two lines", "not a mesh"),
        (b"GIF89a" + bytes(30), "not a mesh"),
        (gzip.compress(b"PK\3\4" + bytes(30)), "not a mesh"),
        (gzip.compress(PLY)[:-9], "cut off"),
        (gzip.compress(BINARY_PLY)[:100], "cut off"),
        (b"1 2 3\n4 5 6\n", "as a point cloud"),
        (WITHOUT_FACES, "8 points and no faces.*as a point cloud"),
        (make_obj(BRICK, []), "8 points and no faces.*as a point cloud"),
        (make_off(BRICK, []), "8 points and no faces.*as a point cloud"),
        (make_ply("ascii", BRICK[:0], []), "no geometry"),
        (make_stl(BRICK, []), "no geometry"),
        (b"solid x\nfacet\nendsolid x\n", "no geometry"),
        (with_json(meshes=[], nodes=[]), "no geometry"),
        (make_obj(BRICK, [[0, 0, 1]]), "no face with an area"),
        (make_obj(BRICK * [1, np.nan, 1], QUADS), "NaN or infinite coordinates in 8 of 8"),
        (make_stl(np.where(BRICK == 11, np.inf, BRICK), TRIANGLES), "NaN or infinite"),
        (make_obj(0 * BRICK, QUADS), "extent of 0"),
        (make_obj(1e-200 * BRICK, QUADS), "extent of 3e-200"),
        (make_off(BRICK * 1e300, QUADS), "extent of"),
        (make_off(1e20 + 1e5 * BRICK, QUADS), "extent of"),
        (
            PLY.replace(b"vertex 8", b"vertex " + HUGE),
            "claims 4,000,000,000 points; expected at most 30,000,000. .*max_faces=1333333334",
        ),
        (PLY.replace(b"face 6", b"face " + HUGE), "max_faces=4000000000"),
        (PLY.replace(b"face 6", b"face -6"), "claims -6"),
        (PLY.replace(b"8\n", b"x\n", 1), "cut off or damaged"),
        (PLY.replace(b"ascii", b"binary_little_endian"), "cut off or damaged"),
        (PLY.replace(b"double x", b"double q"), "no x, y and z"),
        (PLY.replace(b"double x", b"string x"), "the line 'property string x'"),
        (PLY.replace(b"end_header", b"end"), "header has no end"),
        (PLY.replace(b"4 0 2 3 1", b"4 0 2 3 8"), "not among its 8"),
        (PLY.replace(b"4 0 2 3 1", b"4 0 2 3 -1"), "not among its 8"),
        (PLY.replace(b"4 0 2 3 1", b"4 0 2 3"), "cut off or damaged"),
        (PLY.replace(b"4 0 2 3 1", b"9999999 0 2 3 1"), "9,999,999 numbers in a row of face"),
        (PLY.replace(b"4 0 2 3 1", b"4 0 2 three 1"), "cut off or damaged"),
        (PLY[:-6], "cut off"),
        (BINARY_PLY[:-1], "cut off"),
        (make_obj(BRICK, QUADS).replace(b"f 1 3 4 2", b"f 1 3 4 20"), "vertex 20, and 8"),
        (make_obj(BRICK, QUADS).replace(b"f 1 3 4 2", b"f 1 3 4 0"), "vertex 0, and 8"),
        (make_obj(BRICK, QUADS).replace(b"f 1 3 4 2", b"f 1 3 4 -9"), "vertex 0, and 8"),
        (make_obj(BRICK, QUADS).replace(b"f 1 3 4 2", b"f 1 3"), "2 corners"),
        (make_obj(BRICK, QUADS).replace(b"f 1 3 4 2", b"f 1 3 x"), "no number"),
        (make_obj(BRICK, QUADS).replace(b"f 1 3 4 2", b"f 1 3 99999999999999999999"), "no number"),
        (make_obj(BRICK, QUADS).replace(b" 30.0", b"", 1), "cut off or damaged"),
        (make_off(BRICK, QUADS)[:-12], "13 of 14 lines"),
        (make_off(BRICK, QUADS)[:-3], "fewer corners"),
        (make_off(BRICK, QUADS).replace(b"4 0 2 3 1", b"4 0 2 3 8"), "not among its 8"),
        (make_off(BRICK, QUADS).replace(b"8 6 0", HUGE + b" 6 0"), "4,000,000,000 points"),
        (make_off(BRICK, QUADS).replace(b"8 6 0", b"8"), "counts"),
        (make_off(BRICK, QUADS).replace(b"OFF", b"OFF BINARY"), "rare kind"),
        (make_off(BRICK, QUADS).replace(b"OFF", b"4OFF"), "rare kind"),
        (make_text_stl(BRICK, TRIANGLES)[:-40], "cut off"),
        (make_text_stl(BRICK, TRIANGLES)[:300], "cut off"),
        (make_text_stl(BRICK, TRIANGLES).replace(b"10.0", b"ten"), "cut off or damaged"),
        (make_glb(*make_gltf(BRICK, TRIANGLES))[:-4], "bytes are there"),
        (make_glb(*make_gltf(BRICK, TRIANGLES))[:13], "bytes are there"),
        (struct.pack("<4sII", b"glTF", 1, 12), "version 1"),
        (struct.pack("<4sII", b"glTF", 2, 12), "no whole JSON"),
        (struct.pack("<4sIII4s", b"glTF", 2, 20, 2**31, b"JSON"), "longer than the file"),
        (b'{"asset": {"version": "2.0"}, "meshes": [', "no whole JSON"),
        (b'{"asset": {"version": "2.0"}' + b"," + b'"a":' + b"[" * 99999, "no whole JSON"),
        (with_json(asset={"version": "1.0"}), "version 2"),
        (with_json(extensionsRequired=["KHR_draco_mesh_compression"]), "compressed"),
        (with_json(nodes=[{"children": [0], "mesh": 0}]), "two parents"),
        (with_json(nodes=[{"mesh": 5}]), "cut off or damaged"),
        (with_json(bufferViews=[{"buffer": 0, "byteLength": 9, "byteOffset": -4}] * 2), "damaged"),
        (with_json(buffers=[{"uri": "../../etc/passwd"}]), "a file beside it"),
        (with_json(buffers=[{"uri": "/etc/passwd"}]), "a file beside it"),
        (with_json(buffers=[{"uri": "https://example.com/a.bin"}]), "a file beside it"),
        (with_json(buffers=[{"uri": "missing.bin"}]), "not beside it"),
        (with_json(buffers=[{"uri": "data:,x!"}]), "cut off or damaged"),
        (
            with_json(accessors=[{"componentType": 5126, "type": "VEC3", "count": 10**12}] * 2),
            "claims 333,333,333,333 faces",
        ),
    ],
)
def test_content_that_is_no_mesh(content: bytes, keyword: str, read_bytes: Read) -> None:
    with pytest.raises(ValueError, match=keyword) as caught:
        read_bytes(content)
    check_words(caught.value)


def check_words(error: Exception) -> None:
    """Asserts that a message is one line that says what was expected and what to do."""
    message = str(error)
    assert "; expected " in message and message.endswith(".") and ". " in message
    assert message.isprintable() and len(message) < 500


def test_a_wrong_name_does_not_help(read_bytes: Read) -> None:
    noise = np.random.default_rng(0).bytes(200)
    for suffix in ("obj", "ply", "stl", "off", "glb", "gltf", "xyz", "png", "gz"):
        for content in (b"GIF89a" + bytes(100), b"\n\n", b"hello", noise):
            with pytest.raises(ValueError) as caught:
                read_bytes(content, f"mesh.{suffix}")
            check_words(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"1" + b"," * 60_000,
        b"1" * 10**6 + b"x 2 3\n",
        b"#\n" * 30_000,
        b"#" + b"\n" * 60_000,
        b" " * 60_000 + b"\n",
        b"solid " * 20_000,
        b"v " * 30_000,
        b"v 1 2 3\nf " + b"/" * 10**6,
        b"ply\n" + b"element " * 20_000,
        b"OFF\n" + b"3 " * 10**5,
        b'{"asset"' + b":[" * 30_000,
    ],
    ids=[
        *("commas", "digits", "comments", "lines", "blanks", "solids"),
        *("vertices", "slashes", "elements", "numbers", "brackets"),
    ],
)
def test_patterns_that_repeat_take_little_time(content: bytes, tmp_path: Path) -> None:
    start = time.process_time()
    for name in ("mesh.xyz", "mesh.stl", "mesh"):
        (tmp_path / name).write_bytes(content)
        find_kind(tmp_path / name)
        for read in (read_mesh, read_points):
            with pytest.raises(ValueError) as caught:
                read(tmp_path / name)
            check_words(caught.value)
    assert time.process_time() - start < 2


def test_a_header_of_stl_may_lie(read_bytes: Read) -> None:
    content = make_stl(BRICK, TRIANGLES)
    for count, keyword in ((13, "12 of 13 faces"), (2**32 - 1, "12 of 4,294,967,295")):
        with pytest.raises(ValueError, match=keyword):
            read_bytes(content[:80] + struct.pack("<I", count) + content[84:], "mesh.stl")
    mesh = read_bytes(content[:80] + bytes(4) + content[84:], "mesh.stl")
    assert len(mesh.faces) == 12 and "claims no faces" in mesh.notes[0]
    mesh = read_bytes(content + b"tail", "mesh.stl")
    assert len(mesh.faces) == 12 and "behind the last face: 4" in mesh.notes[0]
    with pytest.raises(ValueError, match="of 84 bytes"):
        read_bytes(content[:50], "mesh.stl")


def test_the_limit_of_faces_is_exact(read_bytes: Read) -> None:
    for content in FILES.values():
        assert len(read_bytes(content, max_faces=12).faces) == 12
        with pytest.raises(ValueError, match=r"max_faces=12\."):
            read_bytes(content, max_faces=11)


def test_the_limit_of_points_is_exact(tmp_path: Path) -> None:
    for content in (b"1 2 3\n4 5 6\n7 8 9\n", make_ply("ascii", BRICK[:3], [])):
        (tmp_path / "cloud").write_bytes(content)
        assert len(read_points(tmp_path / "cloud", max_points=3).points) == 3
        with pytest.raises(ValueError, match=r"claims 3 points.*max_points=3\."):
            read_points(tmp_path / "cloud", max_points=2)


def test_a_far_point_does_not_weld_what_is_small(read_bytes: Read) -> None:
    corners = np.random.default_rng(0).random((3000, 3))
    far = np.array([[1e9, 0, 0], [1e9, 1, 0], [1e9, 0, 1]])
    faces = np.arange(3003).reshape(-1, 3).tolist()
    assert len(read_bytes(make_off(np.vstack([corners, far]), faces)).faces) == 1001


def test_packed_bombs_are_not_unpacked(read_bytes: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inr.mesh.source.MAX_BYTES", 10**6)
    bomb = gzip.compress(make_obj(BRICK, QUADS) + b"#" * 10**7)
    with pytest.raises(ValueError, match="more than 1,000,000 bytes"):
        read_bytes(bomb)


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.ply does not exist; expected"):
        read_mesh(tmp_path / "none.ply")
    with pytest.raises(IsADirectoryError, match="is a directory; expected"):
        read_mesh(tmp_path)
    for name in ("x" * 5000, "null\0byte"):
        with pytest.raises(ValueError, match="cannot be opened"):
            read_points(name)
        assert find_kind(name) is None
    assert find_kind(tmp_path) is None and find_kind(tmp_path / "none.ply") is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFO on this system")
def test_pipes_and_devices_do_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.ply")
    for path in (tmp_path / "pipe.ply", Path("/dev/zero")):
        with pytest.raises(ValueError, match="not a regular file"):
            read_mesh(path)
        assert find_kind(path) is None


def test_a_gltf_buffer_that_is_a_pipe_or_a_link_out_is_rejected(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    tree, binary = make_gltf(BRICK, TRIANGLES)
    tree["buffers"][0]["uri"] = "mesh.bin"
    (folder / "mesh.gltf").write_text(json.dumps(tree))
    os.mkfifo(folder / "mesh.bin")
    with pytest.raises(ValueError, match="not beside it"):
        read_mesh(folder / "mesh.gltf")
    (folder / "mesh.bin").unlink()
    (tmp_path / "secret").write_bytes(binary)
    (folder / "mesh.bin").symlink_to(tmp_path / "secret")
    with pytest.raises(ValueError, match="not beside it"):
        read_mesh(folder / "mesh.gltf")


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "closed.ply"
    path.write_bytes(b"x")

    def reject(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", reject)
    with pytest.raises(PermissionError, match=r"closed\.ply is not readable; expected .*chmod"):
        read_mesh(path)


@pytest.mark.parametrize(
    ("content", "keyword"),
    [
        (b"1 2\n3 4\n", "2 columns|not a mesh"),
        (b"1 2 3\n4 5\n", "last line has 2 of 3"),
        (b"1 2 3\n4 x 6\n", "cut off or damaged"),
        (b"1 2 3\n4 nan 6\n", "NaN or infinite coordinates in 1 of 2 points"),
        (b"1 2 3\n1 2 3\n", "extent of 0"),
        (b"x y z\n", "known format"),
        (make_ply("ascii", BRICK[:0], []), "no points"),
    ],
)
def test_content_that_is_no_cloud(content: bytes, keyword: str, tmp_path: Path) -> None:
    path = tmp_path / "cloud.xyz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=keyword) as caught:
        read_points(path)
    check_words(caught.value)


def test_nan_of_all_kinds_makes_no_noise(tmp_path: Path) -> None:
    content = bytearray(FILES["STL"])
    # A NaN that signals: turning it into float64 would warn.
    content[84 + 12 : 84 + 16] = struct.pack("<I", 0x7F800001)
    (tmp_path / "nan.stl").write_bytes(content)
    for read in (read_mesh, read_points):
        with pytest.raises(ValueError, match="NaN or infinite coordinates in 1 of 36"):
            read(tmp_path / "nan.stl")


@pytest.mark.parametrize("name", FILES)
def test_damage_ends_as_a_value_error_or_a_mesh(
    name: str, read_bytes: Read, capfd: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(sum(map(ord, name)))
    for trial in range(60):
        content = FILES[name] if trial % 8 < 6 else gzip.compress(FILES[name])
        damaged = bytearray(content)
        if trial % 2:
            del damaged[random.integers(0, len(content)) :]
        else:
            end = len(content) if trial % 4 else min(len(content), 250)
            for place in random.integers(0, end, 3):
                damaged[place] = random.choice([0, 9, 32, 45, 48, 57, 101, 127, 255])
        try:
            mesh = read_bytes(
                bytes(damaged), f"mesh.{('ply', 'stl', 'obj')[trial % 3]}", max_faces=1000
            )
        except ValueError as error:
            check_words(error)
        else:
            assert np.isfinite(mesh.vertices).all() and len(mesh.faces)
            assert mesh.faces.min() == 0 and mesh.faces.max() == len(mesh.vertices) - 1
            assert measure_topology(repair(mesh)).edges
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "name", ["binary_little_endian PLY", "ascii PLY", "STL", "OFF", "text STL", "GLB"]
)
def test_every_cut_is_seen(name: str, read_bytes: Read) -> None:
    content = FILES[name]
    # The last line's end, and the last solid's name, may be missing.
    least = {"text STL": len(b" made by hand\n"), "GLB": 0, "STL": 0}.get(name, 1)
    last = len(content) - 1 - (least if "binary" not in name else 0)
    for end in (*range(0, last, 7), *range(last - 20, last)):
        with pytest.raises(ValueError):
            read_bytes(content[:end], "mesh.stl" if "STL" in name else "mesh")


KINDS = {
    "brick.obj": (make_obj(BRICK, QUADS), "mesh"),
    "points.obj": (make_obj(BRICK, []), "point_cloud"),
    "late.obj": (b"#" * 99999 + b"\n" + make_obj(BRICK, QUADS), "mesh"),
    "brick.ply": (PLY, "mesh"),
    "points.ply": (WITHOUT_FACES, "point_cloud"),
    "brick.ply.gz": (gzip.compress(BINARY_PLY), "mesh"),
    "brick.stl": (FILES["STL"], "mesh"),
    "brick": (FILES["text STL"], "mesh"),
    "brick.off": (FILES["OFF"], "mesh"),
    "brick.glb": (FILES["GLB"], "mesh"),
    "cloud.xyz": (b"1 2 3\n4 5 6\n", "point_cloud"),
    "cloud.XYZ.gz": (gzip.compress(b"1 2 3\n4 5 6\n"), "point_cloud"),
    "table.txt": (b"1 2 3\n4 5 6\n", None),
    "image.png": (b"\x89PNG\r\n\x1a\n" + bytes(99), None),
    "broken.gz": (b"\x1f\x8b" + bytes(99), None),
    "words.txt": (b"to be, or not to be", None),
    "empty.ply": (b"", None),
}


@pytest.mark.parametrize("name", KINDS)
def test_meshes_and_clouds_are_told_apart(name: str, tmp_path: Path) -> None:
    content, kind = KINDS[name]
    (tmp_path / name).write_bytes(content)
    assert find_kind(tmp_path / name) == kind


def test_import_is_light() -> None:
    heavy = {"igl", "trimesh", "skimage", "torch", "hydra", "matplotlib"}
    script = f"import sys, inr.mesh; print({heavy!r} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


REAL = {
    MESHES / "armadillo.obj": (49990, 99976, 0),
    MESHES / "bun_zipper.ply.gz": (34834, 69451, None),
    MESHES / "horse_inverted.ply.gz": (48485, 96966, 0),
    MESHES / "spot.obj": (2930, 5856, 0),
    ODD / "busted.STL": (1941, 3878, 0),
    ODD / "featuretype.STL": (1722, 3476, None),
    ODD / "nancolor.obj": (8, 12, 0),
    ODD / "polygonfaces.obj": (5, 3, None),
    ODD / "soup.stl": (300, 100, None),
}


@needs_data
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_meshes(path: Path) -> None:
    vertices, faces, genus = REAL[path]
    mesh = read_mesh(path)
    assert (len(mesh.vertices), len(mesh.faces)) == (vertices, faces)
    topology = measure_topology(repair(mesh))
    assert genus is None or topology.genus == genus
    assert topology.is_watertight == (
        path.name not in ("bun_zipper.ply.gz", "polygonfaces.obj", "soup.stl")
    )
    assert find_kind(path) == "mesh"


@needs_data
def test_real_clouds() -> None:
    cloud = read_points(MESHES / "armadillo_points_normals.xyz.gz")
    assert cloud.points.shape == (49990, 3) and cloud.normals is not None
    np.testing.assert_allclose(np.linalg.norm(cloud.normals, axis=1), 1)
    cloud = read_points(ODD / "points_cloudcompare.xyz")
    assert cloud.points.shape == (101, 3) and cloud.normals is None
    assert cloud.points[0].tolist() == [665187.522077, 5648349.895035, 241.767693]
    with pytest.raises(ValueError, match="no points"):
        read_points(ODD / "empty.ply")
    with pytest.raises(ValueError, match="no geometry"):
        read_mesh(ODD / "empty.ply")


BOX = trimesh.creation.box()
BOX_OBJ = trimesh.exchange.obj.export_obj(BOX, include_normals=False).encode()


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.obj", BOX_OBJ), ("a.off", trimesh.exchange.off.export_off(BOX).encode())],
)
def test_a_mark_of_byte_order_changes_nothing(name: str, content: bytes, tmp_path: Path) -> None:
    meshes = []
    for start in (b"", b"\xef\xbb\xbf"):
        (tmp_path / name).write_bytes(start + content)
        meshes.append(read_mesh(tmp_path / name))
    np.testing.assert_array_equal(meshes[0].vertices, meshes[1].vertices)
    np.testing.assert_array_equal(meshes[0].faces, meshes[1].faces)
    assert meshes[1].notes == meshes[0].notes


@pytest.mark.parametrize(
    ("line", "keyword"),
    [
        ("0,5;1,25;3,75", "commas within numbers"),
        ("0,5 1,25 3,75", "commas within numbers"),
        ("1,000.5 2,000.5 3,000.5", "commas within numbers"),
        ("1,2,,7", "a field without a number"),
        ("1;;3;4", "a field without a number"),
    ],
)
def test_points_with_commas_in_numbers_or_without_numbers_are_rejected(
    line: str, keyword: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.xyz"
    path.write_text(f"{line}\n{line}\n1 2 3\n")
    with pytest.raises(ValueError, match=f"{keyword}.*; expected"):
        read_points(path)


@pytest.mark.parametrize("line", ["1,2,3", "1.5, 2, 3", "1;2;3", "1\t2\t3"])
def test_commas_and_semicolons_may_part_columns(line: str, tmp_path: Path) -> None:
    path = tmp_path / "a.xyz"
    path.write_text(f"{line}\n4{line[1:]}\n")
    assert read_points(path).points[:, 1:].tolist() == [[2, 3], [2, 3]]


def test_free_form_surfaces_alone_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "a.obj"
    path.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\ncstype bspline\ndeg 3 3\nsurf 0 1 0 1 1 2 3\nend\n")
    with pytest.raises(ValueError, match=r"free-form.*; expected polygons"):
        read_points(path)


def test_lines_behind_the_last_face_of_off_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.off"
    lines = trimesh.exchange.off.export_off(BOX).splitlines()
    path.write_text("\n".join([lines[0], lines[1].replace("12", "9"), *lines[2:]]))
    assert "lines left out behind the last face: 3" in read_mesh(path).notes


@pytest.mark.parametrize(
    ("extension", "fits"), [("EXT_mesh_gpu_instancing", False), ("KHR_materials_unlit", True)]
)
def test_a_gltf_that_needs_what_is_not_known_is_rejected(
    extension: str, fits: bool, tmp_path: Path
) -> None:
    path = tmp_path / "a.glb"

    def add(tree: dict[str, object]) -> None:
        tree["extensionsRequired"] = [extension]

    scene = trimesh.Scene(BOX)
    path.write_bytes(trimesh.exchange.gltf.export_glb(scene, tree_postprocessor=add))
    if fits:
        assert len(read_mesh(path).faces) == 12
    else:
        with pytest.raises(ValueError, match=f"{extension}.*; expected plain geometry"):
            read_mesh(path)


@pytest.mark.parametrize("size", [1e80, 1e-80])
def test_sizes_whose_squared_areas_are_no_numbers_are_rejected(size: float, tmp_path: Path) -> None:
    path = tmp_path / "a.obj"
    lines = [f"v {x:.17g} {y:.17g} {z:.17g}" for x, y, z in BOX.vertices * size]
    faces = [line for line in BOX_OBJ.decode().splitlines() if line.startswith("f")]
    path.write_text("\n".join(lines + faces))
    with pytest.raises(ValueError, match="has an extent of"):
        read_mesh(path)
