"""Schedules of probes and curves: often at first, then ever more rarely."""

import itertools
import math

import pytorch_lightning as pl

from inr.training import log_interval


def is_log_spaced(step: int, per_decade: int) -> bool:
    """Whether a step is 0 or the whole number next to a power of ``10^(1/per_decade)``."""
    return step == 0 or next_log_spaced(step - 1, per_decade) == step


def next_log_spaced(step: int, per_decade: int) -> int:
    """The first log-spaced step after a step."""
    exponents = itertools.count(math.floor(math.log10(max(step, 1)) * per_decade) - 1)
    powers = (round(10 ** (exponent / per_decade)) for exponent in exponents)
    return next(power for power in powers if power > max(step, 0))


def is_logging_step(trainer: pl.Trainer) -> bool:
    """Whether the curves have a point at the present step: also at the first and the last."""
    step = trainer.global_step
    return step == trainer.max_steps or next_logging_step(trainer, step - 1) == step


def next_logging_step(trainer: pl.Trainer, step: int) -> int:
    """The first step after a step at which the curves have a point."""
    return 1 if step < 1 else next_multiple(log_interval(trainer), step)


def next_multiple(interval: int, step: int) -> int:
    """The first multiple of an interval after a step."""
    return (step // interval + 1) * interval
