"""Points of a cloud and points anywhere."""

from pathlib import Path

import pytest
import torch

from inr.mesh import write_points
from inr.sampler import PointCloudSampler
from inr.signal import PointCloudSignal
from tests.signal.point_cloud.test_signal import draw_cloud


@pytest.fixture(scope="module")
def signal(tmp_path_factory: pytest.TempPathFactory) -> PointCloudSignal:
    path: Path = tmp_path_factory.mktemp("cloud") / "cloud.ply"
    write_points(path, draw_cloud(300))
    return PointCloudSignal(path=path)


def test_a_draw_is_a_function_of_the_seed_and_its_number(signal: PointCloudSignal) -> None:
    expected = [PointCloudSampler(batch_size=9, seed=3).draw(signal, n) for n in range(4)]
    sampler = PointCloudSampler(batch_size=9, seed=3)
    for number in (2, 0, 3):
        drawn = sampler.draw(signal, number)
        assert all(
            torch.equal(a, b)
            for a, b in zip(drawn, expected[number], strict=True)
            if a is not None and b is not None
        )
    assert not torch.equal(expected[0].coords, expected[1].coords)
    other = PointCloudSampler(batch_size=9, seed=4).draw(signal, 0)
    assert not torch.equal(other.coords, expected[0].coords)


@pytest.mark.parametrize("batch_size", [2, 9, 1000])
def test_half_of_any_part_is_of_the_cloud(signal: PointCloudSignal, batch_size: int) -> None:
    batch = PointCloudSampler(batch_size=batch_size).draw(signal, 0)
    assert len(batch.coords) == batch_size
    on_surface = batch.values[:, 0] > 0
    assert on_surface.sum() == batch_size // 2
    assert on_surface[:4].tolist() == [True, False, True, False][:batch_size]
    normals = {
        tuple(point): tuple(normal)
        for point, normal in zip(signal.points.tolist(), signal.normals.tolist(), strict=True)
    }
    for point, normal in zip(
        batch.coords[on_surface].tolist(), batch.normals[on_surface].tolist(), strict=True
    ):
        assert normals[tuple(point)] == tuple(normal)
    assert not batch.normals[~on_surface].any()
    free = batch.coords[~on_surface]
    assert ((free >= 0) & (free <= 1)).all()
    if batch_size == 1000:
        assert abs(free.mean() - 0.5) < 0.05
