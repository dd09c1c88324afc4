"""What every schedule promises."""

import pytest

import inr.scheduler

MEMBERS = sorted(set(inr.scheduler.__all__) - {"constant"})


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("steps", [0, -1])
def test_a_run_without_an_end_is_rejected(name: str, steps: int) -> None:
    with pytest.raises(ValueError, match=rf"max_steps with scheduler={name} is {steps}; expected"):
        getattr(inr.scheduler, name)(steps)
