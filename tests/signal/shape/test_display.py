"""Shapes: overlap, the mesh that is written, and what is shown, of fields in closed form."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inr.batch import Batch
from inr.field.rendering import render
from inr.mesh import read_mesh, write_mesh
from inr.signal import (
    KINDS,
    MeshPreview,
    PicturePreview,
    ShapeSignal,
)
from inr.signal.shape.display import ShapeDisplay
from tests.signal.shape.test_signal import CENTRE, RADII, make_ellipsoid
from tests.tolerance import assert_close


class Ellipsoid(nn.Module):
    """Log odds or, near the surface, distances of the ellipsoid, grown by a factor."""

    def __init__(self, target: str, growth: float = 1.0) -> None:
        super().__init__()
        self.sign = 1.0 if target == "occupancy" else -1.0
        self.growth = growth

    def forward(self, coords: Tensor) -> Tensor:
        own = (coords - 0.5) / 0.9 * 60 / torch.from_numpy(RADII).to(coords)
        return self.sign * (self.growth - own.norm(dim=-1, keepdim=True))


@pytest.fixture(scope="module", params=["occupancy", "distance"])
def signal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ShapeSignal:
    path = tmp_path_factory.mktemp("mesh") / "ellipsoid.ply"
    write_mesh(path, make_ellipsoid())
    return ShapeSignal(path=path, target=request.param, lattice_size=24, resolution=48)


def measure(field: nn.Module, signal: ShapeSignal, **options: Any) -> dict[str, float]:
    return ShapeDisplay().measure(field, signal, torch.empty(0), **options)


def test_the_right_field_overlaps_wholly(signal: ShapeSignal) -> None:
    found = measure(Ellipsoid(signal.target), signal)
    assert found["iou"] > 0.99
    # At 0.01 from the surface of a mesh of 40 cells.
    assert found["near_iou"] > 0.93


@pytest.mark.parametrize("growth", [0.8, 1.1])
def test_overlap_is_the_ratio_of_volumes(signal: ShapeSignal, growth: float) -> None:
    found = measure(Ellipsoid(signal.target, growth), signal, thorough=True)
    # The mesh's box cuts off what is beyond it, and holds 6 / π of the ellipsoid.
    if growth < 1:
        assert abs(found["iou"] - growth**3) < 0.01
    else:
        assert 1 / growth**3 < found["iou"] < 0.9


def test_a_batch_is_measured_by_its_own_truth(signal: ShapeSignal) -> None:
    coords = torch.tensor([[0.5, 0.5, 0.5], [0.9, 0.5, 0.5], [0.5, 0.5, 0.9], [0.01, 0.01, 0.01]])
    truth = torch.tensor([[1.0], [0.0], [1.0], [0.0]])
    values = truth if signal.target == "occupancy" else 0.5 - truth
    found = ShapeDisplay().measure_batch(Ellipsoid(signal.target), signal, Batch(coords, values))
    # Of the field: inside, inside, outside, outside.
    assert_close(found["iou"], 1 / 3)


def test_the_mesh_is_written_in_its_own_frame(signal: ShapeSignal, tmp_path: Path) -> None:
    display = KINDS["shape"].display
    description = display.describe(signal)
    path = tmp_path / "out.ply"
    display.write(path, Ellipsoid(signal.target), description)
    mesh = read_mesh(path)
    assert np.abs(mesh.vertices.min(0) - (CENTRE - RADII)).max() < 0.6  # a percent of the length
    assert np.abs(mesh.vertices.max(0) - (CENTRE + RADII)).max() < 0.6
    found = display.measure_result(path, signal)
    assert found["watertight"] == 1
    assert found["genus"] == 0
    assert found["normal_consistency"] > 0.98
    # A cell is 1.4 long.
    assert found["chamfer"] < 0.5
    grown = tmp_path / "grown.ply"
    display.write(grown, Ellipsoid(signal.target, 1.2), description, size=(30, 30, 30))
    assert display.measure_result(grown, signal)["chamfer"] > 2


def test_more_is_written_at_a_higher_resolution(signal: ShapeSignal, tmp_path: Path) -> None:
    display = KINDS["shape"].display
    faces = []
    for size in ((20, 20, 20), (40, 40, 40)):
        display.write(
            tmp_path / "out.obj", Ellipsoid(signal.target), display.describe(signal), size=size
        )
        faces.append(len(read_mesh(tmp_path / "out.obj").faces))
    assert 3.5 < faces[1] / faces[0] < 4.5


def test_a_field_without_a_surface_writes_nothing(signal: ShapeSignal, tmp_path: Path) -> None:
    display = KINDS["shape"].display
    with pytest.raises(ValueError, match="no surface"):
        display.write(
            tmp_path / "out.ply", Ellipsoid(signal.target, -9.0), display.describe(signal)
        )
    assert not (tmp_path / "out.ply").exists()


def test_target_and_reconstruction_are_shown(signal: ShapeSignal) -> None:
    field, options = Ellipsoid(signal.target), {"error_scale": 0.1, "max_pixels": 10**6}
    rendering = signal.read(render(field, signal.lattice))
    picture, solid = KINDS["shape"].display.show(field, signal, rendering, thorough=True, **options)
    assert isinstance(picture, PicturePreview) and isinstance(solid, MeshPreview)
    target, found = np.split(picture.pixels.astype(float), 2, axis=1)
    assert target.std() > 20
    assert np.abs(target - found).mean() < 5
    nothing = signal.read(render(Ellipsoid(signal.target, -9.0), signal.lattice))
    (early,) = KINDS["shape"].display.show(field, signal, nothing, **options)
    assert isinstance(early, PicturePreview)
    assert (np.split(early.pixels, 2, axis=1)[1] == 255).all()
