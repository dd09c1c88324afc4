"""Distances of surfaces whose distance is known."""

from __future__ import annotations

import numpy as np
import pytest

from inr.mesh import Mesh, compare_meshes, compare_points, iou
from tests.mesh.conftest import flip, make_sphere
from tests.tolerance import assert_close


def test_points_in_closed_form() -> None:
    first = np.array([[0, 0, 0], [1, 0, 0], [0, 0, 3.0]])
    second = np.array([[0, 0.5, 0], [1, 0, 0.0]])
    up, along = np.array([0, 0, 1.0]), np.array([0.6, 0, -0.8])
    found = compare_points(first, second, np.array([up, up, up]), np.array([along, up]))
    assert_close(found.accuracy, (0.5 + 0 + np.sqrt(9.25)) / 3)
    assert_close(found.completeness, 0.25)
    assert_close(found.chamfer, (found.accuracy + found.completeness) / 2)
    assert_close(found.normal_consistency, ((0.8 + 1 + 0.8) / 3 + (0.8 + 1) / 2) / 2)
    swapped = compare_points(second, first)
    assert (swapped.accuracy, swapped.completeness) == (found.completeness, found.accuracy)
    assert swapped.normal_consistency is None


def test_spheres_apart_by_their_radii() -> None:
    small, large = make_sphere(24), make_sphere(24, radius=1.25)
    found = compare_meshes(small, large, count=4000)
    # Nearest samples lie a little to the side: half their spacing of 0.07 adds less than 0.01.
    assert found.chamfer == pytest.approx(0.25, abs=0.01)
    assert found.normal_consistency is not None and found.normal_consistency > 0.99
    again = compare_meshes(small, flip(small), count=4000)
    assert again.chamfer < 0.03 and again.normal_consistency == pytest.approx(1, abs=0.01)


def test_a_missing_half_shows_in_one_direction() -> None:
    whole = make_sphere(16)
    half = Mesh(whole.vertices, whole.faces[: len(whole.faces) // 2])
    found = compare_meshes(half, whole, count=3000)
    assert found.completeness > 8 * found.accuracy


def test_iou_of_labels() -> None:
    first = np.array([[True, True], [False, False]])
    second = np.array([[True, False], [True, False]])
    assert iou(first, second) == 1 / 3
    assert iou(first, first) == 1 and iou(first, ~first) == 0
    assert iou(first & False, first & False) == 1


def test_what_cannot_be_compared_is_rejected() -> None:
    with pytest.raises(ValueError, match="got 0 and 4 points; expected"):
        compare_points(np.zeros((0, 3)), np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"\(2,\) and \(3,\); expected"):
        iou(np.zeros(2, bool), np.zeros(3, bool))
