"""Lattices of cell centres, by hand and by brute force."""

import itertools
import math

import pytest
import torch

from inr.lattice import lattice_points, sublattice
from tests.tolerance import assert_close


def test_points_of_an_image_are_cell_centres_with_x_along_the_width() -> None:
    sixth = 1 / 6
    expected = [
        [sixth, 0.25], [0.5, 0.25], [5 * sixth, 0.25],
        [sixth, 0.75], [0.5, 0.75], [5 * sixth, 0.75],
    ]  # fmt: skip
    assert_close(lattice_points((2, 3)), expected)


def test_points_of_a_volume_are_in_c_order_with_z_along_the_first_axis() -> None:
    shape = (2, 3, 5)
    expected = [
        [(k + 0.5) / 5, (j + 0.5) / 3, (i + 0.5) / 2]
        for i, j, k in itertools.product(*map(range, shape))
    ]
    points = lattice_points(shape, dtype=torch.float64)
    assert_close(points, expected)
    assert_close(points[15], [0.1, 1 / 6, 0.75])


def test_an_index_picks_flat_positions() -> None:
    index = torch.tensor([7, 0, 29, 7])
    picked = lattice_points((2, 3, 5), index)
    assert torch.equal(picked, lattice_points((2, 3, 5))[index])


def test_a_region_maps_its_corners_axis_by_axis() -> None:
    region = ((0.5, 0.0), (1.0, 0.2))
    expected = [
        [0.5 + 0.5 / 6, 0.05], [0.75, 0.05], [1 - 0.5 / 6, 0.05],
        [0.5 + 0.5 / 6, 0.15], [0.75, 0.15], [1 - 0.5 / 6, 0.15],
    ]  # fmt: skip
    assert_close(lattice_points((2, 3), region=region), expected)


def test_a_region_of_whole_cells_has_the_centres_of_those_cells() -> None:
    whole = lattice_points((6, 8), dtype=torch.float64).reshape(6, 8, 2)
    region = ((2 / 8, 3 / 6), (5 / 8, 5 / 6))
    part = lattice_points((2, 3), region=region, dtype=torch.float64)
    assert_close(part.reshape(2, 3, 2), whole[3:5, 2:5])


def test_points_of_a_large_lattice_stay_apart_in_float32() -> None:
    points = lattice_points((1, 16_384))
    assert_close(points[:, 0].diff() * 16_384, torch.ones(16_383))


@pytest.mark.parametrize("count", [2**22, 2**23, 2**23 + 5, 12_345_678, 16_000_000])
def test_neighbours_on_a_long_axis_are_told_apart_in_float32(count: int) -> None:
    for first in (0, count // 2, count - 1000):
        points = lattice_points((count,), torch.arange(first, first + 1000))[:, 0]
        assert (points.diff() > 0).all() and points[-1] < 1


SHAPES = [(1,), (9,), (7, 13), (13, 7), (1, 10_000), (10_000, 1), (512, 512), (3, 100, 100),
          (1, 100, 100), (100, 1, 100), (4, 5, 6), (2, 2, 1000)]  # fmt: skip


@pytest.mark.parametrize("num_points", [1, 2, 10, 64, 1000, 10**7])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_sublattice_is_regular_and_within_its_bounds(
    shape: tuple[int, ...], num_points: int
) -> None:
    index, counts = sublattice(shape, num_points)
    assert len(index) == math.prod(counts)
    assert 1 <= len(index) <= num_points
    assert (index.diff() > 0).all()
    assert index[0] >= 0 and index[-1] < math.prod(shape)
    axes = [cells.unique() for cells in torch.unravel_index(index, shape)]
    grid = torch.cartesian_prod(*axes).reshape(-1, len(shape))
    assert torch.equal(torch.stack(torch.unravel_index(index, shape), dim=1), grid)
    for n, count, cells in zip(shape, counts, axes, strict=True):
        assert len(cells) == count
        steps = cells.diff()
        assert len(steps) == 0 or steps.max() == steps.min()
        # No room for another cell on either side.
        assert len(steps) == 0 or (len(cells) + 1) * steps[0] > n
        # The same gap before the first cell as after the last, up to the rounding of both.
        assert abs(cells[0] - (n - 1 - cells[-1])) <= 1


@pytest.mark.parametrize("num_points", [10, 64, 1000])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_sublattice_keeps_the_proportions_of_axes_that_are_thick_enough(
    shape: tuple[int, ...], num_points: int
) -> None:
    _, counts = sublattice(shape, num_points)
    strides = [n // k for n, k in zip(shape, counts, strict=True) if k > 1]
    for a, b in itertools.combinations(strides, 2):
        assert max(a, b) <= 2 * min(a, b)


@pytest.mark.parametrize(
    ("shape", "num_points", "counts"),
    [
        ((7, 13), 20, (3, 6)),
        ((512, 512), 1024, (32, 32)),
        ((256, 512), 128, (8, 16)),
        ((1, 10_000), 10, (1, 10)),
        ((1, 100, 100), 20, (1, 4, 4)),
        ((100, 1, 50), 8, (4, 1, 2)),
        ((4, 5, 6), 120, (4, 5, 6)),
    ],
)
def test_a_sublattice_has_the_counts_worked_out_by_hand(
    shape: tuple[int, ...], num_points: int, counts: tuple[int, ...]
) -> None:
    assert sublattice(shape, num_points)[1] == counts


def test_a_sublattice_takes_the_middle_cells() -> None:
    assert sublattice((9,), 3)[0].tolist() == [1, 4, 7]
    assert sublattice((3, 9), 3)[0].tolist() == [9 + 1, 9 + 4, 9 + 7]


def test_a_sublattice_with_room_for_all_is_the_lattice() -> None:
    assert torch.equal(sublattice((5, 7), 35)[0], torch.arange(35))
