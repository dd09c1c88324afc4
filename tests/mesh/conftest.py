"""Small meshes of known shape, and slow ways to find what the library finds fast."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inr.mesh import Mesh, read_mesh
from tests.conftest import SHARED_DATA

MESHES = SHARED_DATA / "meshes"
ODD = SHARED_DATA / "odd" / "meshes"
needs_data = pytest.mark.skipif(not MESHES.exists(), reason="real meshes are not here")

# A brick of 1 x 2 x 3 at (10, 20, 30): no two of its axes can be swapped unseen.
LOW, SIDES = np.array([10.0, 20.0, 30.0]), np.array([1.0, 2.0, 3.0])
BRICK = LOW + SIDES * np.array([[i & 1, i >> 1 & 1, i >> 2] for i in range(8)])
QUADS = [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]]
TRIANGLES = [[q[i] for i in turn] for q in QUADS for turn in ((0, 1, 2), (0, 2, 3))]


@pytest.fixture
def brick() -> Mesh:
    """12 triangles around a volume of 6."""
    return Mesh(BRICK, np.array(TRIANGLES))


@pytest.fixture
def read_bytes(tmp_path: Path) -> Callable[..., Mesh]:
    """Reads a file of the given content, named without a suffix unless one is given."""

    def read(content: bytes, name: str = "mesh", **terms: Any) -> Mesh:
        path = tmp_path / name
        path.write_bytes(content)
        return read_mesh(path, **terms)

    return read


def make_sphere(rings: int = 12, radius: float = 1.0) -> Mesh:
    """A closed sphere around the origin, its rings around the z axis."""
    polar = np.linspace(0, np.pi, rings + 1)[1:-1]
    around = np.arange(2 * rings) * np.pi / rings
    grid = np.stack(
        [
            np.outer(np.sin(polar), np.cos(around)),
            np.outer(np.sin(polar), np.sin(around)),
            np.outer(np.cos(polar), np.ones_like(around)),
        ],
        axis=-1,
    ).reshape(-1, 3)
    vertices = radius * np.concatenate([[[0, 0, 1], [0, 0, -1]], grid])
    row, n = 2 + np.arange(2 * rings), 2 * rings
    faces = [np.stack([np.zeros(n, int), row, np.roll(row, -1)], axis=1)]
    for _ in range(rings - 2):
        below = row + n
        faces.append(np.stack([row, below, np.roll(row, -1)], axis=1))
        faces.append(np.stack([np.roll(row, -1), below, np.roll(below, -1)], axis=1))
        row = below
    faces.append(np.stack([row, np.ones(n, int), np.roll(row, -1)], axis=1))
    return Mesh(vertices, np.concatenate(faces))


def join(*meshes: Mesh) -> Mesh:
    """Several bodies as one mesh."""
    starts = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes[:-1]])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([m.faces + start for m, start in zip(meshes, starts, strict=True)]),
    )


def flip(mesh: Mesh) -> Mesh:
    """The same inside out."""
    return Mesh(mesh.vertices, mesh.faces[:, ::-1].copy())


def make_ply(
    order: str, vertices: np.ndarray, faces: list[list[int]], kind: str = "double", extra: str = ""
) -> bytes:
    """A PLY file in one of its three orders, with an extra column of 7 if it has a type."""
    head = ["ply", f"format {order} 1.0", "comment made by hand", f"element vertex {len(vertices)}"]
    head += [f"property {kind} {axis}" for axis in "xyz"]
    head += [f"property {extra} quality"] if extra else []
    head += [f"element face {len(faces)}", "property list uchar int vertex_indices", "end_header"]
    start = "\n".join([*head, ""]).encode()
    if order == "ascii":
        seven = " 7" if extra else ""
        lines = [" ".join(map(repr, map(float, v))) + seven for v in vertices]
        lines += [f"{len(face)} " + " ".join(map(str, face)) for face in faces]
        return start + "\n".join([*lines, ""]).encode()
    way = "<" if "little" in order else ">"
    number = {"double": "d", "float": "f", "uchar": "B"}
    row = way + "3" + number[kind] + (number[extra] if extra else "")
    body = b"".join(struct.pack(row, *v, *([7] if extra else [])) for v in vertices)
    body += b"".join(struct.pack(f"{way}B{len(f)}i", len(f), *f) for f in faces)
    return start + body


def make_obj(vertices: np.ndarray, faces: list[list[int]]) -> bytes:
    """An OBJ file."""
    lines = [f"v {x!r} {y!r} {z!r}" for x, y, z in vertices.tolist()]
    lines += ["f " + " ".join(str(corner + 1) for corner in face) for face in faces]
    return "\n".join(["# made by hand", "o brick", *lines, ""]).encode()


def make_off(vertices: np.ndarray, faces: list[list[int]]) -> bytes:
    """An OFF file."""
    lines = [
        f"{len(vertices)} {len(faces)} 0",
        *(f"{x!r} {y!r} {z!r}" for x, y, z in vertices.tolist()),
    ]
    lines += [f"{len(face)} " + " ".join(map(str, face)) for face in faces]
    return "\n".join(["OFF", *lines, ""]).encode()


def make_stl(
    vertices: np.ndarray, faces: list[list[int]], heading: bytes = b"made by hand"
) -> bytes:
    """A binary STL file."""
    body = b"".join(struct.pack("<12fH", 0, 0, 0, *vertices[face].ravel(), 0) for face in faces)
    return heading.ljust(80) + struct.pack("<I", len(faces)) + body


def make_text_stl(vertices: np.ndarray, faces: list[list[int]]) -> bytes:
    """A text STL file."""
    lines = ["solid made by hand"]
    for face in faces:
        lines += ["facet normal 0 0 0", "  outer loop"]
        lines += [f"    vertex {x!r} {y!r} {z!r}" for x, y, z in vertices[face].tolist()]
        lines += ["  endloop", "endfacet"]
    return "\n".join([*lines, "endsolid made by hand", ""]).encode()


def make_gltf(
    vertices: np.ndarray, faces: list[list[int]], nodes: list[dict[str, Any]] | None = None
) -> tuple[dict[str, Any], bytes]:
    """The description of a glTF file with one mesh, and its buffer."""
    points, corners = vertices.astype("<f4").tobytes(), np.array(faces, "<u2").tobytes()
    tree = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": nodes or [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "type": "VEC3", "count": len(vertices)},
            {"bufferView": 1, "componentType": 5123, "type": "SCALAR", "count": 3 * len(faces)},
        ],
        "bufferViews": [
            {"buffer": 0, "byteLength": len(points)},
            {"buffer": 0, "byteOffset": len(points), "byteLength": len(corners)},
        ],
        "buffers": [{"byteLength": len(points) + len(corners)}],
    }
    return tree, points + corners


def make_glb(tree: dict[str, Any], binary: bytes) -> bytes:
    """A GLB file."""
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    binary += bytes(-len(binary) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def brute_winding(corners: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Winding numbers in float64 by Girard's theorem: a spherical triangle's area is its excess."""
    total = np.zeros(len(points))
    for triangles in np.array_split(corners, len(corners) * len(points) // 50_000 + 1):
        rays = triangles - points[:, None, None]
        rays = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
        sides = np.cross(rays, np.roll(rays, -1, axis=-2))
        sides = sides / np.linalg.norm(sides, axis=-1, keepdims=True)
        # The angle at a corner is between the planes of the two sides that meet there.
        cosines = -(sides * np.roll(sides, 1, axis=-2)).sum(axis=-1)
        excess = np.arccos(cosines.clip(-1, 1)).sum(axis=-1) - np.pi
        total += (np.sign(np.linalg.det(rays)) * excess).sum(axis=-1) / (4 * np.pi)
    return total


def brute_distance(corners: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Distances to triangles in float64: to planes where the foot lies inside, and to sides."""
    least = np.full(len(points), np.inf)
    for triangle in corners:
        normal = np.cross(triangle[1] - triangle[0], triangle[2] - triangle[0])
        inside = np.full(len(points), bool(normal.any()))
        for start, end in zip(triangle, np.roll(triangle, -1, axis=0), strict=True):
            side = end - start
            along = ((points - start) @ side / max(side @ side, 1e-300)).clip(0, 1)
            least = np.minimum(
                least, np.linalg.norm(points - start - along[:, None] * side, axis=1)
            )
            inside &= (points - start) @ np.cross(normal, side) >= 0
        if normal.any():
            height = np.abs((points - triangle[0]) @ normal) / np.linalg.norm(normal)
            least = np.where(inside, np.minimum(least, height), least)
    return least
