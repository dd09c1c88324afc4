"""A Wavefront OBJ reader of our own: trimesh loses indented faces (`test_trimesh_loses`).

Polygons of all objects are read, and no materials. The format says nowhere how much there is: a
file that is cut off between two lines reads as what is left of it.
"""

from __future__ import annotations

import re

import numpy as np

from .source import Decoded, Source, read_columns

VERTEX, FACE, NORMAL = ("v ", "v\t"), ("f ", "f\t", "fo "), ("vn ", "vn\t")
FREE_FORM = ("surf ", "curv ", "curv2 ", "cstype ")


def decode(source: Source) -> Decoded:
    """Decode vertices and faces."""
    lines = [line.strip() for line in source.text().replace("\\\n", " ").split("\n")]
    vertices, faces, normals = (
        [line for line in lines if line.startswith(word)] for word in (VERTEX, FACE, NORMAL)
    )
    if not faces and any(line.startswith(FREE_FORM) for line in lines):
        # Their points lie beside the surface.
        raise source.reject(
            "has free-form curves or surfaces alone", "polygons", "Export it as triangles."
        )
    source.check_count(len(faces), "faces")
    source.check_count(len(vertices), "points")
    points = read_columns(source, vertices, (1, 2, 3))
    sizes, corners = read_faces(source, faces)
    if len(corners) and corners.min() < 0:
        # A negative number counts back from the last vertex that stands above the face.
        is_vertex, is_face = ([line.startswith(word) for line in lines] for word in (VERTEX, FACE))
        above = np.cumsum(is_vertex)[is_face]
        corners = np.where(corners < 0, corners + np.repeat(above, sizes) + 1, corners)
    wrong = corners[(corners < 1) | (corners > len(points))]
    if len(wrong):
        raise source.cut(f"a face names vertex {wrong[0]}, and {len(points):,} are there")
    # Without faces the normals belong to the points; with them, faces say which goes where.
    own = not faces and len(normals) == len(vertices)
    directions = read_columns(source, normals, (1, 2, 3)) if own else None
    return Decoded(points, sizes, corners - 1, directions)


def read_faces(source: Source, lines: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Read the corners of faces.

    Returns:
        (P,) sizes, and (sum of sizes,) corners as the file counts them, from 1.
    """
    # A corner is vertex/texture/normal, and only the vertex counts.
    text = re.sub(r"/\S*|#.*", "", "\n".join(lines))
    rows = [line.split()[1:] for line in text.split("\n")] if lines else []
    sizes = np.array([len(row) for row in rows], np.int64)
    if len(sizes) and sizes.min() < 3:
        raise source.cut(f"a face has {sizes.min()} corners")
    try:
        corners = np.array([int(corner) for row in rows for corner in row], np.int64)
    except (ValueError, OverflowError):
        raise source.cut("a face names a vertex that is no number") from None
    return sizes, corners
