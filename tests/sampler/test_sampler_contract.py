"""What every sampler promises."""

import pytest
import torch

import inr.sampler
from inr.sampler import Sampler
from inr.signal import FiniteSignal
from tests.sampler.numbered import make_signal, positions

# Those that draw from numbered points; the others have draws of their own kind.
MEMBERS = sorted(
    name
    for name in set(inr.sampler.__all__) - {"Sampler"}
    if getattr(inr.sampler, name).signals is FiniteSignal
)


def make(name: str, **options: object) -> Sampler:
    return getattr(inr.sampler, name)(**{"batch_size": 7, **options})


@pytest.mark.parametrize("name", MEMBERS)
def test_a_draw_is_a_function_of_the_seed_and_its_number(name: str) -> None:
    signal = make_signal(4, 5)
    in_order = make(name, seed=3)
    expected = [positions(in_order.draw(signal, number), signal) for number in range(9)]
    backwards = make(name, seed=3)
    for number in (8, 2, 5, 2, 0, 7):
        torch.manual_seed(number)
        assert positions(backwards.draw(signal, number), signal) == expected[number]
        assert positions(make(name, seed=3).draw(signal, number), signal) == expected[number]


@pytest.mark.parametrize("name", MEMBERS)
def test_a_draw_ignores_signals_seen_before(name: str) -> None:
    small, large = make_signal(4, 5), make_signal(6, 9)
    sampler = make(name)
    sampler.draw(small, 0)
    drawn = positions(sampler.draw(large, 0), large)
    assert drawn == positions(make(name).draw(large, 0), large)
    assert max(drawn) >= 20


@pytest.mark.parametrize("name", MEMBERS)
def test_seeds_and_numbers_give_different_draws(name: str) -> None:
    signal = make_signal(20, 30)
    draws = {
        tuple(positions(make(name, seed=seed).draw(signal, number), signal))
        for seed in range(4)
        for number in range(4)
    }
    assert len(draws) == 16


@pytest.mark.parametrize("name", MEMBERS)
def test_draws_leave_the_global_seed_alone(name: str) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    make(name).draw(make_signal(4, 5), 0)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("holdout", ["alternate", 0.3])
def test_points_held_out_are_never_drawn(name: str, holdout: str | float) -> None:
    signal = make_signal(6, 8, holdout=holdout)
    train, test = signal.train_index, signal.test_index
    assert train is not None and test is not None
    drawn: set[int] = set()
    for number in range(40):
        drawn.update(positions(make(name).draw(signal, number), signal))
    assert drawn == set(train.tolist())
    assert not drawn & set(test.tolist())


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("batch_size", [0, -1])
def test_an_empty_batch_is_rejected(name: str, batch_size: int) -> None:
    with pytest.raises(ValueError, match="batch_size is"):
        make(name, batch_size=batch_size)


@pytest.mark.parametrize("name", MEMBERS)
def test_a_negative_seed_is_rejected(name: str) -> None:
    with pytest.raises(ValueError, match="seed is -1; expected 0 or more"):
        make(name, seed=-1)
