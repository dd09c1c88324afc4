"""Divergence: a loss that is not finite, or many times the first one."""

import math
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from inr.argument import check_positive
from inr.callback._schedule import is_logging_step, next_logging_step
from inr.training import FieldTraining, StackTraining, callbacks_of


class DivergenceError(RuntimeError):
    """A loss became NaN or infinite, or grew beyond its limit."""


class DivergenceCallback(pl.Callback):
    """Ends a run whose loss is not finite, or many times what it was at first.

    Of many fields that train together, one such loss is enough.

    Losses stay on the device and are checked together, at every logging step.

    Args:
        factor: Multiple of the first loss that ends the run.
    """

    def __init__(self, *, factor: float = 1e4) -> None:
        self.factor = check_positive("factor", factor)
        self._first: list[float] | None = None
        self._unseen: list[Tensor] = []

    def next_stop(self, trainer: pl.Trainer) -> int | None:
        """The next step at which losses are checked."""
        return next_logging_step(trainer, trainer.global_step)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        self._unseen += outputs["losses"]
        if is_logging_step(trainer):
            self.check_losses(trainer)

    def state_dict(self) -> dict[str, Any]:
        return {"first": self._first}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        first = state_dict["first"]
        self._first = [first] if isinstance(first, float) else first

    def check_losses(self, trainer: pl.Trainer) -> None:
        """Checks the losses since the last check.

        Raises:
            DivergenceError: A loss is too large.
        """
        if not self._unseen:
            return
        losses = torch.stack(self._unseen).reshape(len(self._unseen), -1).cpu().double().tolist()
        first_unseen_step = trainer.global_step - len(losses) + 1
        self._unseen = []
        if self._first is None and all(map(math.isfinite, losses[0])):
            self._first = losses[0]
        for step, step_losses in enumerate(losses, first_unseen_step):
            for number, loss in enumerate(step_losses):
                if self.is_too_much(loss, number):
                    raise DivergenceError(_explain(trainer, step, loss, number))

    def is_too_much(self, loss: float, number: int) -> bool:
        """Whether a field's loss is not finite, or beyond the limit that its first one sets."""
        limit = math.inf if self._first is None else self.factor * max(self._first[number], 1e-6)
        return not loss <= limit or math.isinf(loss)


def is_sound(trainer: pl.Trainer, pl_module: FieldTraining) -> bool:
    """Whether fields are worth probing or keeping: no loss over the last batch is too large.

    The losses so far were those before each step; this one is after the last.

    Raises:
        DivergenceError: A loss since the last check was too large.
    """
    if pl_module.batch is None:
        return True
    losses = pl_module.measure_losses()
    guards = [c for c in callbacks_of(trainer) if isinstance(c, DivergenceCallback)]
    for guard in guards:
        guard.check_losses(trainer)
    return all(map(math.isfinite, losses)) and not any(
        guard.is_too_much(loss, number) for guard in guards for number, loss in enumerate(losses)
    )


def _explain(trainer: pl.Trainer, step: int, loss: float, number: int) -> str:
    optimizer = trainer.optimizers[0]
    lr = optimizer.param_groups[0]["lr"]
    if step == 1:
        cause = "the initial weights or the loss's options, since no step had been taken"
    elif trainer.precision == "16-mixed":
        cause = "an overflow in float16; expected the precision bf16-mixed or 32-true"
    else:
        cause = (
            f"a learning rate of {lr:.3g} that is too high for {type(optimizer).__name__}; "
            f"try lr={lr / 10:.1g}"
        )
    checkpoint = Path(trainer.default_root_dir) / "checkpoints" / "last.ckpt"
    last = f"The last good checkpoint is {checkpoint}" if checkpoint.exists() else "No checkpoint"
    last += "." if checkpoint.exists() else " had been written yet."
    what = f"the loss{_whose(trainer, number)} was {loss:.3g} at step {step}"
    return f"{what}; the likely cause is {cause}. {last}"


def _whose(trainer: pl.Trainer, number: int) -> str:
    """The image, where there are several."""
    training = getattr(trainer, "lightning_module", None)
    return f" of {training.signal.names[number]}" if isinstance(training, StackTraining) else ""
