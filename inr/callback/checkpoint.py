"""States to resume from."""

import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from inr.argument import check_count, check_positive
from inr.callback._schedule import next_multiple
from inr.callback.divergence import is_sound
from inr.training import FieldTraining


class CheckpointCallback(pl.Callback):
    """Writes ``checkpoints/last.ckpt`` on a schedule, at the end and on interruption.

    A state is written only if the losses so far are good and its weights are finite.

    Args:
        every_n_steps: Steps between checkpoints.
        every_n_minutes: Minutes between checkpoints, whichever comes first.
        keep_all: Whether to write ``checkpoints/step=00001000.ckpt`` too, which stays.
    """

    def __init__(
        self, *, every_n_steps: int = 1000, every_n_minutes: float = 5.0, keep_all: bool = False
    ) -> None:
        self.every_n_steps = check_count("every_n_steps", every_n_steps)
        self.every_n_minutes = check_positive("every_n_minutes", every_n_minutes)
        self.keep_all = keep_all
        self._last = time.monotonic()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._last = time.monotonic()

    def next_stop(self, trainer: pl.Trainer) -> int | None:
        """The next step that is written by its number."""
        return next_multiple(self.every_n_steps, trainer.global_step)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        assert isinstance(pl_module, FieldTraining)
        step = trainer.global_step
        minutes = (time.monotonic() - self._last) / 60
        late = minutes >= self.every_n_minutes
        if trainer.world_size > 1:
            # Every rank must decide alike, and their clocks differ.
            late = trainer.strategy.reduce_boolean_decision(late, all=False)
        due = late or step % self.every_n_steps == 0
        due = due or step == trainer.max_steps or trainer.should_stop
        if due and self._is_sound_everywhere(trainer, pl_module):
            with pl_module.clock.paused(pl_module.device):
                self._save(trainer)

    def _is_sound_everywhere(self, trainer: pl.Trainer, training: FieldTraining) -> bool:
        sound = is_sound(trainer, training)
        if trainer.world_size > 1:
            return bool(trainer.strategy.reduce_boolean_decision(sound))
        return sound

    def _save(self, trainer: pl.Trainer) -> None:
        folder = Path(trainer.default_root_dir) / "checkpoints"
        if self.keep_all:
            trainer.save_checkpoint(folder / f"step={trainer.global_step:08d}.ckpt")
        trainer.save_checkpoint(folder / "last.ckpt")
        self._last = time.monotonic()
