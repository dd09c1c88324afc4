"""Callbacks that look at a field often at first, then ever more rarely."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl

from inr.argument import check_count
from inr.callback._descent import Steps
from inr.callback._schedule import is_log_spaced, next_log_spaced
from inr.callback._writer import tensorboard_writers
from inr.callback.divergence import is_sound
from inr.signal import Signal
from inr.training import FieldTraining

DRAWING_SHARE = 0.02
FIRST_DRAWING_SECONDS = 0.2


class LookCallback(pl.Callback, ABC):
    """Looks at step 0, at log-spaced steps and at the end, on the first rank.

    A look is not counted as training time, and a field that has diverged is not looked at.

    Args:
        per_decade: Looks per decade of steps.

    Attributes:
        needs_full_precision: Whether it follows steps that no autocast may round.
        renders: Whether a look renders the field. There are fewer where that takes long.
    """

    needs_full_precision = False
    renders = False

    def __init__(self, per_decade: int) -> None:
        self.per_decade = check_count("per_decade", per_decade)
        self._last_step: int | None = None
        self._drawing_seconds = FIRST_DRAWING_SECONDS

    def check(self, signal: Signal) -> None:
        """Rejects options that do not suit a signal, before a run begins.

        Raises:
            ValueError: One of them does not.
        """

    def check_steps(self, steps: Steps) -> None:
        """Rejects a training whose steps do not suit the callback, before a run begins.

        Raises:
            ValueError: They do not.
        """

    @abstractmethod
    def look(self, trainer: pl.Trainer, training: FieldTraining) -> None:
        """Measures and logs the field at the present step."""

    def look_once(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Looks, unless that has been done at this step."""
        assert isinstance(pl_module, FieldTraining)
        if trainer.global_step == self._last_step or not trainer.is_global_zero:
            return
        with pl_module.clock.paused(pl_module.device):
            if self.renders and not pl_module.affords_rendering():
                return
            if is_sound(trainer, pl_module):
                self._last_step = trainer.global_step
                self.look(trainer, pl_module)

    def draw_if_affordable(
        self, trainer: pl.Trainer, training: FieldTraining, draw: Callable[[], None]
    ) -> None:
        """Draws figures at the end, and before while they take a small share of the training.

        A figure takes as long as many steps, and shows all looks so far: the last has them all.

        Args:
            trainer: Says where the run is.
            training: Says how long it has taken.
            draw: Draws and writes them.
        """
        if not tensorboard_writers(trainer):
            return
        allowed = DRAWING_SHARE * training.clock.training_seconds
        if trainer.global_step == trainer.max_steps or self._drawing_seconds < allowed:
            start = time.perf_counter()
            draw()
            self._drawing_seconds += time.perf_counter() - start

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
        if self.is_due(trainer):
            self.look_once(trainer, pl_module)

    def next_stop(self, trainer: pl.Trainer) -> int | None:
        """The next step to look at."""
        return next_log_spaced(trainer.global_step, self.per_decade)

    def is_due(self, trainer: pl.Trainer) -> bool:
        """Whether the present step is one to look at."""
        step = trainer.global_step
        return is_log_spaced(step, self.per_decade) or step == trainer.max_steps
