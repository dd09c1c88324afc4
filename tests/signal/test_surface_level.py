"""Which level set is a surface, against spheres whose distances are known."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inr.signal import KINDS
from inr.signal._surface_extraction import extract_field
from inr.signal.point_cloud.display import cube_faces

RADIUS = 0.25
# Four units of the mesh to an edge of the cube.
FORM: dict[str, Any] = {"target": "distance", "offset": [0.0, 0.0, 0.0], "scale": 0.25}


class Sphere(nn.Module):
    """Its signed distance, times a factor."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, coords: Tensor) -> Tensor:
        return self.factor * ((coords - 0.5).norm(dim=-1, keepdim=True) - RADIUS)


def radius_of(field: nn.Module, kind: str, form: dict[str, Any], level: float | None) -> float:
    mesh = extract_field(field, (24, 24, 24), *KINDS[kind].display.find_level(field, form, level))
    centre = mesh.corners.mean(axis=1) - 0.5
    normals = np.cross(*np.diff(mesh.corners, axis=1).swapaxes(0, 1))
    assert (np.einsum("ij,ij->i", centre, normals) > 0).all()
    return float(np.linalg.norm(mesh.vertices - 0.5, axis=1).mean())


@pytest.mark.parametrize("level", [None, 0.2, -0.3])
@pytest.mark.parametrize(
    ("kind", "factor"), [("shape", 1.0), ("point_cloud", 2.0), ("point_cloud", -2.0)]
)
def test_a_distance_is_in_the_units_of_what_was_fitted(
    kind: str, factor: float, level: float | None
) -> None:
    """Also of points that left it open which side is outside."""
    expected = RADIUS + (level or 0) * FORM["scale"]
    assert radius_of(Sphere(factor), kind, FORM, level) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("odds", [None, 0.3, 0.9])
def test_an_occupancy_has_the_level_of_a_probability(odds: float | None) -> None:
    form = FORM | {"target": "occupancy"}
    logit = 0.0 if odds is None else math.log(odds / (1 - odds))
    expected = RADIUS - logit / 20
    assert radius_of(Sphere(-20), "shape", form, odds) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("odds", [0.0, 1.0, 30.0])
def test_what_is_no_probability_is_rejected(odds: float) -> None:
    with pytest.raises(ValueError, match=f"level is {odds:g}; expected a probability"):
        KINDS["shape"].display.find_level(Sphere(-1), FORM | {"target": "occupancy"}, odds)


def test_faces_are_all_of_the_cube() -> None:
    points = cube_faces()
    on_face = (points == 0) | (points == 1)
    assert torch.equal(on_face.sum(1), torch.ones(len(points), dtype=torch.int64))
    for axis in range(3):
        for end in (0, 1):
            face = points[points[:, axis] == end].numpy()
            others = np.delete(face, axis, axis=1)
            assert len(np.unique(others, axis=0)) == 256 and np.allclose(others.mean(axis=0), 0.5)
