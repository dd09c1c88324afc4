"""Winding numbers as plain sums of solid angles: exact, and slow."""

from __future__ import annotations

import numpy as np

# Pairs of a point and a face at once: some tens of megabytes.
PAIRS = 2**18


def winding_numbers(corners: np.ndarray, points: np.ndarray) -> np.ndarray:
    """How often a surface winds around points: 1 inside of a closed one, 0 outside.

    Args:
        corners: (F, 3, 3) corners of faces, counter-clockwise seen from outside.
        points: (n, 3) points, not on a face.

    Returns:
        (n,) float64: the solid angles of all faces, in parts of a whole sphere.

    Source:
        A. van Oosterom and J. Strackee, The solid angle of a plane triangle, IEEE Transactions on
        Biomedical Engineering 30 (1983); A. Jacobson, L. Kavan and O. Sorkine-Hornung, Robust
        inside-outside segmentation using generalized winding numbers, SIGGRAPH 2013.
    """
    total = np.zeros(len(points))
    step = max(1, PAIRS // max(len(points), 1))
    for start in range(0, len(corners), step):
        part = corners[start : start + step]
        for first in range(0, len(points), PAIRS):
            near = points[first : first + PAIRS]
            total[first : first + PAIRS] += solid_angles(part, near).sum(axis=1) / (4 * np.pi)
    return total


def solid_angles(corners: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Signed solid angles under which points see faces: (n, F)."""
    # Axes first: a corner's three coordinates are three arrays (n, F).
    places = np.ascontiguousarray(points.T)[:, :, None]
    a, b, c = (np.ascontiguousarray(corners[:, i].T)[:, None] - places for i in range(3))
    la, lb, lc = (np.sqrt(dot(side, side)) for side in (a, b, c))
    volume = sum(a[i] * (b[i - 2] * c[i - 1] - b[i - 1] * c[i - 2]) for i in range(3))
    rest = la * lb * lc + dot(a, b) * lc + dot(b, c) * la + dot(c, a) * lb
    return 2 * np.arctan2(volume, rest)


def dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Products of vectors whose first axis is that of coordinates."""
    return np.einsum("i...,i...", first, second)
