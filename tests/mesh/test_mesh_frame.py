"""A mesh fills the cube, and comes back to where it was."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from inr.mesh import Frame, fit_frame
from tests.mesh.conftest import BRICK, SIDES
from tests.tolerance import assert_close


@pytest.mark.parametrize("extent", [0.9, 1.0, 0.25])
def test_the_longest_side_is_the_extent_and_axes_stay(extent: float) -> None:
    frame = fit_frame(BRICK, extent=extent)
    cube = frame.to_cube(BRICK)
    assert_close(np.ptp(cube, axis=0), extent * SIDES / 3)
    assert_close(cube.min(axis=0) + cube.max(axis=0), [1.0, 1.0, 1.0])
    # The corner that is least along each axis still is.
    assert (cube[0] == cube.min(axis=0)).all() and (cube[1] > cube[0]).tolist() == [
        True,
        False,
        False,
    ]


def test_far_and_tiny_meshes_come_back() -> None:
    for points in (BRICK + 5_648_349.0123, BRICK * 1e-9, BRICK * 1e12 - 4):
        frame = fit_frame(points)
        np.testing.assert_allclose(frame.to_mesh(frame.to_cube(points)), points, rtol=1e-15)
        assert_close(frame.lengths_to_mesh(np.array([0.9])), [np.ptp(points, axis=0).max()])


def test_a_frame_is_plain_data() -> None:
    frame = fit_frame(BRICK)
    assert Frame(**json.loads(json.dumps(dataclasses.asdict(frame)))).scale == frame.scale
    assert frame.offset == tuple(BRICK.mean(axis=0))


def test_what_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"extent is 1\.5; expected"):
        fit_frame(BRICK, extent=1.5)
    with pytest.raises(ValueError, match="extent is 0"):
        fit_frame(BRICK, extent=0)
    with pytest.raises(ValueError, match="have an extent of 0; expected"):
        fit_frame(np.ones((4, 3)))
