"""Follows a schedule through a run, an interrupted one, and one that is made longer."""

from collections.abc import Callable

import torch
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import LRScheduler

from tests.tolerance import assert_close

RATE = 0.2


def make_optimizer() -> Optimizer:
    """One whose learning rate is ``RATE``."""
    return SGD([torch.zeros(1, requires_grad=True)], lr=RATE)


def follow(optimizer: Optimizer, scheduler: LRScheduler, count: int) -> list[float]:
    """The rates of ``count`` training steps."""
    rates = []
    for _ in range(count):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def assert_follows(
    make: Callable[[Optimizer, int], LRScheduler], formula: Callable[[int, int], float]
) -> None:
    """Asserts the rate of every step, in runs of several lengths, resumed and prolonged ones.

    Args:
        make: ``(optimizer, steps) -> scheduler``.
        formula: ``(step, steps) -> factor``.
    """
    for steps in (1, 7, 40):
        optimizer = make_optimizer()
        rates = follow(optimizer, make(optimizer, steps), steps)
        assert_close(rates, [RATE * formula(t, steps) for t in range(steps)])
    for steps in (40, 60):
        optimizer = make_optimizer()
        scheduler = make(optimizer, 40)
        follow(optimizer, scheduler, 15)
        resumed = make_optimizer()
        resumed_scheduler = make(resumed, steps)
        resumed.load_state_dict(optimizer.state_dict())
        resumed_scheduler.load_state_dict(scheduler.state_dict())
        rates = follow(resumed, resumed_scheduler, steps - 15)
        # The rate of the step that was next is in the checkpoint; those after it are computed.
        assert_close(rates[0], RATE * formula(15, 40))
        assert_close(rates[1:], [RATE * formula(t, steps) for t in range(16, steps)])
