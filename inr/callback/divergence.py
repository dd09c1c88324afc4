"""Losses that are no longer worth following."""

import math
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from inr.argument import check_positive
from inr.callback._schedule import is_logging_step


class DivergenceError(RuntimeError):
    """A loss became NaN or infinite, or grew beyond its limit."""


class DivergenceCallback(pl.Callback):
    """Ends a run whose loss is not finite, or many times what it was at first.

    Losses stay on the device and are looked at together, at every logging step.

    Args:
        factor: How many times the first loss is too much.
    """

    def __init__(self, *, factor: float = 1e4) -> None:
        self.factor = check_positive("factor", factor)
        self._first: float | None = None
        self._unseen: list[Tensor] = []

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        self._unseen.append(outputs["loss"].detach())
        if is_logging_step(trainer):
            self.look(trainer)

    def state_dict(self) -> dict[str, Any]:
        return {"first": self._first}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._first = state_dict["first"]

    def look(self, trainer: pl.Trainer) -> None:
        """Looks at the losses since the last look.

        Raises:
            DivergenceError: One of them is too much.
        """
        if not self._unseen:
            return
        losses = torch.stack(self._unseen).double().cpu().tolist()
        first_unseen_step = trainer.global_step - len(losses) + 1
        self._unseen = []
        if self._first is None and math.isfinite(losses[0]):
            self._first = losses[0]
        limit = math.inf if self._first is None else self.factor * max(self._first, 1e-6)
        for step, loss in enumerate(losses, first_unseen_step):
            if not math.isfinite(loss) or loss > limit:
                raise DivergenceError(_explain(trainer, step, loss))


def is_sound(trainer: pl.Trainer, pl_module: pl.LightningModule) -> bool:
    """Whether a field is worth looking at or keeping: all weights are finite.

    Raises:
        DivergenceError: A loss since the guard's last look was too much.
    """
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, DivergenceCallback):
            callback.look(trainer)
    return all(bool(p.isfinite().all()) for p in pl_module.parameters())


def _explain(trainer: pl.Trainer, step: int, loss: float) -> str:
    optimizer = trainer.optimizers[0]
    lr = optimizer.param_groups[0]["lr"]
    if step == 1:
        cause = "the initial weights or the loss's knobs, since no step had been taken"
    elif trainer.precision == "16-mixed":
        cause = "an overflow in float16; expected trainer.precision=bf16-mixed or 32-true"
    else:
        cause = (
            f"a learning rate of {lr:.3g} that is too high for {type(optimizer).__name__}; "
            f"try optimizer.lr={lr / 10:.1g}"
        )
    checkpoint = Path(trainer.default_root_dir) / "checkpoints" / "last.ckpt"
    last = f"The last good checkpoint is {checkpoint}" if checkpoint.exists() else "No checkpoint"
    last += "." if checkpoint.exists() else " had been written yet."
    return f"the loss was {loss:.3g} at step {step}; the likely cause is {cause}. {last}"
