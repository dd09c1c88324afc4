"""Callbacks that look at a field often at first, then ever more rarely."""

from abc import ABC, abstractmethod
from typing import Any

import pytorch_lightning as pl

from inr.argument import check_count
from inr.callback._schedule import is_log_spaced
from inr.callback.divergence import is_sound
from inr.training import FieldTraining


class LookCallback(pl.Callback, ABC):
    """Looks at step 0, at log-spaced steps and at the end, on the first rank.

    A look is not counted as training time, and a field that has diverged is not looked at.

    Args:
        per_decade: Looks per decade of steps.
    """

    def __init__(self, per_decade: int) -> None:
        self.per_decade = check_count("per_decade", per_decade)
        self._last_step: int | None = None

    @abstractmethod
    def look(self, trainer: pl.Trainer, training: FieldTraining) -> None:
        """Measures and logs the field at the present step."""

    def look_once(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Looks, unless that has been done at this step."""
        assert isinstance(pl_module, FieldTraining)
        if trainer.global_step == self._last_step or not trainer.is_global_zero:
            return
        with pl_module.clock.paused(pl_module.device):
            if is_sound(trainer, pl_module):
                self._last_step = trainer.global_step
                self.look(trainer, pl_module)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.global_step == 0:
            self.look_once(trainer, pl_module)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        step = trainer.global_step
        if is_log_spaced(step, self.per_decade) or step == trainer.max_steps:
            self.look_once(trainer, pl_module)
