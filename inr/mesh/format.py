"""Telling formats, and meshes from point clouds, by a file's content."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Literal

from inr.source_file import RejectedError

from . import stl
from .content import check_file, read_data
from .ply import END
from .source import Source

# Formats by name, with the module that decodes each.
MODULES = {"PLY": "ply", "glTF": "gltf", "OBJ": "obj", "STL": "stl", "OFF": "off", "XYZ": "xyz"}
SUFFIXES = {
    ".ply": "PLY",
    ".obj": "OBJ",
    ".stl": "STL",
    ".off": "OFF",
    ".glb": "glTF",
    ".gltf": "glTF",
    ".xyz": "XYZ",
    ".xyzn": "XYZ",
    ".pts": "XYZ",
}
FORMATS = "OBJ, PLY, STL, OFF, GLB, glTF or XYZ"
START = 65536
NUMBERS = re.compile(rb"\s*([-+.\d][^\s,;a-zA-Z]*(e[-+]?\d+)?[ \t,;]+){2}[-+.\dnN]")

VERTEX_LINE, FACE_LINE = rb"(?:^|[\r\n])[ \t]*v[ \t]+[-+.\d]", rb"(?:^|[\r\n])[ \t]*f[ \t]"


def find_kind(path: str | os.PathLike[str]) -> Literal["mesh", "point_cloud"] | None:
    """Tell whether a file is a mesh or a point cloud, from its first bytes and its name.

    Of an OBJ file all is looked at, since faces may come last; nothing is decoded. A text file of
    numbers counts as a point cloud only if its name says so.

    Returns:
        The name of the signal, or None if the file is neither or cannot be read.
    """
    try:
        source = Source(Path(path), os.fspath(path))
        check_file(source)
        data = read_data(source, START)
        form = find_format(replace(source, data=data), source.path.stat().st_size)
    except (OSError, RejectedError):
        return None
    if form == "XYZ":
        return "point_cloud" if suffix_of(source.path) in (".xyz", ".xyzn", ".pts") else None
    if form == "PLY":
        header = data[: found.start()] if (found := END.search(data)) else data
        has_faces = re.search(rb"element\s+(face|tristrips)\s+0*[1-9]", header)
        return "mesh" if has_faces else "point_cloud"
    if form == "OBJ" and not re.search(FACE_LINE, data):
        try:
            whole = read_data(source)
        except (OSError, RejectedError):
            return None
        return "mesh" if re.search(FACE_LINE, whole) else "point_cloud"
    return "mesh"


def suffix_of(path: Path) -> str:
    """The suffix that names the format, without that of packing."""
    name = path.name.lower()
    return Path(name.removesuffix(".gz")).suffix


def find_format(source: Source, size: int) -> str:
    """Tell the format of a file by its content, and by its name where that leaves it open.

    Args:
        source: With the first bytes of the file, at least.
        size: Bytes of the whole file.

    Returns:
        A key of `MODULES`.
    """
    start = source.data[:START].removeprefix(b"\xef\xbb\xbf")
    named = SUFFIXES.get(suffix_of(source.path))
    if re.match(rb"ply[ \t]*[\r\n]", start):
        return "PLY"
    if start[:4] == b"glTF" or (
        re.match(rb"\s*\{", start) and (named == "glTF" or b'"asset"' in start)
    ):
        return "glTF"
    if re.match(rb"\s*(#[^\r\n]*[\r\n]\s*)*(ST)?C?N?4?n?OFF\b", start):
        return "OFF"
    if re.match(rb"\s*solid\b[^\0]*?\bfacet\b", start, re.IGNORECASE):
        return "STL"
    if len(start) >= stl.HEADER and stl.HEADER + 50 * stl.claimed(start) == size:
        return "STL"
    if named == "STL" or (named == "OFF" and re.match(rb"\s*\d+[ \t]+\d+", start)):
        return named
    if b"\0" not in start:
        if re.search(VERTEX_LINE, start) or named == "OBJ":
            return "OBJ"
        if NUMBERS.match(start) or (named == "XYZ" and re.search(rb"\d", start)):
            return "XYZ"
    raise source.reject(
        f"is not a mesh or point cloud in a known format (it starts with {start[:8]!r})",
        FORMATS,
        "Export it as PLY.",
    )
