"""An OFF reader of our own: trimesh reads a file that is cut off (`test_trimesh_loses`)."""

from __future__ import annotations

import re

import numpy as np

from .source import Decoded, Source, read_columns

HEADER = re.compile(r"(ST)?C?N?(4?)(n?)OFF\b[ \t]*", re.IGNORECASE)


def decode(source: Source) -> Decoded:
    """Decode vertices and polygons, without colours, normals and texture coordinates."""
    lines = [line.split("#", 1)[0].strip() for line in source.text().split("\n")]
    lines = [line for line in lines if line]
    if lines and (found := HEADER.match(lines[0])):
        lines[0] = lines[0][found.end() :]
        if found[2] or found[3] or lines[0].upper().startswith("BINARY"):
            raise source.reject(
                f"is OFF of a rare kind ({found[0].strip()} {lines[0]}".rstrip() + ")",
                "three coordinates, as text",
                "Export it as PLY.",
            )
        lines = lines if lines[0] else lines[1:]
    vertices, faces = read_counts(source, lines)
    body, left = lines[1:], len(lines) - 1 - vertices - faces
    if left < 0:
        raise source.cut(f"{len(body):,} of {vertices + faces:,} lines are there")
    points = read_columns(source, body[:vertices], (0, 1, 2))
    sizes, corners = read_faces(source, body[vertices : vertices + faces], vertices)
    notes = (f"lines left out behind the last face: {left}",) if left else ()
    return Decoded(points, sizes, corners, None, notes)


def read_counts(source: Source, lines: list[str]) -> tuple[int, int]:
    """Read the numbers of vertices and faces from the first line."""
    try:
        vertices, faces = (int(word) for word in lines[0].split()[:2])
    except (ValueError, IndexError):
        raise source.cut("its counts of vertices and faces are not there") from None
    if min(vertices, faces) < 0:
        raise source.cut(f"it claims {vertices} vertices and {faces} faces")
    source.check_count(vertices, "points")
    source.check_count(faces, "faces")
    return vertices, faces


def read_faces(source: Source, lines: list[str], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Read lines of a number of corners and as many vertices, counted from 0."""
    try:
        rows = [[int(word) for word in line.split(".", 1)[0].split()] for line in lines]
    except ValueError:
        raise source.cut("a face names a vertex that is no number") from None
    if any(not row or not 0 <= row[0] < len(row) for row in rows):
        raise source.cut("a face has fewer corners than it claims")
    sizes = np.array([row[0] for row in rows], np.int64)
    corners = np.array([corner for row in rows for corner in row[1 : row[0] + 1]], np.int64)
    if len(corners) and not 0 <= corners.min() <= corners.max() < count:
        raise source.cut(f"a face names a vertex that is not among its {count:,}")
    return sizes, corners
