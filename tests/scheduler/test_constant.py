"""A constant learning rate."""

from inr.scheduler import constant
from tests.scheduler.following import assert_follows


def test_the_rate_stays() -> None:
    assert_follows(constant, lambda t, steps: 1.0)
