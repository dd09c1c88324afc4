"""Point clouds: how far a field and its mesh are from the points."""

from pathlib import Path

import numpy as np
import pytest
import torch

from inr.batch import SurfaceBatch
from inr.field.rendering import render
from inr.mesh import write_points
from inr.signal import KINDS, PicturePreview, PointCloudSignal
from tests.signal.point_cloud.test_signal import draw_cloud
from tests.signal.shape.test_display import Ellipsoid

CLOUDS = KINDS["point_cloud"].display


@pytest.fixture(scope="module", params=[True, False])
def signal(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> PointCloudSignal:
    path = tmp_path_factory.mktemp("cloud") / "cloud.ply"
    write_points(path, draw_cloud(4000))
    return PointCloudSignal(path=path, normals=request.param, lattice_size=24, resolution=48)


def test_the_error_is_the_value_on_the_points(signal: PointCloudSignal) -> None:
    none = torch.empty(0)
    assert CLOUDS.measure(Ellipsoid("distance"), signal, none)["surface_error"] < 2e-3
    grown = CLOUDS.measure(Ellipsoid("distance", 1.25), signal, none)
    assert abs(grown["surface_error"] - 0.25) < 2e-3


def test_of_a_batch_only_points_of_the_cloud_count(signal: PointCloudSignal) -> None:
    coords = torch.cat([signal.points[:2], torch.full((2, 3), 0.5)])
    values = torch.tensor([[1.0], [1.0], [0.0], [0.0]])
    batch = SurfaceBatch(coords, values, None, torch.zeros(4, 3))
    found = CLOUDS.measure_batch(Ellipsoid("distance", 1.25), signal, batch)
    # The cloud's box is not quite the ellipsoid's.
    assert abs(found["surface_error"] - 0.25) < 2e-3


def test_the_mesh_is_compared_with_the_points(signal: PointCloudSignal, tmp_path: Path) -> None:
    path = tmp_path / "out.ply"
    CLOUDS.write(path, Ellipsoid("distance"), CLOUDS.describe(signal))
    found = CLOUDS.measure_result(path, signal)
    assert found["watertight"] == 1
    assert found["chamfer"] < 1  # points are half a unit apart
    assert (found.get("normal_consistency", 0) > 0.95) == signal.has_normals


def test_points_and_reconstruction_are_shown(signal: PointCloudSignal) -> None:
    field = Ellipsoid("distance")
    rendering = render(field, signal.lattice)
    (picture,) = CLOUDS.show(field, signal, rendering, error_scale=0.1, max_pixels=10**6)
    assert isinstance(picture, PicturePreview)
    points, surface = np.split(picture.pixels.astype(float), 2, axis=1)
    covered = [(part < 255).any(axis=-1) for part in (points, surface)]
    # There are gaps between the points.
    assert (covered[0] & covered[1]).sum() > 0.95 * covered[0].sum()
    assert covered[0].sum() > 0.6 * covered[1].sum()
