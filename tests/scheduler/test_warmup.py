"""Linear rise, then half a cosine."""

import math
from functools import partial

import pytest

from inr.scheduler import warmup
from tests.scheduler.following import assert_follows
from tests.tolerance import assert_close


@pytest.mark.parametrize(("divisor", "final"), [(20, 0.0), (4, 0.2)])
def test_every_step_follows_the_formula(divisor: int, final: float) -> None:
    def formula(t: int, steps: int) -> float:
        rise = math.ceil(steps / divisor)
        if t < rise:
            return (t + 1) / rise
        return final + (1 - final) * (1 + math.cos(math.pi * (t - rise) / (steps - rise))) / 2

    assert_follows(partial(warmup, fraction=1 / divisor, final=final), formula)


def test_the_rise_takes_equal_steps_to_the_full_rate() -> None:
    schedule = warmup(40, fraction=0.25)
    factors = [schedule(step) for step in range(11)]
    assert_close(factors, [tenths / 10 for tenths in (*range(1, 11), 10)])


def test_without_a_rise_it_is_a_cosine() -> None:
    assert_follows(
        partial(warmup, fraction=0.0), lambda t, steps: (1 + math.cos(math.pi * t / steps)) / 2
    )


def test_it_ends_at_final_and_stays_there() -> None:
    schedule = warmup(10, final=0.3)
    assert_close([schedule(step) for step in range(10, 20)], 10 * [0.3])


@pytest.mark.parametrize("steps", [100, 300, 1000])
@pytest.mark.parametrize("percent", [3, 7, 14, 29, 55])
def test_a_whole_number_of_rising_steps_is_not_rounded_up(percent: int, steps: int) -> None:
    schedule = warmup(steps, fraction=percent / 100)
    assert_close(schedule(0), 1 / (percent * steps // 100))


@pytest.mark.parametrize("fraction", [-0.1, 1.0, math.nan])
def test_a_rise_longer_than_the_run_is_rejected(fraction: float) -> None:
    with pytest.raises(ValueError, match=r"fraction is .*; expected 0 or more and less than 1"):
        warmup(10, fraction=fraction)
