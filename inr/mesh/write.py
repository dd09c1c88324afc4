"""Writers of meshes and point clouds: trimesh, but for PLY and XYZ.

trimesh rounds the coordinates of PLY to float32 (`test_far_meshes_keep_their_digits`), and knows
no normals in XYZ (`test_points_come_back`).
"""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np

from inr.atomic import replacing

from .mesh import Mesh, PointCloud, vertex_normals

# Share of the extent by which rounding to float32 may move a vertex.
ROUNDING = 1e-6


def write_mesh(path: str | os.PathLike[str], mesh: Mesh) -> tuple[str, ...]:
    """Write a mesh in the format that the suffix names, all of it or nothing.

    PLY, OBJ and GLB have normals of vertices. Coordinates are float32 where that is exact to a
    millionth of the extent; else PLY, OBJ and OFF have float64, and GLB has a shift of its own.

    Args:
        path: File to write: `.ply`, `.obj`, `.stl`, `.off` or `.glb`.
        mesh: A mesh in the frame that the file is to have.

    Returns:
        Warnings for the user: whether STL cannot hold the coordinates.

    Raises:
        ValueError: The suffix is another, or the mesh has no faces.
    """
    path = Path(path)
    suffix = check_suffix(path, (".ply", ".obj", ".stl", ".off", ".glb"))
    if not len(mesh.faces):
        raise ValueError(f"{path} would have no faces; expected a mesh with some.")
    if suffix == ".ply":
        data = encode_ply(mesh.vertices, vertex_normals(mesh), mesh.faces)
    else:
        data = encode_by_library(mesh, suffix)
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    if suffix == ".stl" and not fits_float32(mesh.vertices):
        return (f"{path.name}: STL rounds coordinates to float32; .ply keeps them whole",)
    return ()


def write_points(path: str | os.PathLike[str], cloud: PointCloud) -> None:
    """Write a point cloud as `.ply` or `.xyz`, with normals if it has them, all or nothing.

    Raises:
        ValueError: The suffix is another.
    """
    path = Path(path)
    encode = encode_ply if check_suffix(path, (".ply", ".xyz")) == ".ply" else encode_xyz
    data = encode(cloud.points, cloud.normals)
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def check_suffix(path: Path, suffixes: tuple[str, ...]) -> str:
    """The suffix of a path in lower case.

    Raises:
        ValueError: The suffix is none of those that are expected.
    """
    suffix = path.suffix.lower()
    if suffix not in suffixes:
        raise ValueError(
            f"{path} has the suffix {path.suffix!r}; expected {', '.join(suffixes)}. "
            f"Name it {path.stem}.ply."
        )
    return suffix


def fits_float32(points: np.ndarray) -> bool:
    """Whether rounding to float32 moves points by less than a millionth of their extent."""
    extent = float(np.ptp(points, axis=0).max()) if len(points) else 0.0
    with np.errstate(over="ignore"):
        moved = np.abs(points.astype(np.float32) - points).max(initial=0)
    return bool(moved <= ROUNDING * extent)


def encode_ply(
    points: np.ndarray, normals: np.ndarray | None, faces: np.ndarray | None = None
) -> bytes:
    """Binary PLY of (V, 3) points with normals and (F, 3) faces, if there are any."""
    kind, word = ("<f4", "float") if fits_float32(points) else ("<f8", "double")
    fields = [(name, kind, word, points[:, i]) for i, name in enumerate("xyz")]
    if normals is not None:
        fields += [(f"n{name}", "<f4", "float", normals[:, i]) for i, name in enumerate("xyz")]
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {len(points)}"]
    lines += [f"property {word} {name}" for name, _, word, _ in fields]
    rows = np.empty(len(points), [(name, kind) for name, kind, _, _ in fields])
    for name, _, _, numbers in fields:
        rows[name] = numbers
    body = rows.tobytes()
    if faces is not None:
        lines += [f"element face {len(faces)}", "property list uchar int vertex_indices"]
        table = np.empty(len(faces), [("size", "u1"), ("corners", "<i4", 3)])
        table["size"], table["corners"] = 3, faces
        body += table.tobytes()
    return "\n".join([*lines, "end_header", ""]).encode() + body


def encode_xyz(points: np.ndarray, normals: np.ndarray | None) -> bytes:
    """Lines of x y z, or x y z nx ny nz."""
    rows = points if normals is None else np.hstack([points, normals])
    digits = 9 if fits_float32(points) else 17
    line = " ".join([f"%.{digits}g"] * 3 + ["%.9g"] * (rows.shape[1] - 3)) + "\n"
    return (line * len(rows) % tuple(rows.ravel().tolist())).encode()


def encode_by_library(mesh: Mesh, suffix: str) -> bytes:
    """OBJ and GLB with normals of vertices, STL or OFF."""
    from trimesh import Scene, Trimesh
    from trimesh.exchange.gltf import export_glb
    from trimesh.exchange.obj import export_obj
    from trimesh.exchange.off import export_off
    from trimesh.exchange.stl import export_stl
    from trimesh.transformations import translation_matrix

    shift = np.zeros(3)
    if suffix == ".glb" and not fits_float32(mesh.vertices):
        shift = (mesh.vertices.min(axis=0) + mesh.vertices.max(axis=0)) / 2
    normals, digits = vertex_normals(mesh), count_decimals(mesh.vertices)
    other = Trimesh(mesh.vertices - shift, mesh.faces, vertex_normals=normals, process=False)
    if suffix == ".glb":
        scene = Scene()
        scene.add_geometry(other, transform=translation_matrix(shift))
        return export_glb(scene, include_normals=True)
    if suffix == ".stl":
        return export_stl(other)
    if suffix == ".off":
        return export_off(other, digits=digits).encode()
    return export_obj(other, include_normals=True, digits=digits, header=None).encode()


def count_decimals(points: np.ndarray) -> int:
    """Digits behind the point that the largest coordinate needs, and so the others have, too."""
    largest = math.floor(math.log10(np.abs(points).max(initial=1e-300)))
    return max(0, (9 if fits_float32(points) else 17) - 1 - largest)
