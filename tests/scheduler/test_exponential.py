"""Exponential decay."""

from functools import partial

import pytest

from inr.scheduler import exponential
from tests.scheduler.following import assert_follows
from tests.tolerance import assert_close


@pytest.mark.parametrize("final", [0.01, 0.5])
def test_every_step_follows_the_formula(final: float) -> None:
    assert_follows(partial(exponential, final=final), lambda t, steps: final ** (t / steps))


def test_it_ends_at_final_by_equal_factors() -> None:
    schedule = exponential(4, final=0.0625)
    assert_close([schedule(step) for step in range(5)], [1 / 2**t for t in range(5)])


def test_it_cannot_end_at_zero() -> None:
    with pytest.raises(ValueError, match=r"final is 0.0; expected a finite number above 0"):
        exponential(10, final=0.0)
