"""Detection of a file's format, and of meshes and point clouds, by content."""

from __future__ import annotations

import codecs
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Literal

from inr.source_file import RejectedError, find_file

from . import stl
from .ply import END
from .source import Source

# Formats by suffix; each is decoded by the module of its name.
SUFFIXES = {
    **{f".{name.lower()}": name for name in ("PLY", "OBJ", "STL", "OFF", "XYZ", "glTF")},
    ".glb": "glTF",
    ".xyzn": "XYZ",
    ".pts": "XYZ",
}
START_BYTES = 65536
NUMBERS = re.compile(rb"\s*([-+.\d][^\s,;a-zA-Z]*(e[-+]?\d+)?[ \t,;]+){2}[-+.\dnN]")
VERTEX_LINE, FACE_LINE = rb"(?:^|[\r\n])[ \t]*v[ \t]+[-+.\d]", rb"(?:^|[\r\n])[ \t]*f[ \t]"
FACE_ELEMENT = rb"element\s+(face|tristrips)\s+0*[1-9]"


def find_kind(path: str | os.PathLike[str]) -> Literal["mesh", "point_cloud"] | None:
    """Tell whether a file is a mesh or a point cloud, from its first bytes and its name.

    An OBJ file is searched to its end, since faces may come last; nothing is decoded. A text file
    of numbers is a point cloud only if its suffix says so.

    Returns:
        The kind, or None if the file is neither or cannot be read.
    """
    try:
        source = find_source(path)
        data = source.read_data(START_BYTES)
        form = find_format(replace(source, data=data), source.path.stat().st_size)
        if form == "OBJ" and not re.search(FACE_LINE, data):
            data = source.read_data()
    except (OSError, RejectedError):
        return None
    if form == "XYZ":
        return "point_cloud" if SUFFIXES.get(suffix_of(source.path)) == "XYZ" else None
    if form == "OBJ":
        return "mesh" if re.search(FACE_LINE, data) else "point_cloud"
    if form == "PLY":
        header = data[: found.start()] if (found := END.search(data)) else data
        return "mesh" if re.search(FACE_ELEMENT, header) else "point_cloud"
    return "mesh"


def find_source(path: str | os.PathLike[str]) -> Source:
    """A regular file that can be read, without its content.

    Raises:
        OSError: No such file can be read.
        RejectedError: The path is no regular file, or the file is empty.
    """
    return Source(**vars(find_file(path, "a mesh file")))


def suffix_of(path: Path) -> str:
    """The suffix that names the format, without that of packing."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def find_format(source: Source, size: int) -> str:
    """Tell the format of a file by its content, and by its suffix where the content is ambiguous.

    Args:
        source: The file, with its first bytes at least.
        size: Bytes of the whole file.

    Returns:
        A value of `SUFFIXES`.
    """
    start = source.data[:START_BYTES].removeprefix(codecs.BOM_UTF8)
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
    if stl.has_binary_size(start, size):
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
        "OBJ, PLY, STL, OFF, GLB, glTF or XYZ",
        "Export it as PLY.",
    )
