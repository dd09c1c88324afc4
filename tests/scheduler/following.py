"""Follows a schedule through runs of several lengths."""

from collections.abc import Callable

from tests.tolerance import assert_close


def assert_follows(
    make: Callable[[int], Callable[[int], float]], formula: Callable[[int, int], float]
) -> None:
    """Asserts the factor of every step, in any order.

    Args:
        make: ``steps -> (step -> factor)``.
        formula: ``(step, steps) -> factor``.
    """
    for steps in (1, 7, 40):
        schedule = make(steps)
        for step in reversed(range(steps)):
            assert_close(schedule(step), formula(step, steps))
