"""The promises of schedules, and that their checks name a schedule that breaks one."""

from collections.abc import Callable

import pytest

from inr.testing import scheduler_checks
from tests.members import members

Schedule = Callable[[int], float]


@pytest.mark.parametrize("check", scheduler_checks())
@pytest.mark.parametrize("member", members("scheduler"))
def test_every_schedule_keeps_the_contract(
    member: Callable[[int], Schedule], check: Callable[[Callable[[int], Schedule]], None]
) -> None:
    check(member)


def halving(steps: int) -> Schedule:
    """Halves the factor at each call."""
    if steps < 1:
        raise ValueError(f"steps is {steps}; expected 1 or more.")
    factors = [1.0]

    def schedule(step: int) -> float:
        factors.append(factors[-1] / 2)
        return factors[-1]

    return schedule


def falling(steps: int) -> Schedule:
    """Falls below zero after the end."""
    if steps < 1:
        raise ValueError(f"steps is {steps}; expected 1 or more.")
    return lambda step: 1 - step / steps


def endless(steps: int) -> Schedule:
    """Takes any number of steps."""
    return lambda step: 1.0


BROKEN = [
    (halving, "is_a_function_of_the_step", "depend on the steps before"),
    (falling, "gives_finite_factors", "gives the factor -1.0 at step 2 of 1"),
    (endless, "rejects_runs_without_steps", "takes steps=0; expected ValueError"),
]


def test_every_check_has_a_schedule_that_breaks_its_promise() -> None:
    assert [check.__name__ for check in scheduler_checks()] == [name for _, name, _ in BROKEN]


@pytest.mark.parametrize(("broken", "name", "sentence"), BROKEN)
def test_the_check_names_a_broken_promise(
    broken: Callable[[int], Schedule], name: str, sentence: str
) -> None:
    for check in scheduler_checks():
        if check.__name__ != name:
            check(broken)
        else:
            with pytest.raises(AssertionError, match=rf"^{broken.__name__} .*{sentence}"):
                check(broken)
