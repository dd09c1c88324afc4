"""Conversion of a file's polygons to triangles with shared vertices."""

from __future__ import annotations

import numpy as np

from .mesh import Mesh
from .polygon import triangulate
from .topology import find_edges, label_components

# Share of the extent by which float32 and a few digits of text change equal coordinates.
ROUNDING = 1e-6


def clean(points: np.ndarray, sizes: np.ndarray, corners: np.ndarray) -> Mesh:
    """Make a mesh of polygons.

    Polygons become triangles, and vertices at the same place one vertex. Faces with a vertex twice,
    faces that repeat an earlier one, and vertices without a face are dropped. A face whose corners
    lie on a line is kept: it does no harm, and without it a closed surface would open.

    Args:
        points: (V, 3) finite numbers.
        sizes: (P,) corners of each polygon.
        corners: (sum of sizes,) rows of `points`.
    """
    faces = triangulate(points, sizes, corners)
    many = int(np.count_nonzero(sizes > 3))
    notes = [f"polygons cut into triangles: {many:,}"] if many else []
    vertices, faces = merge(points, faces)
    faces = weld(vertices, faces)
    count = len(faces)
    faces = drop_degenerate(faces)
    if dropped := count - len(faces):
        notes.append(f"faces left out that have a vertex twice: {dropped:,}")
    count = len(faces)
    faces = drop_doubled(faces)
    if doubled := count - len(faces):
        notes.append(f"faces left out that repeat an earlier one: {doubled:,}")
    count = len(faces)
    faces = drop_backs(faces)
    if count > len(faces):
        notes.append("each of its faces is there from both sides, and one of both is kept")
    used = np.zeros(len(vertices), bool)
    used[faces.ravel()] = True
    return Mesh(vertices[used], (np.cumsum(used) - 1)[faces], tuple(notes))


def merge(points: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Make one vertex of all that are at exactly the same place, in the order of the first."""
    keys = points.astype(np.float64)
    order = np.lexsort(keys.T)
    is_new = np.ones(len(order), bool)
    is_new[1:] = (keys[order[1:]] != keys[order[:-1]]).any(axis=1)
    # A stable sort has the first of each group in front.
    first = order[is_new]
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    target = np.empty(len(order), np.int64)
    target[order] = rank[np.cumsum(is_new) - 1]
    return keys[np.sort(first)], target[faces]


def weld(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Merge vertices of open edges that differ by no more than rounding; returns the faces.

    Separate triangles, as in STL, often have such; vertices inside of a surface are left alone.
    """
    from scipy.spatial import cKDTree

    edges = find_edges(faces)
    rim = np.unique(edges.ends[edges.open])
    if not len(rim):
        return faces
    reach = ROUNDING * np.ptp(vertices[rim], axis=0).max()
    tree = cKDTree(vertices[rim])
    # Each finds itself, too. Where most find many others, distances that small are no rounding.
    if tree.count_neighbors(tree, reach) > 20 * len(rim):
        return faces
    pairs = rim[tree.query_pairs(reach, output_type="ndarray")]
    groups, label = label_components(pairs, len(vertices))
    first = np.full(groups, len(vertices))
    np.minimum.at(first, label, np.arange(len(vertices)))
    return first[label][faces]


def drop_degenerate(faces: np.ndarray) -> np.ndarray:
    """Leave out faces that have a vertex twice."""
    a, b, c = faces.T
    return faces[(a != b) & (b != c) & (c != a)]


def drop_doubled(faces: np.ndarray) -> np.ndarray:
    """Leave out faces that repeat an earlier one with the same side outside."""
    # Each face begins with its least vertex, and keeps its side.
    turns = (faces.argmin(axis=1)[:, None] + np.arange(3)) % 3 if len(faces) else faces
    turned = np.take_along_axis(faces, turns, axis=1)
    order = np.lexsort(turned.T)
    is_new = np.ones(len(faces), bool)
    is_new[order[1:]] = (turned[order[1:]] != turned[order[:-1]]).any(axis=1)
    return faces[is_new]


def drop_backs(faces: np.ndarray) -> np.ndarray:
    """Keep one of both faces of a surface whose every face is there from both sides."""
    order = np.lexsort(np.sort(faces, axis=1).T)
    pairs = np.sort(faces[order[: len(order) // 2 * 2]], axis=1).reshape(-1, 2, 3)
    if len(faces) % 2 or not (pairs[:, 0] == pairs[:, 1]).all():
        return faces
    return faces[np.sort(order[::2])]
