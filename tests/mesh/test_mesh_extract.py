"""Surfaces of functions: closed, where they should be, and the same however they are sampled."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from inr.lattice import lattice_points
from inr.mesh import Mesh, extract_surface, measure_topology, signed_volume
from inr.mesh.mesh import face_vectors
from inr.mesh.vertex_place import find_crossings
from tests.tolerance import assert_close

Function = Callable[[np.ndarray], np.ndarray]
CENTER = np.array([0.45, 0.5, 0.55])


def sphere(coords: np.ndarray) -> np.ndarray:
    return np.linalg.norm(coords - CENTER, axis=1) - 0.3


def torus(coords: np.ndarray) -> np.ndarray:
    x, y, z = (coords - 0.5).T
    return np.hypot(np.hypot(x, y) - 0.28, z) - 0.12


def brick(coords: np.ndarray) -> np.ndarray:
    """Sides 0.2, 0.4 and 0.6 along x, y and z, around (0.4, 0.5, 0.6)."""
    return (np.abs(coords - [0.4, 0.5, 0.6]) - [0.1, 0.2, 0.3]).max(axis=1)


def noise(coords: np.ndarray) -> np.ndarray:
    """A value of its own for each of 13 x 13 x 13 cells."""
    table = np.random.default_rng(3).standard_normal((13, 13, 13))
    return table[tuple((coords * 13).astype(int).T)]


def whole_noise(coords: np.ndarray) -> np.ndarray:
    """The same in whole numbers, many of which are the level itself."""
    return np.rint(noise(coords))


def test_samples_are_at_cell_centres() -> None:
    shape = (3, 4, 5)
    seen: list[np.ndarray] = []

    def watch(coords: np.ndarray) -> np.ndarray:
        seen.append(coords)
        return coords[:, 0]

    extract_surface(watch, shape, 0.5, chunk_size=7)
    coords = np.concatenate(seen)
    assert coords.dtype == np.float32 and max(map(len, seen)) == 7
    assert (coords == lattice_points(shape).numpy()).all()


def test_a_sphere_is_where_it_is() -> None:
    mesh = extract_surface(sphere, 48, 0.0, inside="below")
    radius = np.linalg.norm(mesh.vertices - CENTER, axis=1)
    # Linear interpolation across a cell errs by less than h^2 / (8 r), which is 2e-4 here.
    assert np.abs(radius - 0.3).max() < 2e-4
    outward = (face_vectors(mesh.corners) * (mesh.corners.mean(axis=1) - CENTER)).sum(axis=1)
    assert outward.min() > 0
    # Tensors are made of them, which know no strides below zero.
    assert mesh.vertices.flags.c_contiguous and mesh.faces.flags.c_contiguous
    topology = measure_topology(mesh)
    assert topology.genus == 0 and topology.bodies == 1
    assert signed_volume(mesh.corners) == pytest.approx(4 / 3 * np.pi * 0.3**3, rel=5e-3)
    area = np.linalg.norm(face_vectors(mesh.corners), axis=1).sum() / 2
    assert area == pytest.approx(4 * np.pi * 0.3**2, rel=5e-3)


def test_a_torus_has_one_handle() -> None:
    topology = measure_topology(extract_surface(torus, (20, 30, 40), 0.0, inside="below"))
    assert (topology.bodies, topology.euler, topology.genus) == (1, 0, 1)


def test_axes_are_x_y_z() -> None:
    mesh = extract_surface(brick, (30, 20, 10), 0.0, inside="below")
    assert_close(mesh.vertices.min(axis=0), [0.3, 0.3, 0.3], looser=1e6)
    assert_close(mesh.vertices.max(axis=0), [0.5, 0.7, 0.9], looser=1e6)
    assert measure_topology(mesh).genus == 0


def test_above_is_the_other_way_around() -> None:
    below = extract_surface(sphere, 20, 0.05, inside="below")
    above = extract_surface(lambda coords: -sphere(coords), 20, -0.05, inside="above")
    assert (below.vertices == above.vertices).all() and (below.faces == above.faces).all()
    occupied = extract_surface(lambda coords: sphere(coords) < 0, 20, 0.5)
    assert signed_volume(occupied.corners) == pytest.approx(4 / 3 * np.pi * 0.3**3, rel=0.1)


@pytest.mark.parametrize("function", [sphere, torus, brick, noise, whole_noise])
@pytest.mark.parametrize("shape", [13, (11, 5, 16)])
def test_a_mesh_is_closed_and_the_same_in_slabs(function: Function, shape: int) -> None:
    whole = extract_surface(function, shape, 0.0, inside="below", slab=100)
    assert measure_topology(whole).is_watertight
    assert measure_topology(whole).crowded_edges == 0
    assert signed_volume(whole.corners) > 0
    # No face has a vertex twice, and no two vertices are at one place.
    assert len(np.unique(whole.vertices, axis=0)) == len(whole.vertices)
    assert np.linalg.norm(face_vectors(whole.corners), axis=1).min() > 0
    for slab in (1, 2, 5):
        pieces = extract_surface(function, shape, 0.0, inside="below", slab=slab, chunk_size=101)
        assert (pieces.vertices == whole.vertices).all() and (pieces.faces == whole.faces).all()


def test_what_touches_the_border_is_capped_by_the_cube() -> None:
    def slope(coords: np.ndarray) -> np.ndarray:
        return coords[:, 2] - 0.4

    mesh = extract_surface(slope, (10, 12, 14), 0.0, inside="below")
    assert measure_topology(mesh).genus == 0
    assert (mesh.vertices.min(axis=0) == 0).all() and (mesh.vertices.max(axis=0)[:2] == 1).all()
    assert mesh.vertices[:, 2].max() == pytest.approx(0.4, abs=1e-6)
    # Half of a cell is cut off along the edges of the cube.
    assert 0.4 * 0.9 < signed_volume(mesh.corners) < 0.4
    full = extract_surface(lambda coords: np.ones(len(coords)), 3, 0.5)
    assert measure_topology(full).genus == 0 and (np.ptp(full.vertices, axis=0) == 1).all()
    assert measure_topology(extract_surface(lambda coords: np.ones(len(coords)), 1, 0.5)).genus == 0


def test_tensors_and_columns_are_values_too() -> None:
    expected = extract_surface(lambda coords: sphere(coords).astype(np.float32), 12, 0.0)

    def field(coords: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(sphere(coords).astype(np.float32)).requires_grad_()[:, None]

    mesh = extract_surface(field, 12, 0.0)
    assert (mesh.vertices == expected.vertices).all()


def steep(coords: np.ndarray) -> np.ndarray:
    """A sphere's log odds, as of a field that is sure of its labels: bent within a cell."""
    return 30 * np.tanh(40 * sphere(coords)) + 3 * sphere(coords)


def test_vertices_of_a_steep_function_are_moved_onto_its_surface() -> None:
    rough = extract_surface(steep, 16, 0.0, inside="below")
    mesh = extract_surface(steep, 16, 0.0, inside="below", refine=steep)
    errors = [np.abs(sphere(found.vertices)) for found in (rough, mesh)]
    assert errors[0].max() > 3e-3
    assert errors[1].max() < 1e-4 and np.median(errors[1]) < 1e-6
    assert (mesh.faces == rough.faces).all() and measure_topology(mesh).genus == 0
    slabs = extract_surface(steep, 16, 0.0, inside="below", refine=steep, slab=3, chunk_size=77)
    assert (slabs.vertices == mesh.vertices).all()


def test_a_refined_surface_is_capped_by_the_cube_too() -> None:
    def full(coords: np.ndarray) -> np.ndarray:
        return np.ones(len(coords))

    mesh = extract_surface(full, 3, 0.5, refine=full)
    assert (mesh.vertices == extract_surface(full, 3, 0.5).vertices).all()


def test_crossings_are_those_of_the_function() -> None:
    """Of cubes less a number, whose roots are known, from either side."""
    roots = np.linspace(0.2, 0.9, 15)
    for sign in (1, -1):
        expected, taken = sign * roots**3, 0

        def evaluate(share: np.ndarray) -> np.ndarray:
            nonlocal taken
            taken += 1
            return sign * share**3 - expected  # noqa: B023

        ends = -expected, sign - expected
        errors = [
            np.abs(find_crossings(evaluate, *ends, steps) - roots).max() for steps in (0, 5, 12)
        ]
        assert errors[0] > 0.3 and errors[1] < 0.05 and errors[2] < 1e-9
        assert taken == 17


def test_float32_precision_is_enough_at_fine_resolution() -> None:
    """Rounding must not hide on which line of the lattice a vertex lies."""

    def plane(coords: np.ndarray) -> np.ndarray:
        return coords[:, 2] - (1000.5 + 3e-6) / 2000

    mesh = extract_surface(plane, (2000, 2, 2), 0.0, inside="below")
    assert measure_topology(mesh).genus == 0


@pytest.mark.parametrize(
    ("function", "match"),
    [
        (lambda coords: np.zeros(len(coords)) - 1, r"no surface at 0: .* -1 to -1; expected"),
        (lambda coords: np.full(len(coords), np.nan), "NaN or infinite.*; expected"),
        (lambda coords: np.zeros((len(coords), 3)), r"shape \(64, 3\) for 64 points; expected"),
    ],
)
def test_what_has_no_surface_is_rejected(function: Function, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        extract_surface(function, 4, 0.0)


def test_the_level_itself_is_outside() -> None:
    def touches(coords: np.ndarray) -> np.ndarray:
        return np.where(np.linalg.norm(coords - 0.5, axis=1) < 0.2, 0.0, 1.0)

    with pytest.raises(ValueError, match="values run from 0 to 1"):
        extract_surface(touches, 5, 0.0, inside="below")
    with pytest.raises(ValueError, match="values run from -1 to -0"):
        extract_surface(lambda coords: -touches(coords), 5, 0.0, inside="above")


def test_options_are_checked() -> None:
    for options, match in (
        ({"shape": (4, 4)}, r"\[D, H, W\]"),
        ({"shape": 0}, "shape is 0"),
        ({"shape": 4, "inside": "left"}, "above, below"),
        ({"shape": 4, "slab": 0}, "slab is 0"),
        ({"shape": 4, "chunk_size": 0}, "chunk_size is 0"),
    ):
        with pytest.raises(ValueError, match=match):
            extract_surface(sphere, level=0.0, **options)  # type: ignore[arg-type]


def test_a_mesh_of_its_own_labels_comes_back() -> None:
    pytest.importorskip("igl")
    from inr.mesh import Solid
    from tests.mesh.conftest import make_sphere

    ball = make_sphere(16, radius=0.35)
    ball = Mesh(ball.vertices * [1, 0.8, 0.6] + 0.5, ball.faces)
    solid = Solid(ball)
    mesh = extract_surface(solid.signed_distance, 24, 0.0, inside="below")
    assert np.abs(solid.signed_distance(mesh.vertices)).max() < 0.004
    assert signed_volume(mesh.corners) == pytest.approx(signed_volume(ball.corners), rel=0.02)
