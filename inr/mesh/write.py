"""Writing meshes and point clouds."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from inr.atomic import replacing

from .mesh import Mesh, PointCloud, face_vectors, normalize, vertex_normals
from .stl import RECORD

Writer = TypeVar("Writer")
# Of the extent: what rounding to float32 may move a vertex by.
ROUNDING = 1e-6


def write_mesh(path: str | os.PathLike[str], mesh: Mesh) -> tuple[str, ...]:
    """Write a mesh in the format that the suffix names, all of it or nothing.

    PLY, OBJ and GLB have normals of vertices. Coordinates are float32 where that is exact to a
    millionth of the extent; else PLY, OBJ and OFF have float64, and GLB has a shift of its own.

    Args:
        path: File to write: `.ply`, `.obj`, `.stl`, `.off` or `.glb`.
        mesh: In the frame that the file is to have.

    Returns:
        Notes for the user: that STL cannot hold the coordinates, if so.

    Raises:
        ValueError: The suffix is another, or the mesh has no faces.
    """
    path = Path(path)
    encode = choose(path, MESH_WRITERS)
    if not len(mesh.faces):
        raise ValueError(f"{path} would have no faces; expected a mesh with some.")
    with replacing(path) as temporary:
        temporary.write_bytes(encode(mesh))
    if path.suffix.lower() == ".stl" and not fits_float32(mesh.vertices):
        return (f"{path.name}: STL rounds coordinates to float32; .ply keeps them whole",)
    return ()


def write_points(path: str | os.PathLike[str], cloud: PointCloud) -> None:
    """Write a point cloud as `.ply` or `.xyz`, with normals if it has them, all or nothing.

    Raises:
        ValueError: The suffix is another.
    """
    path = Path(path)
    encode = choose(path, POINT_WRITERS)
    with replacing(path) as temporary:
        temporary.write_bytes(encode(cloud))


def choose(path: Path, writers: dict[str, Writer]) -> Writer:
    """The writer for a suffix."""
    suffix = path.suffix.lower()
    if suffix not in writers:
        raise ValueError(
            f"{path} has the suffix {path.suffix!r}; expected {', '.join(writers)}. "
            f"Name it {path.stem}.ply."
        )
    return writers[suffix]


def fits_float32(points: np.ndarray) -> bool:
    """Whether rounding to float32 moves points by less than a millionth of their extent."""
    extent = float(np.ptp(points, axis=0).max()) if len(points) else 0.0
    with np.errstate(over="ignore"):
        moved = np.abs(points.astype(np.float32) - points).max(initial=0)
    return bool(moved <= ROUNDING * extent)


def encode_ply(points: np.ndarray, normals: np.ndarray | None, faces: np.ndarray | None) -> bytes:
    """Binary PLY of (V, 3) points with normals and (F, 3) faces, if there are any."""
    kind, word = ("<f4", "float") if fits_float32(points) else ("<f8", "double")
    columns: dict[str, tuple[np.ndarray, str, str, Sequence[str]]] = {
        "position": (points, kind, word, "xyz")
    }
    if normals is not None:
        columns["normal"] = (normals, "<f4", "float", ("nx", "ny", "nz"))
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {len(points)}"]
    for _, _, name, axes in columns.values():
        lines += [f"property {name} {axis}" for axis in axes]
    rows = np.empty(len(points), [(key, own, 3) for key, (_, own, _, _) in columns.items()])
    for key, (numbers, *_) in columns.items():
        rows[key] = numbers
    body = rows.tobytes()
    if faces is not None:
        lines += [f"element face {len(faces)}", "property list uchar int vertex_indices"]
        table = np.empty(len(faces), [("size", "u1"), ("corners", "<i4", 3)])
        table["size"], table["corners"] = 3, faces
        body += table.tobytes()
    return "\n".join([*lines, "end_header", ""]).encode() + body


def encode_obj(mesh: Mesh) -> bytes:
    """OBJ as text, with normals of vertices."""
    faces = np.repeat(mesh.faces + 1, 2, axis=1)
    return (
        format_rows("v " + number_format(mesh.vertices), mesh.vertices)
        + format_rows("vn %.6g %.6g %.6g\n", vertex_normals(mesh))
        + format_rows("f %d//%d %d//%d %d//%d\n", faces)
    ).encode()


def encode_off(mesh: Mesh) -> bytes:
    """OFF as text."""
    head = f"OFF\n{len(mesh.vertices)} {len(mesh.faces)} 0\n"
    body = format_rows(number_format(mesh.vertices), mesh.vertices)
    return (head + body + format_rows("3 %d %d %d\n", mesh.faces)).encode()


def number_format(points: np.ndarray) -> str:
    """A line of three numbers with as many digits as the points need."""
    return "%.9g %.9g %.9g\n" if fits_float32(points) else "%.17g %.17g %.17g\n"


def format_rows(line: str, rows: np.ndarray) -> str:
    """Lines of text, one for each row of numbers."""
    return line * len(rows) % tuple(rows.ravel().tolist())


def encode_stl(mesh: Mesh) -> bytes:
    """Binary STL."""
    records = np.zeros(len(mesh.faces), RECORD)
    records["corners"] = mesh.corners
    records["normal"] = normalize(face_vectors(mesh.corners))
    # The heading must not begin like that of a text file.
    return b"binary".ljust(80) + struct.pack("<I", len(records)) + records.tobytes()


def encode_glb(mesh: Mesh) -> bytes:
    """Binary glTF 2.0 with one mesh, shifted by its node if float32 could not hold it."""
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    shift = np.zeros(3) if fits_float32(mesh.vertices) else (low + high) / 2
    points = (mesh.vertices - shift).astype("<f4")
    parts = [points, vertex_normals(mesh).astype("<f4"), mesh.faces.astype("<u4")]
    sizes = [part.nbytes for part in parts]
    kinds = [
        (5126, "VEC3", len(points)),
        (5126, "VEC3", len(points)),
        (5125, "SCALAR", 3 * len(mesh.faces)),
    ]
    accessors = [
        {"bufferView": i, "componentType": component, "type": kind, "count": count}
        for i, (component, kind, count) in enumerate(kinds)
    ]
    accessors[0] |= {"min": points.min(axis=0).tolist(), "max": points.max(axis=0).tolist()}
    tree = {
        "asset": {"version": "2.0", "generator": "inr"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "translation": shift.tolist()}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "NORMAL": 1}, "indices": 2}]}],
        "accessors": accessors,
        "bufferViews": [
            {"buffer": 0, "byteOffset": sum(sizes[:i]), "byteLength": size, "target": target}
            for i, (size, target) in enumerate(zip(sizes, (34962, 34962, 34963), strict=True))
        ],
        "buffers": [{"byteLength": sum(sizes)}],
    }
    text = json.dumps(tree, separators=(",", ":")).encode()
    chunks = glb_chunk(b"JSON", text, b" ")
    chunks += glb_chunk(b"BIN\0", b"".join(part.tobytes() for part in parts), b"\0")
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def glb_chunk(kind: bytes, data: bytes, filler: bytes) -> bytes:
    """A part of a GLB file, filled up to a multiple of 4 bytes."""
    data += filler * (-len(data) % 4)
    return struct.pack("<I4s", len(data), kind) + data


def encode_xyz(cloud: PointCloud) -> bytes:
    """Lines of x y z, or x y z nx ny nz."""
    line = number_format(cloud.points)
    if cloud.normals is None:
        return format_rows(line, cloud.points).encode()
    line = line.rstrip() + " %.9g %.9g %.9g\n"
    return format_rows(line, np.hstack([cloud.points, cloud.normals])).encode()


MESH_WRITERS: dict[str, Callable[[Mesh], bytes]] = {
    ".ply": lambda mesh: encode_ply(mesh.vertices, vertex_normals(mesh), mesh.faces),
    ".obj": encode_obj,
    ".stl": encode_stl,
    ".off": encode_off,
    ".glb": encode_glb,
}
POINT_WRITERS: dict[str, Callable[[PointCloud], bytes]] = {
    ".ply": lambda cloud: encode_ply(cloud.points, cloud.normals, None),
    ".xyz": encode_xyz,
}
