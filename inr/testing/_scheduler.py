"""Promises of schedules."""

import math
from collections.abc import Callable
from functools import partial

from inr.testing._require import require, require_rejection

Schedule = Callable[[int], float]
MakeSchedule = Callable[[int], Schedule]


def scheduler_checks() -> tuple[Callable[[MakeSchedule], None], ...]:
    """Checks of what every schedule promises.

    Each takes a function from the number of steps to a schedule, ``steps -> (step -> factor)``.
    """
    return (
        is_a_function_of_the_step,
        gives_finite_factors,
        rejects_runs_without_steps,
    )


def is_a_function_of_the_step(make: MakeSchedule) -> None:
    """A factor depends on no factor asked for before, so that a resumed run goes on exactly."""
    in_order = make(20)
    expected = [in_order(step) for step in range(20)]
    backwards = make(20)
    factors = [backwards(step) for step in reversed(range(20))][::-1]
    require(
        factors == expected == [make(20)(step) for step in range(20)],
        make,
        "gives factors that depend on the steps before; expected a function of the step",
    )


def gives_finite_factors(make: MakeSchedule) -> None:
    """Factors of runs of any length, and of steps beyond their end, are finite and not negative."""
    for steps in (1, 2, 7, 1000):
        schedule = make(steps)
        for step in (0, 1, steps // 2, steps - 1, steps, 2 * steps):
            factor = schedule(step)
            require(
                math.isfinite(factor) and factor >= 0,
                make,
                f"gives the factor {factor} at step {step} of {steps}; expected a finite one, 0 or "
                "more",
            )


def rejects_runs_without_steps(make: MakeSchedule) -> None:
    """A run of no steps, or of an unknown number, raises ``ValueError``."""
    for steps in (0, -1):
        require_rejection(make, partial(make, steps), "steps", steps)
