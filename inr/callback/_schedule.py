"""When to look at a run: often at first, then ever more rarely."""

import math

import pytorch_lightning as pl


def is_log_spaced(step: int, per_decade: int) -> bool:
    """Whether a step is 0 or the whole number next to a power of ``10^(1/per_decade)``."""
    if step < 1:
        return step == 0
    exponent = round(math.log10(step) * per_decade)
    return any(
        round(10 ** (e / per_decade)) == step for e in (exponent - 1, exponent, exponent + 1)
    )


def is_logging_step(trainer: pl.Trainer) -> bool:
    """Whether the curves have a point at the present step: also at the first and the last."""
    step = trainer.global_step
    interval: int = trainer.log_every_n_steps  # type: ignore[attr-defined]
    return step % interval == 0 or step in (1, trainer.max_steps)
