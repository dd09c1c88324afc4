"""When callbacks want to look."""

import pytorch_lightning as pl

PER_BATCH = ("on_train_batch_start", "on_train_batch_end")


def next_stop(trainer: pl.Trainer, most: int) -> int:
    """The step up to which nobody wants to look.

    A callback may say when by a method ``next_stop(trainer) -> int | None``: the first step after
    ``trainer.global_step`` at whose end it is to be called, the same in all processes; None leaves
    that to others. A callback without it that does something at each batch is called at each step.

    Args:
        trainer: Its callbacks are asked.
        most: Steps until then, at most.
    """
    step = trainer.global_step
    limits = [step + most]
    if trainer.max_steps > 0:
        limits.append(trainer.max_steps)
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if hasattr(callback, "next_stop"):
            stop = callback.next_stop(trainer)
            if stop is not None:
                limits.append(stop)
        elif any(getattr(type(callback), n) is not getattr(pl.Callback, n) for n in PER_BATCH):
            limits.append(step + 1)
    return max(min(limits), step + 1)
