"""Shapes: labels, frames and what is rejected, on meshes whose inside is known."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from inr.lattice import lattice_points
from inr.mesh import Mesh, extract_surface, write_mesh
from inr.signal import ShapeSignal
from inr.testing import check_signal
from tests.tolerance import assert_close

# Of the ellipsoid's own frame: no two axes are alike.
RADII = np.array([30.0, 20.0, 10.0])
CENTRE = np.array([100.0, -50.0, 7.0])


def make_ellipsoid(cells: int = 40) -> Mesh:
    ball = extract_surface(lambda points: 0.45 - np.linalg.norm(points - 0.5, axis=1), cells, 0.0)
    return Mesh((ball.vertices - 0.5) / 0.45 * RADII + CENTRE, ball.faces)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("mesh") / "ellipsoid.ply"
    write_mesh(file, make_ellipsoid())
    return file


def is_inside(points: np.ndarray) -> np.ndarray:
    """Of the ellipsoid in the cube: its longest side is 0.9 long."""
    own = (points - 0.5) / 0.9 * 60
    return ((own / RADII) ** 2).sum(axis=1) < 1


@pytest.mark.parametrize("target", ["occupancy", "distance"])
def test_the_contract_is_kept(path: Path, target: str) -> None:
    check_signal(ShapeSignal(path=path, target=target, lattice_size=7))


def test_occupancy_is_one_inside_in_the_right_axes(path: Path) -> None:
    signal = ShapeSignal(path=path, lattice_size=9)
    points = np.random.default_rng(0).random((4000, 3))
    wrong = signal.label(points)[:, 0] != is_inside(points)
    # The mesh is inside of the ellipsoid that it stands for, by a little.
    assert wrong.mean() < 0.005
    coords = lattice_points((9, 9, 9)).double().numpy()
    assert np.array_equal(signal.targets().numpy()[:, 0], signal.label(coords)[:, 0])
    index = torch.tensor([5, 400, 77])
    assert torch.equal(signal.targets(index), signal.targets()[index])
    # Alone, before all are known.
    assert torch.equal(
        ShapeSignal(path=path, lattice_size=9).targets(index), signal.targets()[index]
    )


def test_distance_is_signed_and_in_edges_of_the_cube(path: Path) -> None:
    signal = ShapeSignal(path=path, target="distance")
    step = 0.05
    ends = np.array([[0.95 + step, 0.5, 0.5], [0.5, 0.8 + step, 0.5], [0.5, 0.5, 0.65 + step]])
    assert_close(signal.label(ends)[:, 0], np.full(3, step), looser=1e11)  # a mesh of 40 cells
    # The middle is nearest to the short axis' ends.
    assert abs(signal.label(np.full((1, 3), 0.5))[0, 0] + 0.15) < 1e-3
    assert signal.value_range[0] < signal.label(np.full((1, 3), 0.5)).item() < 0


def test_the_frame_leads_back(path: Path) -> None:
    signal = ShapeSignal(path=path, extent=0.5)
    low, high = signal.mesh.vertices.min(0), signal.mesh.vertices.max(0)
    assert_close((high - low).max(), 0.5)
    assert_close((high + low) / 2, np.full(3, 0.5))
    own = signal.frame.to_mesh(signal.mesh.vertices)
    assert_close(own.min(0), CENTRE - RADII, looser=1e8)  # the file has float32
    assert_close(own.max(0), CENTRE + RADII, looser=1e8)


def test_outputs_are_read_as_log_odds_or_distances(path: Path) -> None:
    outputs = torch.tensor([[-2.0], [3.0]])
    occupancy = ShapeSignal(path=path)
    distance = ShapeSignal(path=path, target="distance")
    assert_close(occupancy.read(outputs), 1 / (1 + torch.exp(-outputs)))
    assert torch.equal(distance.read(outputs), outputs)
    assert occupancy.is_inside(outputs).flatten().tolist() == [False, True]
    assert distance.is_inside(outputs).flatten().tolist() == [True, False]
    assert (occupancy.target_kind, distance.target_kind) == ("labels", "values")


def test_points_near_the_surface_are_near_it_and_labelled(path: Path) -> None:
    signal = ShapeSignal(path=path, target="distance")
    coords, values, _ = signal.near_surface(2000, seed=1)[:3]
    assert values.abs().mean() < 0.02
    # Noise of 0.01 along each axis: 0.01 across a flat surface.
    assert 0.008 < values.std() < 0.012
    assert_close(values, signal.label(coords.double().numpy()).astype(np.float32), looser=100)
    assert torch.equal(coords, signal.near_surface(2000, seed=1).coords)
    assert not torch.equal(coords, signal.near_surface(2000, seed=2).coords)


def test_points_in_the_box_are_in_the_box(path: Path) -> None:
    signal = ShapeSignal(path=path)
    points = signal.draw_uniform(5000, np.random.default_rng(0), in_box=True)
    low, high = points.min(0), points.max(0)
    assert np.abs(low - [0.05, 0.2, 0.35]).max() < 0.01
    assert np.abs(high - [0.95, 0.8, 0.65]).max() < 0.01


def test_faces_inside_out_are_turned_with_a_warning(tmp_path: Path) -> None:
    mesh = make_ellipsoid()
    write_mesh(tmp_path / "a.ply", Mesh(mesh.vertices, mesh.faces[:, ::-1]))
    with pytest.warns(UserWarning, match="inside out"):
        signal = ShapeSignal(path=tmp_path / "a.ply")
    assert signal.label(np.array([[0.5, 0.5, 0.5], [0.01, 0.01, 0.01]])).tolist() == [[1], [0]]


def test_an_open_mesh_is_fitted_with_a_warning(tmp_path: Path) -> None:
    mesh = make_ellipsoid()
    top = mesh.vertices[mesh.faces][:, :, 2].mean(axis=1) > CENTRE[2] + 8
    write_mesh(tmp_path / "open.ply", Mesh(mesh.vertices, mesh.faces[~top]))
    with pytest.warns(UserWarning, match="it is open"):
        signal = ShapeSignal(path=tmp_path / "open.ply")
    assert signal.label(np.array([[0.5, 0.5, 0.5], [0.5, 0.5, 0.9]])).tolist() == [[1], [0]]


def test_what_encloses_nothing_is_rejected(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    soup = Mesh(random.random((300, 3)), np.arange(300).reshape(-1, 3))
    write_mesh(tmp_path / "soup.ply", soup)
    with (
        warnings.catch_warnings(action="ignore"),
        pytest.raises(ValueError, match="encloses nothing"),
    ):
        ShapeSignal(path=tmp_path / "soup.ply")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "colour"}, "expected one of occupancy, distance"),
        ({"extent": 1.5}, "at most 1"),
        ({"resolution": 1}, "resolution is 1"),
        ({"lattice_size": 0}, "lattice_size is 0"),
    ],
)
def test_bad_options_are_rejected(path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ShapeSignal(path=path, **options)  # type: ignore[arg-type]
