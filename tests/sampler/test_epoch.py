"""Every training point once per epoch."""

import pytest

from inr.sampler import EpochSampler
from tests.sampler.numbered import make_signal, positions


def draw_epochs(sampler: EpochSampler, count: int) -> list[list[int]]:
    """The first epochs of a lattice of 20 points, in the order drawn."""
    signal = make_signal(4, 5)
    size = sampler.batch_size or 20
    drawn: list[int] = []
    for number in range(-(-20 * count // size)):
        batch = positions(sampler.draw(signal, number), signal)
        assert len(batch) == size
        drawn += batch
    return [drawn[20 * epoch : 20 * (epoch + 1)] for epoch in range(count)]


@pytest.mark.parametrize("batch_size", [1, 3, 7, 10, 19])
def test_every_point_is_drawn_once_per_epoch(batch_size: int) -> None:
    for epoch in draw_epochs(EpochSampler(batch_size=batch_size), 4):
        assert sorted(epoch) == list(range(20))


def test_each_epoch_and_each_seed_has_its_own_order() -> None:
    orders = [
        tuple(epoch)
        for seed in range(3)
        for epoch in draw_epochs(EpochSampler(batch_size=7, seed=seed), 4)
    ]
    assert len(set(orders)) == 12
    assert tuple(range(20)) not in orders


def test_without_shuffling_points_come_in_order_across_epochs() -> None:
    for epoch in draw_epochs(EpochSampler(batch_size=7, shuffle=False), 4):
        assert epoch == list(range(20))


def test_a_word_is_not_taken_for_true() -> None:
    with pytest.raises(TypeError, match="shuffle is 'no'; expected true or false"):
        EpochSampler(shuffle="no")  # type: ignore[arg-type]


@pytest.mark.parametrize("batch_size", [None, 20, 8192])
def test_a_full_batch_is_every_point_in_order(batch_size: int | None) -> None:
    signal = make_signal(4, 5)
    sampler = EpochSampler(batch_size=batch_size)
    for number in (0, 1, 5):
        assert positions(sampler.draw(signal, number), signal) == list(range(20))


def test_every_place_of_an_epoch_is_equally_likely_to_hold_a_point() -> None:
    signal = make_signal(2, 5)
    sampler = EpochSampler(batch_size=1)
    counts = [0] * 10
    epochs = 1000
    for epoch in range(epochs):
        counts[positions(sampler.draw(signal, 10 * epoch), signal)[0]] += 1
    chi_square = sum((count - epochs / 10) ** 2 / (epochs / 10) for count in counts)
    # The 99.9th percentile with 9 degrees of freedom.
    assert chi_square < 27.88
