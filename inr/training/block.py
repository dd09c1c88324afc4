"""The end of a block of steps."""

import pytorch_lightning as pl

from inr.training._lightning import callbacks_of

PER_BATCH = ("on_train_batch_start", "on_train_batch_end")


def next_stop(trainer: pl.Trainer, most: int) -> int:
    """The step at which a block ends: the next that a callback wants to see.

    A callback may say when by a method ``next_stop(trainer) -> int | None``: the first step after
    ``trainer.global_step`` at whose end it is to be called, the same in all processes; None leaves
    that to others. A callback without it that does something at each batch is called at each step.

    Args:
        trainer: Trainer with the callbacks.
        most: Most steps of the block.
    """
    step = trainer.global_step
    limits = [step + most]
    if trainer.max_steps > 0:
        limits.append(trainer.max_steps)
    for callback in callbacks_of(trainer):
        if hasattr(callback, "next_stop"):
            stop = callback.next_stop(trainer)
            if stop is not None:
                limits.append(stop)
        elif any(getattr(type(callback), n) is not getattr(pl.Callback, n) for n in PER_BATCH):
            limits.append(step + 1)
    return max(min(limits), step + 1)
