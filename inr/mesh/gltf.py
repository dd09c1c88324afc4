"""A glTF 2.0 reader of our own: trimesh reads sparse rows as zeros (`test_trimesh_loses`).

References:
    The Khronos Group, glTF 2.0 Specification.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

import numpy as np

from .source import Decoded, Source, separate_triangles

MAGIC_BYTES = b"glTF"
COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
COLUMNS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
TRIANGLES, STRIP, FAN = 4, 5, 6
COMPRESSED = ("KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_meshopt_compression")
# Beginnings of extensions that leave the triangles as they are, or only widen their numbers.
HARMLESS = (
    *("KHR_mesh_quantization", "KHR_materials_", "KHR_texture_", "KHR_lights_", "KHR_xmp"),
    *("EXT_texture_", "EXT_lights_", "MSFT_texture_"),
)


def decode(source: Source) -> Decoded:
    """Decode the triangles of all meshes of a scene, moved to where its nodes put them."""
    scene = Scene(source)
    pieces, count = [np.zeros((0, 3, 3))], 0
    for mesh, matrix in scene.instances():
        for corners in scene.corners_of(mesh):
            count += len(corners)
            source.check_count(count, "faces")
            moved = corners @ matrix[:3, :3].T + matrix[:3, 3]
            # A reflection reverses the winding of triangles; turn them back.
            pieces.append(moved[:, ::-1] if np.linalg.det(matrix[:3, :3]) < 0 else moved)
    return separate_triangles(np.concatenate(pieces).reshape(-1, 3))


class Scene:
    """A parsed file."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.tree, self.binary = split_chunks(source)
        if not str(self.tree.get("asset", {}).get("version", "")).startswith("2"):
            raise source.reject("is no glTF of version 2", "version 2", "Export it again.")
        required = sorted(str(name) for name in self.tree.get("extensionsRequired", ()))
        if packed := [name for name in required if name in COMPRESSED]:
            raise source.reject(
                f"is compressed ({', '.join(packed)})",
                "plain geometry",
                "Export it without compression.",
            )
        if unknown := [name for name in required if not name.startswith(HARMLESS)]:
            raise source.reject(
                f"needs an extension that is not known here ({', '.join(unknown)})",
                "plain geometry",
                "Export it without that extension.",
            )
        self.buffers: dict[int, bytes] = {}

    def instances(self) -> Iterator[tuple[int, np.ndarray]]:
        """Meshes of the scene with the (4, 4) matrix that moves each to its place."""
        nodes = self.tree.get("nodes", [])
        if not nodes:
            yield from ((mesh, np.eye(4)) for mesh in range(len(self.tree.get("meshes", []))))
            return
        seen: set[int] = set()
        waiting = [(root, np.eye(4)) for root in self.roots(nodes)]
        while waiting:
            index, above = waiting.pop()
            if index in seen:
                raise self.source.cut(f"node {index} has two parents")
            seen.add(index)
            matrix = above @ local_matrix(nodes[index])
            if "mesh" in nodes[index]:
                yield nodes[index]["mesh"], matrix
            waiting += [(child, matrix) for child in nodes[index].get("children", ())]

    def roots(self, nodes: list[dict[str, Any]]) -> list[int]:
        """The nodes of the scene that have no parent."""
        if scenes := self.tree.get("scenes", []):
            return list(scenes[self.tree.get("scene", 0)].get("nodes", []))
        children = {child for node in nodes for child in node.get("children", ())}
        return [index for index in range(len(nodes)) if index not in children]

    def corners_of(self, mesh: int) -> Iterator[np.ndarray]:
        """(F, 3, 3) corners of the triangles of each primitive of a mesh, without lines, points."""
        for primitive in self.tree["meshes"][mesh]["primitives"]:
            mode = primitive.get("mode", TRIANGLES)
            if mode not in (TRIANGLES, STRIP, FAN) or "POSITION" not in primitive["attributes"]:
                continue
            points = self.read(primitive["attributes"]["POSITION"])
            order = np.arange(len(points))
            if "indices" in primitive:
                order = self.read(primitive["indices"]).ravel().astype(np.int64)
                if len(order) and order.max() >= len(points):
                    raise self.source.cut(f"a face names vertex {order.max()} of {len(points):,}")
            yield points[join(order, mode)].astype(np.float64)

    def read(self, index: int) -> np.ndarray:
        """(n, columns) numbers of an accessor."""
        accessor = self.tree["accessors"][index]
        kind, count = np.dtype(COMPONENTS[accessor["componentType"]]), int(accessor["count"])
        columns = COLUMNS[accessor["type"]]
        self.source.check_count(count // 3, "faces")
        if "bufferView" in accessor:
            numbers = self.view(accessor, kind, count, columns)
        else:
            numbers = np.zeros((count, columns), kind)
        if sparse := accessor.get("sparse"):
            rows, changed = sparse["indices"], int(sparse["count"])
            row_kind = np.dtype(COMPONENTS[rows["componentType"]])
            numbers = numbers.copy()
            numbers[self.view(rows, row_kind, changed, 1).ravel()] = self.view(
                sparse["values"], kind, changed, columns
            )
        if accessor.get("normalized") and kind.kind in "iu":
            return np.maximum(numbers / np.iinfo(kind).max, -1.0)
        return numbers

    def view(self, place: dict[str, Any], kind: np.dtype, count: int, columns: int) -> np.ndarray:
        """Rows of numbers in a buffer, which may have other data between them.

        Args:
            place: An object of the description with `bufferView` and `byteOffset`.
            kind: Type of the numbers.
            count: Number of rows.
            columns: Numbers of a row.
        """
        view, offset = self.tree["bufferViews"][place["bufferView"]], place.get("byteOffset", 0)
        data = self.buffer(view["buffer"])
        row = columns * kind.itemsize
        stride = view.get("byteStride", row)
        start = view.get("byteOffset", 0) + offset
        end = start + (count - 1) * stride + row
        if min(offset, start, count, stride - row) < 0 or (count and end > len(data)):
            raise self.source.cut(f"{len(data):,} of {end:,} bytes of geometry are there")
        if not count:
            return np.zeros((0, columns), kind)
        return np.ndarray((count, columns), kind, data, start, (stride, kind.itemsize))

    def buffer(self, index: int) -> bytes:
        """The bytes of a buffer: inside of the file, or in a file beside it."""
        if index not in self.buffers:
            uri = self.tree["buffers"][index].get("uri")
            if uri is None:
                self.buffers[index] = self.binary
            elif uri.startswith("data:"):
                self.buffers[index] = base64.b64decode(uri.partition(",")[2], validate=True)
            else:
                self.buffers[index] = self.read_beside(unquote(uri))
        return self.buffers[index]

    def read_beside(self, name: str) -> bytes:
        """Read a file of the same folder, or of one inside of it; no other, and no address."""
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or ":" in name or "\\" in name:
            raise self.source.reject(
                f"takes its geometry from {name[:100]!r}",
                "a file beside it",
                "Export it as one .glb file.",
            )
        place = self.source.path.parent / path
        # A link may lead out of the folder, and opening a pipe could wait without end.
        folder = self.source.path.resolve().parent
        if not place.resolve().is_relative_to(folder) or not place.is_file():
            raise self.source.reject(
                f"takes its geometry from {name[:100]}, which is not beside it",
                "all of its files together",
                "Put it there, or export it as one .glb file.",
            )
        return place.read_bytes()


def split_chunks(source: Source) -> tuple[dict[str, Any], bytes]:
    """Split a file into its description and the bytes that belong to it."""
    text, binary = source.data, b""
    if source.data[:4] == MAGIC_BYTES:
        _, version, length = struct.unpack_from("<4sII", source.data)
        if version != 2:
            raise source.reject(f"is glTF of version {version}", "version 2", "Export it again.")
        if len(source.data) < length:
            raise source.cut(f"{len(source.data):,} of {length:,} bytes are there")
        chunks: dict[bytes, bytes] = {}
        place = 12
        while place + 8 <= length:
            size, kind = struct.unpack_from("<I4s", source.data, place)
            if place + 8 + size > length:
                raise source.cut("a chunk of it is longer than the file")
            chunks.setdefault(kind, source.data[place + 8 : place + 8 + size])
            place += 8 + size
        text, binary = chunks.get(b"JSON", b""), chunks.get(b"BIN\0", b"")
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        raise source.cut("its description is no whole JSON") from None
    if not isinstance(tree, dict):
        raise source.cut("its description is not an object")
    return tree, binary


def local_matrix(node: dict[str, Any]) -> np.ndarray:
    """The (4, 4) matrix of a node: its own, or of translation, rotation and scale."""
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    x, y, z, w = np.array(node.get("rotation", (0, 0, 0, 1)), np.float64)
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * np.array(node.get("scale", (1, 1, 1)), np.float64)
    matrix[:3, 3] = node.get("translation", (0, 0, 0))
    return matrix


def join(order: np.ndarray, mode: int) -> np.ndarray:
    """Triangles of a list, a strip or a fan of vertices: (n,) to (F, 3)."""
    if mode == TRIANGLES:
        return order[: len(order) // 3 * 3].reshape(-1, 3)
    if len(order) < 3:
        return np.zeros((0, 3), np.int64)
    if mode == FAN:
        return np.stack([np.full(len(order) - 2, order[0]), order[1:-1], order[2:]], axis=1)
    strip = np.stack([order[:-2], order[1:-1], order[2:]], axis=1)
    strip[1::2] = strip[1::2][:, [1, 0, 2]]
    return strip
