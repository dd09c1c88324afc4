"""Triangulation of polygons: fans where they fit, ears elsewhere."""

from __future__ import annotations

import numpy as np

from .mesh import normalize

# Corners to visit while cutting ears, for polygons of one size: some seconds.
MOST_EAR_CORNERS = 100_000


def triangulate(points: np.ndarray, sizes: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Cut polygons into triangles with the same corners and the same sides.

    Args:
        points: (V, 3) vertices.
        sizes: (P,) corners of each polygon; those with fewer than 3 give nothing.
        corners: (sum of sizes,) rows of `points`, polygon after polygon.

    Returns:
        (F, 3) int64 rows of `points`, those of a polygon beside each other.
    """
    starts = np.cumsum(sizes) - sizes
    pieces, owners = [np.zeros((0, 3), np.int64)], [np.zeros(0, np.int64)]
    for size in np.unique(sizes[sizes >= 3]):
        polygons = np.flatnonzero(sizes == size)
        rows = corners[starts[polygons, None] + np.arange(size)]
        pieces.append(triangulate_alike(points, rows))
        owners.append(np.repeat(polygons, size - 2))
    order = np.argsort(np.concatenate(owners), kind="stable")
    return np.concatenate(pieces)[order].astype(np.int64, copy=False)


def triangulate_alike(points: np.ndarray, polygons: np.ndarray) -> np.ndarray:
    """Cut polygons of one size: into fans where their triangles all lie inside, else ear by ear.

    Args:
        points: (V, 3) vertices.
        polygons: (P, n) rows of `points`.

    Returns:
        (P * (n - 2), 3) rows of `points`.
    """
    count, size = polygons.shape
    if size == 3:
        return polygons
    polygons = begin_at_notch(points, polygons)
    fan = np.stack([np.zeros(size - 2, int), np.arange(1, size - 1), np.arange(2, size)], axis=1)
    faces = polygons[:, fan]
    first, second, third = np.moveaxis(points[faces], 2, 0)
    normals = np.cross(second - first, third - first)
    bad = (dots(normals, newell_normals(points[polygons])) < 0).any(axis=1)
    # Beyond the limit a fan is kept, which winds around everything as often as its polygon does.
    for row in np.flatnonzero(bad)[: MOST_EAR_CORNERS // size**2]:
        faces[row] = polygons[row][cut_ears(points[polygons[row]])]
    return faces.reshape(count * (size - 2), 3)


def dots(vectors: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Lengths of (P, n, 3) vectors along (P, 3) normals, zero if within rounding of it: (P, n)."""
    along = (vectors * normals[:, None]).sum(axis=-1)
    return np.where(np.abs(along) <= 1e-9 * np.abs(along).max(axis=1, keepdims=True), 0, along)


def begin_at_notch(points: np.ndarray, polygons: np.ndarray) -> np.ndarray:
    """Turn polygons so that the corner that bends inwards most comes first, if one does."""
    corners = points[polygons]
    sides = np.roll(corners, -1, axis=1) - corners
    bends = dots(np.cross(np.roll(sides, 1, axis=1), sides), newell_normals(corners))
    first = np.where(bends.min(axis=1) < 0, bends.argmin(axis=1), 0)
    turned = (first[:, None] + np.arange(polygons.shape[1])) % polygons.shape[1]
    return np.take_along_axis(polygons, turned, axis=1)


def newell_normals(polygons: np.ndarray) -> np.ndarray:
    """Unit normals of polygons, which need not be flat: (P, n, 3) corners to (P, 3)."""
    centered = polygons - polygons.mean(axis=1, keepdims=True)
    return normalize(np.cross(centered, np.roll(centered, -1, axis=1)).sum(axis=1))


def cut_ears(polygon: np.ndarray) -> np.ndarray:
    """Cut a polygon into triangles by taking off one ear after the other.

    Args:
        polygon: (n, 3) corners.

    Returns:
        (n - 2, 3) rows of `polygon`.

    References:
        G. H. Meisters, Polygons have ears, American Mathematical Monthly 82 (1975).
    """
    flat = flatten(polygon)
    left, faces = list(range(len(polygon))), []
    while len(left) > 3:
        place = next((i for i in range(len(left)) if is_ear(flat, left, i)), 0)
        faces.append([left[place - 1], left[place], left[(place + 1) % len(left)]])
        del left[place]
    return np.array([*faces, left])


def flatten(polygon: np.ndarray) -> np.ndarray:
    """Corners in the polygon's own plane, counter-clockwise: (n, 3) to (n, 2)."""
    normal = newell_normals(polygon[None])[0]
    across = np.eye(3)[np.abs(normal).argmin()]
    right = normalize(np.cross(across, normal)[None])[0]
    return (polygon - polygon[0]) @ np.stack([right, np.cross(normal, right)], axis=1)


def is_ear(flat: np.ndarray, left: list[int], place: int) -> bool:
    """Whether the triangle at a corner lies inside and holds no other corner."""
    ends = (left[place - 1], left[place], left[(place + 1) % len(left)])
    triangle = flat[list(ends)]
    sides = np.roll(triangle, -1, axis=0) - triangle
    if sides[0, 0] * sides[1, 1] - sides[0, 1] * sides[1, 0] <= 0:
        return False
    others = flat[[i for i in left if i not in ends]][:, None] - triangle
    within = sides[:, 0] * others[..., 1] - sides[:, 1] * others[..., 0]
    same = (others == 0).all(axis=-1).any(axis=1)
    return not ((within >= 0).all(axis=1) & ~same).any()
