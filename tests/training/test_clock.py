"""Seconds, with a clock that is moved by hand."""

import pytest
import torch

from inr.training import Clock
from inr.training import clock as clock_module
from tests.tolerance import assert_close

CPU = torch.device("cpu")


class Hands:
    """Stands in for ``time.perf_counter``."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    hands = Hands()
    monkeypatch.setattr(clock_module.time, "perf_counter", hands)
    return hands


def test_pauses_count_as_seconds_and_not_as_training(hands: Hands) -> None:
    clock = Clock()
    hands.now += 3
    with clock.paused(CPU):
        hands.now += 10
    hands.now += 4
    with clock.paused(CPU):
        hands.now += 20
    assert_close([clock.seconds, clock.paused_seconds, clock.training_seconds], [37, 30, 7])


def test_a_pause_that_fails_is_counted(hands: Hands) -> None:
    clock = Clock()
    with pytest.raises(RuntimeError), clock.paused(CPU):
        hands.now += 10
        raise RuntimeError
    assert_close(clock.paused_seconds, 10)


def test_what_is_before_the_start_is_not_counted(hands: Hands) -> None:
    clock = Clock()
    hands.now += 100
    clock.start()
    hands.now += 5
    assert_close(clock.seconds, 5)


def test_a_resumed_clock_goes_on_where_the_checkpoint_was(hands: Hands) -> None:
    clock = Clock()
    hands.now += 3
    with clock.paused(CPU):
        hands.now += 10
    state = clock.state_dict()
    hands.now += 500
    resumed = Clock()
    resumed.load_state_dict(state)
    hands.now += 60
    resumed.start()
    hands.now += 2
    assert_close([resumed.seconds, resumed.training_seconds], [15, 5])
    hands.now += 1
    assert_close(resumed.state_dict()["seconds"], 16)


def test_the_true_clock_counts_seconds() -> None:
    clock = Clock()
    with clock.paused(CPU):
        sum(range(1000))
    assert 0 < clock.paused_seconds <= clock.seconds < 60
