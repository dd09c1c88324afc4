"""Bringing polygons of any file to triangles with shared vertices."""

from __future__ import annotations

import numpy as np

from .mesh import Mesh
from .polygon import triangulate
from .topology import find_edges

# Of the extent: what float32 and a few digits of text leave of equal coordinates.
ROUNDING = 1e-6


def clean(points: np.ndarray, sizes: np.ndarray, corners: np.ndarray) -> Mesh:
    """Make a mesh of polygons.

    Polygons become triangles, vertices at the same place one vertex, and faces with a vertex twice
    vanish, as do faces that are there twice and vertices without a face. A face whose corners lie
    on a line is kept: it does no harm, and without it a closed surface would open.

    Args:
        points: (V, 3) finite numbers.
        sizes: (P,) corners of each polygon.
        corners: (sum of sizes,) rows of `points`.
    """
    faces = triangulate(points, sizes, corners)
    many = int(np.count_nonzero(sizes > 3))
    notes = [f"polygons cut into triangles: {many:,}"] if many else []
    vertices, faces = merge(points, faces)
    vertices, faces = weld(vertices, faces)
    kept, dropped = drop_degenerate(faces)
    kept, doubled = drop_doubled(kept)
    if dropped:
        notes.append(f"faces left out that have a vertex twice: {dropped:,}")
    if doubled:
        notes.append(f"faces left out that are there before: {doubled:,}")
    kept, is_paired = drop_backs(kept)
    if is_paired:
        notes.append("each of its faces is there from both sides, and one of both is kept")
    return Mesh(*drop_unused(vertices, kept), tuple(notes))


def merge(points: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Make one vertex of all that are at exactly the same place, in the order of the first."""
    keys = points.astype(np.float64)
    order = np.lexsort(keys.T)
    sorted_keys = keys[order]
    is_new = np.ones(len(order), bool)
    is_new[1:] = (sorted_keys[1:] != sorted_keys[:-1]).any(axis=1)
    group = np.cumsum(is_new) - 1
    # A stable sort has the first of each group in front.
    first = order[is_new]
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    target = np.empty(len(order), np.int64)
    target[order] = rank[group]
    return keys[np.sort(first)], target[faces]


def weld(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Merge vertices of open edges that differ by no more than rounding.

    Separate triangles, as in STL, often do; vertices inside of a surface are left alone.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    edges = find_edges(faces)
    rim = np.unique(edges.ends[edges.open])
    if not len(rim):
        return vertices, faces
    reach = ROUNDING * np.ptp(vertices[rim], axis=0).max()
    tree = cKDTree(vertices[rim])
    # Each finds itself, too. Where most find many others, distances that small are no rounding.
    if tree.count_neighbors(tree, reach) > 20 * len(rim):
        return vertices, faces
    pairs = rim[tree.query_pairs(reach, output_type="ndarray")]
    graph = coo_array((np.ones(len(pairs), bool), pairs.T), shape=(len(vertices),) * 2)
    groups, label = connected_components(graph, directed=False)
    first = np.full(groups, len(vertices))
    np.minimum.at(first, label, np.arange(len(vertices)))
    return vertices, first[label][faces]


def drop_degenerate(faces: np.ndarray) -> tuple[np.ndarray, int]:
    """Leave out faces that have a vertex twice; also tell how many."""
    a, b, c = faces.T
    sound = (a != b) & (b != c) & (c != a)
    return faces[sound], int(len(faces) - np.count_nonzero(sound))


def drop_doubled(faces: np.ndarray) -> tuple[np.ndarray, int]:
    """Leave out faces that are there before, with the same side outside; also tell how many."""
    turned = turn_to_least(faces)
    order = np.lexsort(turned.T)
    same = np.zeros(len(faces), bool)
    same[order[1:]] = (turned[order[1:]] == turned[order[:-1]]).all(axis=1)
    return faces[~same], int(np.count_nonzero(same))


def drop_backs(faces: np.ndarray) -> tuple[np.ndarray, bool]:
    """Of a surface whose every face is there from both sides, keep one of both."""
    if len(faces) % 2:
        return faces, False
    order = np.lexsort(np.sort(faces, axis=1).T)
    pairs = np.sort(faces[order], axis=1).reshape(-1, 2, 3)
    if not (pairs[:, 0] == pairs[:, 1]).all():
        return faces, False
    return faces[np.sort(order[::2])], True


def turn_to_least(faces: np.ndarray) -> np.ndarray:
    """Begin each face with its least vertex; it keeps its side."""
    turns = (faces.argmin(axis=1)[:, None] + np.arange(3)) % 3 if len(faces) else faces
    return np.take_along_axis(faces, turns, axis=1)


def drop_unused(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Leave out vertices without a face."""
    used = np.zeros(len(vertices), bool)
    used[faces.ravel()] = True
    return vertices[used], (np.cumsum(used) - 1)[faces]
