"""Signals on a lattice, and what is held out of them."""

import pytest
import torch

from inr.signal import LatticeSignal
from tests.tolerance import assert_close


def make(*lattice: int, holdout: str | float = "none", seed: int = 0) -> LatticeSignal:
    values = torch.arange(float(torch.tensor(lattice).prod())).reshape(*lattice, 1)
    return LatticeSignal(
        values, value_range=(-10.0, 90.0), name="numbers", holdout=holdout, seed=seed
    )


def test_training_points_of_an_image_have_x_along_the_width() -> None:
    coords, values, index = make(2, 3).train_points(None)[:3]
    sixth = 1 / 6
    assert_close(coords[:, 0], [sixth, 0.5, 5 * sixth, sixth, 0.5, 5 * sixth])
    assert_close(coords[:, 1], [0.25, 0.25, 0.25, 0.75, 0.75, 0.75])
    assert index is not None
    assert values[:, 0].tolist() == index.tolist() == [0, 1, 2, 3, 4, 5]


def test_training_points_of_a_volume_have_z_along_the_first_axis() -> None:
    coords, values, index = make(2, 3, 5).train_points(torch.tensor([29, 16, 5]))[:3]
    assert_close(coords, [[0.9, 5 / 6, 0.75], [0.3, 1 / 6, 0.75], [0.1, 0.5, 0.25]])
    assert index is not None
    assert values[:, 0].tolist() == index.tolist() == [29, 16, 5]


def test_the_peak_is_the_width_of_the_range() -> None:
    assert make(2, 3).peak == 100.0


def test_alternate_trains_on_even_and_tests_on_odd_positions_of_every_axis() -> None:
    signal = make(5, 6, holdout="alternate")
    train, test = signal.train_index, signal.test_index
    assert train is not None and test is not None
    assert train.tolist() == [0, 2, 4, 12, 14, 16, 24, 26, 28]
    assert test.tolist() == [7, 9, 11, 19, 21, 23]
    assert signal.num_train == 9
    coords, values, index = signal.train_points(torch.tensor([4, 0]))[:3]
    assert index is not None
    assert values[:, 0].tolist() == index.tolist() == [14, 0]
    assert_close(coords, [[2.5 / 6, 2.5 / 5], [0.5 / 6, 0.5 / 5]])


def test_alternate_in_three_dimensions_leaves_an_eighth_on_each_side() -> None:
    signal = make(4, 4, 4, holdout="alternate")
    train, test = signal.train_index, signal.test_index
    assert train is not None and test is not None
    assert len(train) == len(test) == 8
    assert test[0] == 16 + 4 + 1


@pytest.mark.parametrize(("fraction", "count"), [(0.1, 10), (0.25, 25), (0.99, 99)])
def test_a_fraction_is_the_share_tested_on(fraction: float, count: int) -> None:
    signal = make(10, 10, holdout=fraction)
    train, test = signal.train_index, signal.test_index
    assert train is not None and test is not None
    assert len(test) == count
    assert sorted(train.tolist() + test.tolist()) == list(range(100))
    assert (train.diff() > 0).all() and (test.diff() > 0).all()


def test_a_random_part_depends_on_the_seed_alone() -> None:
    parts = []
    for seed in (0, 0, 1):
        torch.manual_seed(len(parts))
        test = make(10, 10, holdout=0.5, seed=seed).test_index
        assert test is not None
        parts.append(test.tolist())
    assert parts[0] == parts[1] != parts[2]
    assert parts[0] != list(range(50)) and parts[0] != list(range(50, 100))


@pytest.mark.parametrize("holdout", ["some", "0.1", 0.0, 1.0, -0.5, 2, float("nan")])
def test_a_holdout_that_is_not_understood_is_rejected(holdout: str | float) -> None:
    with pytest.raises(ValueError, match="expected none, alternate or a fraction between 0 and 1"):
        make(4, 4, holdout=holdout)


@pytest.mark.parametrize(
    ("lattice", "holdout", "sentence"),
    [
        ((1, 8), "alternate", "of a lattice of 1x8 leaves 4 points to train on and 0 to test on"),
        ((2, 2), 0.1, "leaves 4 points to train on and 0 to test on"),
        ((2, 2), 0.9, "leaves 0 points to train on and 4 to test on"),
    ],
)
def test_a_holdout_that_leaves_nothing_is_rejected(
    lattice: tuple[int, ...], holdout: str | float, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        make(*lattice, holdout=holdout)


def test_data_follow_to_a_dtype_and_are_not_saved() -> None:
    signal = make(5, 6, holdout="alternate").to(torch.float64)
    coords, values = signal.train_points(None)[:2]
    assert coords.dtype == values.dtype == torch.float64
    assert_close(coords[1], [2.5 / 6, 0.1])
    assert not signal.state_dict()


def test_coordinates_are_the_same_looked_up_and_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    positions = torch.tensor([29, 16, 5])
    looked_up = make(2, 3, 5).train_points(positions)
    monkeypatch.setattr("inr.signal._lattice_signal.MOST_IN_TABLE", 0)
    computed = make(2, 3, 5).train_points(positions)
    assert torch.equal(looked_up.coords, computed.coords)
    signal = make(2, 3, 5)
    signal.train_points(None)
    assert signal._table is None
