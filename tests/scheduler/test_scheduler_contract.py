"""What every schedule promises."""

import pytest

import inr.scheduler

MEMBERS = sorted(set(inr.scheduler.__all__) - {"constant"})


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("steps", [0, -1])
def test_a_run_without_an_end_is_rejected(name: str, steps: int) -> None:
    with pytest.raises(ValueError, match=f"steps is {steps}; expected 1 or more"):
        getattr(inr.scheduler, name)(steps)
