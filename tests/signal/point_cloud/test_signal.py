"""Point clouds: frames, normals, and points of a mesh."""

from pathlib import Path

import numpy as np
import pytest
import torch

from inr.mesh import PointCloud, write_mesh, write_points
from inr.signal import PointCloudSignal
from inr.testing import check_signal
from tests.signal.shape.test_signal import CENTRE, RADII, make_ellipsoid
from tests.tolerance import assert_close


def draw_cloud(count: int) -> PointCloud:
    directions = np.random.default_rng(0).standard_normal((count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    normals = directions / RADII
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return PointCloud(CENTRE + RADII * directions, normals)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_points(tmp_path / "cloud.ply", draw_cloud(500))
    return tmp_path / "cloud.ply"


def test_the_contract_is_kept(path: Path) -> None:
    check_signal(PointCloudSignal(path=path, lattice_size=5))


def test_points_come_to_the_cube_and_back(path: Path) -> None:
    signal, cloud = PointCloudSignal(path=path), draw_cloud(500)
    low, high = signal.points.min(0).values, signal.points.max(0).values
    assert_close((high - low).max(), 0.9, looser=10)
    back = signal.frame.to_mesh(signal.points.double().numpy())
    assert_close(back, cloud.points, looser=1e10)  # points are float32
    assert_close(signal.normals, cloud.normals, looser=1e9)
    assert signal.has_normals
    assert signal.target == "distance"


def test_normals_can_be_left_out(path: Path) -> None:
    signal = PointCloudSignal(path=path, normals=False)
    assert not signal.has_normals
    assert not signal.normals.any()


def test_nothing_is_known_off_the_surface(path: Path) -> None:
    signal = PointCloudSignal(path=path)
    assert signal.targets() is None
    coords, values, _ = signal.near_surface(100, seed=0)[:3]
    assert coords.shape == (100, 3)
    assert not values.any()
    known = {tuple(point) for point in signal.points.tolist()}
    assert {tuple(point) for point in coords.tolist()} <= known
    assert len(signal.near_surface(9999, seed=0).coords) == 500
    assert not torch.equal(coords, signal.near_surface(100, seed=1).coords)


def test_points_are_drawn_on_a_mesh(tmp_path: Path) -> None:
    write_mesh(tmp_path / "mesh.obj", make_ellipsoid())
    signal = PointCloudSignal(path=tmp_path / "mesh.obj", seed=3)
    own = signal.frame.to_mesh(signal.points.double().numpy())
    assert len(own) == 100_000
    radius = np.linalg.norm((own - CENTRE) / RADII, axis=1)
    assert np.abs(radius - 1).max() < 0.02
    outward = ((own - CENTRE) / RADII**2 * signal.normals.numpy()).sum(axis=1)
    assert (outward > 0).all()
    other = PointCloudSignal(path=tmp_path / "mesh.obj", seed=4)
    assert not torch.equal(signal.points, other.points)
