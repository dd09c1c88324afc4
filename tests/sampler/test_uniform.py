"""Random training points."""

from inr.sampler import UniformSampler
from tests.sampler.numbered import make_signal, positions


def test_points_are_drawn_evenly_and_with_replacement() -> None:
    signal = make_signal(4, 5)
    drawn = positions(UniformSampler(batch_size=20_000).draw(signal, 0), signal)
    assert len(drawn) == 20_000
    assert set(drawn) == set(range(20))
    chi_square = sum((drawn.count(p) - 1000) ** 2 / 1000 for p in range(20))
    # The 99.9th percentile with 19 degrees of freedom; far below the mean would be no chance.
    assert 4 < chi_square < 43.82


def test_a_batch_may_be_larger_than_the_signal() -> None:
    signal = make_signal(1, 2)
    drawn = positions(UniformSampler(batch_size=50).draw(signal, 0), signal)
    assert len(drawn) == 50
    assert set(drawn) == {0, 1}


def test_draws_are_unrelated_to_each_other() -> None:
    signal = make_signal(100, 100)
    sampler = UniformSampler(batch_size=1000)
    first, second = (positions(sampler.draw(signal, number), signal) for number in (0, 1))
    # About 1000 · 1000 / 10,000 / 10 of each other's points, by chance: 95 expected.
    assert 50 < len(set(first) & set(second)) < 140
    assert sum(a == b for a, b in zip(first, second, strict=True)) < 5
