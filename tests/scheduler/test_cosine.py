"""Half a cosine."""

import math
from functools import partial

import pytest

from inr.scheduler import cosine
from tests.scheduler.following import assert_follows
from tests.tolerance import assert_close


@pytest.mark.parametrize("final", [0.0, 0.1])
def test_every_step_follows_the_formula(final: float) -> None:
    assert_follows(
        partial(cosine, final=final),
        lambda t, steps: final + (1 - final) * (1 + math.cos(math.pi * t / steps)) / 2,
    )


def test_it_ends_at_final_and_stays_there() -> None:
    schedule = cosine(10, final=0.3)
    assert_close(schedule(5), 0.65)
    assert_close([schedule(step) for step in range(10, 20)], 10 * [0.3])


def test_a_negative_final_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"final is -0.1; expected a finite number, 0 or more"):
        cosine(10, final=-0.1)
