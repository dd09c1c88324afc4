"""A surface stands in the world where the volume has it."""

import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inr.field.file import FieldDescription
from inr.mesh import Mesh, read_mesh, signed_volume
from inr.raster import PixelFormat
from inr.signal import write_level_set
from inr.signal.volume import VolumeFormat
from inr.signal.volume.volume_format import Container, to_rows

LATTICE = (12, 20, 30)
CENTRE = np.array([0.55, 0.45, 0.5])
RADII = np.array([0.4, 0.3, 0.2])
# To millimetres, from voxel numbers along x, y and z: turned, stretched and moved.
TURN = np.array([[0, -2, 0.5], [1.5, 0, 0], [0, 0.25, 3]])
SHIFT = np.array([5, -7, 11])


class Ellipsoid(nn.Module):
    """1 in the middle, 1/2 on an ellipsoid in the unit cube, less outside."""

    def forward(self, coords: Tensor) -> Tensor:
        centre, radii = torch.from_numpy(CENTRE), torch.from_numpy(RADII)
        distance = ((coords - centre.to(coords)) / radii.to(coords)).norm(dim=-1, keepdim=True)
        return 1 - distance / 2


def describe(
    container: Container, low: float = 0, high: float = 100, lower: float = 0, upper: float = 1
) -> FieldDescription:
    form = VolumeFormat(PixelFormat("int16", 16, low, high, (lower, upper)), container)
    return FieldDescription("volume", 3, 1, LATTICE, asdict(form))


def write(container: Container, level: float | None = None, **options: float) -> Mesh:
    path = Path("out.ply")
    write_level_set(path, Ellipsoid(), describe(container, **options), (48, 48, 48), level)
    return read_mesh(path)


def in_cube(voxels: np.ndarray) -> np.ndarray:
    """Coordinates of voxel numbers (x, y, z)."""
    return (voxels + 0.5) / np.array(LATTICE[::-1])


def distance_of(points: np.ndarray) -> np.ndarray:
    """From the centre, in radii."""
    return np.linalg.norm((points - CENTRE) / RADII, axis=1)


# A cell is 1/48, and the surface's curvature is 1/0.2 at most.
STRAIGHT = 0.005


def test_vertices_are_voxel_numbers_where_the_volume_says_no_more() -> None:
    mesh = write(Container(".npz"))
    assert np.abs(distance_of(in_cube(mesh.vertices)) - 1).max() < STRAIGHT
    volume = 4 / 3 * np.pi * np.prod(RADII * LATTICE[::-1])
    assert signed_volume(mesh.corners) == pytest.approx(volume, rel=0.01)


def test_vertices_are_lengths_where_it_has_a_spacing() -> None:
    spacing = (0.5, 2.0, 3.0)
    mesh = write(Container(".tiff", spacing=spacing))
    assert np.abs(distance_of(in_cube(mesh.vertices / spacing)) - 1).max() < STRAIGHT
    extent = np.ptp(mesh.vertices, axis=0)
    assert extent == pytest.approx(2 * RADII * LATTICE[::-1] * np.array(spacing), rel=0.01)


@pytest.mark.parametrize("mirror", [False, True])
def test_vertices_are_in_the_world_with_the_outside_out(mirror: bool) -> None:
    turn = TURN @ np.diag([-1, 1, 1]) if mirror else TURN
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn, SHIFT
    # A spacing says less than an affine, which wins.
    mesh = write(Container(".nii.gz", affine=to_rows(affine), spacing=(9.0, 9.0, 9.0)))
    voxels = (mesh.vertices - SHIFT) @ np.linalg.inv(turn).T
    assert np.abs(distance_of(in_cube(voxels)) - 1).max() < STRAIGHT
    volume = 4 / 3 * np.pi * np.prod(RADII * LATTICE[::-1]) * abs(np.linalg.det(turn))
    assert signed_volume(mesh.corners) == pytest.approx(volume, rel=0.01)


@pytest.mark.parametrize(
    ("options", "scaling", "level", "radius"),
    [
        ({"low": 0, "high": 100}, (1, 0), None, 1),
        ({"low": 0, "high": 100}, (1, 0), 70, 0.6),
        ({"low": -50, "high": 150}, (1, 0), 70, 0.8),
        ({"low": 0, "high": 100, "lower": -1, "upper": 1}, (1, 0), 90, 0.4),
        # Stored 0 to 100 is -1000 to 1000 to whoever looks at it.
        ({"low": 0, "high": 100}, (20, -1000), 400, 0.6),
        ({"low": 0, "high": 100}, (20, -1000), None, 1),
    ],
)
def test_a_level_is_in_the_units_of_the_volume(
    options: dict[str, float], scaling: tuple[float, float], level: float, radius: float
) -> None:
    container = Container(".npz", slope=scaling[0], intercept=scaling[1])
    mesh = write(container, level, **options)
    inner = distance_of(in_cube(mesh.vertices))
    # What is cut off at the cube's faces is no part of the ellipsoid.
    on_faces = (np.abs(in_cube(mesh.vertices) - 0.5) > 0.499).any(1)
    assert np.abs(inner[~on_faces] - radius).max() < 2 * STRAIGHT
    assert signed_volume(mesh.corners) > 0


def test_a_level_that_is_nowhere_is_rejected_in_the_units_of_the_volume() -> None:
    with pytest.raises(ValueError, match=r"no surface at 3000: its values run from .* to 9\d\d\."):
        write(Container(".npz", slope=20, intercept=-1000), 3000)


def test_another_suffix_is_rejected_before_anything_is_evaluated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Ellipsoid, "forward", lambda *_: pytest.fail("evaluated"))
    with pytest.raises(ValueError, match=r"'.txt'; expected .ply, .obj, .stl, .off, .glb"):
        write_level_set(Path("a.txt"), Ellipsoid(), describe(Container(".npz")), (8, 8, 8), None)


def test_a_shape_stands_in_the_frame_of_its_mesh() -> None:
    form = {"target": "occupancy", "offset": [-3.0, 1.0, 2.0], "scale": 4.0}
    description = replace(describe(Container(".npz")), kind="shape", format=form)
    write_level_set(
        Path("out.ply"), Ellipsoid(), description, (48, 48, 48), 1 / (1 + math.exp(-0.5))
    )
    vertices = read_mesh("out.ply").vertices
    from inr.mesh import Frame

    cube = Frame((-3.0, 1.0, 2.0), 4.0).to_mesh(CENTRE[None])[0]
    assert (vertices.max(0) + vertices.min(0)) / 2 == pytest.approx(cube, abs=0.02)
    ratio = np.ptp(vertices, axis=0) / RADII
    assert ratio == pytest.approx(ratio[0], rel=0.01)
