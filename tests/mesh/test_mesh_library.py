"""Losses of trimesh, for which formats have readers of our own."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from inr.mesh import read_mesh, read_points
from inr.mesh.mesh import face_vectors
from tests.mesh.conftest import (
    BRICK,
    QUADS,
    TRIANGLES,
    make_glb,
    make_gltf,
    make_obj,
    make_off,
    make_ply,
    make_text_stl,
)
from tests.mesh.test_mesh_formats import MIXED
from tests.mesh.test_mesh_polygon import area, star
from tests.tolerance import assert_close

BRICK_AREA = 22.0
STAR = np.pad(star(7), ((0, 0), (0, 1)))
STAR_AREA = area(star(7))
REJECTED = None


def change_gltf(change: Callable[[dict[str, Any]], None], extra: bytes = b"") -> bytes:
    """The brick after a change of the description, with more bytes behind its buffer."""
    tree, binary = make_gltf(BRICK, TRIANGLES)
    place = len(binary)
    tree["bufferViews"].append({"buffer": 0, "byteOffset": place, "byteLength": len(extra)})
    tree["buffers"][0]["byteLength"] += len(extra)
    change(tree)
    return make_glb(tree, binary + extra)


def make_sparse(tree: dict[str, Any]) -> None:
    """Put all rows of the positions into sparse ones, which the third view holds."""
    accessor = tree["accessors"][0]
    del accessor["bufferView"]
    accessor["sparse"] = {
        "count": 8,
        "indices": {"bufferView": 2, "componentType": 5121},
        "values": {"bufferView": 0},
    }


def make_fan(tree: dict[str, Any]) -> None:
    """Take the first three corners alone, as a fan."""
    tree["meshes"][0]["primitives"][0]["mode"] = 6
    tree["accessors"][1]["count"] = 3


def quantize(tree: dict[str, Any]) -> None:
    """Take the positions from the third view, as bytes that stand for 0 to 1."""
    tree["accessors"][0] |= {"bufferView": 2, "componentType": 5121, "normalized": True}
    tree["bufferViews"][2]["byteStride"] = 4


def drop_scenes(tree: dict[str, Any]) -> None:
    """Leave the scene out, which a file need not have."""
    del tree["scene"], tree["scenes"]


UNIT = np.pad((BRICK[0] != BRICK) * 255, ((0, 0), (0, 1))).astype("u1").tobytes()
INDENTED = make_obj(BRICK, QUADS).replace(b"\nf 1 3", b"\n  f 1 3")
# The first face stands below its own vertices, and above the others.
RELATIVE = b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 -1\nv 0 0 5\nv 5 0 5\nv 0 5 5\nf 4 5 6\n"
TWO_SOLIDS = make_text_stl(BRICK, TRIANGLES[:5]) + make_text_stl(BRICK, TRIANGLES[5:])
LOSSES: dict[str, tuple[str, bytes, float | None]] = {
    "an indented face": ("obj", INDENTED, BRICK_AREA),
    "faces that count back": ("obj", RELATIVE, 0.5 + 12.5),
    "a notched polygon of OBJ": ("obj", make_obj(STAR, [list(range(14))]), STAR_AREA),
    "a notched polygon of OFF": ("off", make_off(STAR, [list(range(14))]), STAR_AREA),
    "a notched polygon of PLY": ("ply", make_ply("ascii", STAR, [list(range(14))]), STAR_AREA),
    "the end of OFF": ("off", make_off(BRICK, QUADS)[:-12], REJECTED),
    "the end of a text PLY": ("ply", make_ply("ascii", BRICK, QUADS)[:-20], REJECTED),
    "the end of a text STL": ("stl", TWO_SOLIDS[:-40], REJECTED),
    "a solid with a name": ("stl", TWO_SOLIDS.replace(b"made", b"vertex"), BRICK_AREA),
    "mixed polygons": ("ply", make_ply("binary_little_endian", BRICK, MIXED), BRICK_AREA),
    "line ends of a Macintosh": ("obj", make_obj(BRICK, QUADS).replace(b"\n", b"\r"), BRICK_AREA),
    "sparse rows": ("glb", change_gltf(make_sparse, bytes(range(8))), BRICK_AREA),
    "fans": ("glb", change_gltf(make_fan), 1.0),
    "quantized positions": ("glb", change_gltf(quantize, UNIT), 6.0),
    "a file without scenes": ("glb", change_gltf(drop_scenes), BRICK_AREA),
}


@pytest.mark.parametrize("name", LOSSES)
def test_trimesh_loses(name: str, tmp_path: Path) -> None:
    """Our readers get right what trimesh gets wrong; one that trimesh gets right can go."""
    suffix, content, expected = LOSSES[name]
    try:
        loaded = trimesh.load_mesh(io.BytesIO(content), file_type=suffix, process=False)
        theirs: float | None = loaded.area
    except Exception:
        theirs = REJECTED
    path = tmp_path / f"mesh.{suffix}"
    path.write_bytes(content)
    try:
        ours: float | None = np.linalg.norm(face_vectors(read_mesh(path).corners), axis=1).sum() / 2
    except ValueError:
        ours = REJECTED
    assert ours == (expected and pytest.approx(expected, rel=1e-6))
    assert theirs != (expected and pytest.approx(expected, rel=1e-3))


def test_trimesh_loses_normals_of_text(tmp_path: Path) -> None:
    path = tmp_path / "cloud.xyz"
    path.write_text("1 2 3 0 0.6 0.8\n4 5 6 -1 0 0\n")
    normals = read_points(path).normals
    assert normals is not None
    assert_close(normals, [[0, 0.6, 0.8], [-1, 0, 0]])
    # It takes them for colours, of which it keeps whole numbers.
    assert trimesh.load(path).colors[0].tolist() == [0, 0, 0, 255]


def test_trimesh_writes_ply_in_single_precision() -> None:
    far = trimesh.Trimesh(BRICK + 5_648_349.0123456789, TRIANGLES, process=False)
    again = trimesh.load_mesh(io.BytesIO(far.export(file_type="ply")), "ply", process=False)
    assert np.abs(again.vertices - far.vertices).max() > 0.01
