"""Callbacks that probe a field often at first, then ever more rarely."""

import time
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import pytorch_lightning as pl
from matplotlib.figure import Figure

from inr.argument import check_count
from inr.atomic import replacing
from inr.callback._descent import Steps
from inr.callback._record import Chart, Record
from inr.callback._schedule import is_log_spaced, next_log_spaced
from inr.callback._tensorboard import add_curve, add_preview, tensorboard_writers
from inr.callback.divergence import is_sound
from inr.signal import Preview, Signal
from inr.training import FieldTraining, Snapshot

DRAWING_SHARE = 0.02
FIRST_DRAWING_SECONDS = 0.2


class ProbeError(RuntimeError):
    """A probe that failed.

    Attributes:
        probe: Name of the probe.
    """

    def __init__(self, probe: str, message: str) -> None:
        super().__init__(message)
        self.probe = probe


class ProbeCallback(pl.Callback, ABC):
    """Probes the field at step 0, at log-spaced steps and at the end, on the first rank.

    A subclass measures a :class:`Record`, and may declare charts and draw figures; this class
    writes ``NAME/step=….npz``, logs, and draws when that is affordable. A probe is not counted as
    training time, and a field that has diverged is not probed.

    Args:
        per_decade: Probes per decade of steps.

    Attributes:
        name: Name of the probe: of its folder and of its figures.
        needs_full_precision: Whether it follows steps that no autocast may round.
        renders: Whether a probe renders the field. There are fewer where that takes long.
        follows_steps: Whether it follows every step of one field.
    """

    name = ""
    needs_full_precision = False
    renders = False
    follows_steps = False

    def __init__(self, per_decade: int) -> None:
        self.per_decade = check_count("per_decade", per_decade)
        self._last_step: int | None = None
        self._drawing_seconds = FIRST_DRAWING_SECONDS

    def check(self, signal: Signal) -> None:
        """Rejects options that do not suit a signal, before a run begins.

        Raises:
            ValueError: An option does not suit the signal.
        """

    def check_steps(self, steps: Steps) -> None:
        """Rejects a training whose steps do not suit the probe, before a run begins.

        Raises:
            ValueError: The steps do not suit the probe.
        """

    def charts(self, signal: Signal) -> list[Chart]:
        """The charts that this probe fills, for a signal."""
        return []

    @abstractmethod
    def measure(self, snapshot: Snapshot) -> Record:
        """Measures the field at one step."""

    def previews(self, snapshot: Snapshot) -> list[Preview]:
        """Previews for TensorBoard; asked for where there is one."""
        return []

    def draw(self, snapshot: Snapshot) -> dict[str, Figure]:
        """Figures of all probes so far, by name."""
        return {}

    def probe(self, snapshot: Snapshot) -> None:
        """Measures, writes, logs and shows the field at one step, unless that has been done."""
        if snapshot.step == self._last_step or (self.renders and not snapshot.affords_rendering()):
            return
        self._last_step = snapshot.step
        record = self.measure(snapshot)
        if record.arrays:
            path = snapshot.folder / self.name / f"step={snapshot.step:08d}.npz"
            with replacing(path) as temporary:
                np.savez(temporary, step=snapshot.step, **record.arrays)
        for logger in snapshot.loggers:
            logger.log_metrics(record.scalars, snapshot.step)
        writers = tensorboard_writers(snapshot.loggers)
        previews = self.previews(snapshot) if writers else []
        for writer in writers:
            for tag, (x, y) in record.curves.items():
                add_curve(writer, tag, x, y)
            for preview in previews:
                add_preview(writer, preview, snapshot.step)
        self.draw_if_affordable(snapshot)

    def draw_if_affordable(self, snapshot: Snapshot) -> None:
        """Draws figures at the end, and before while they take a small share of the training.

        A figure takes as long as many steps, and shows all probes so far: the last has them all.
        """
        writers = tensorboard_writers(snapshot.loggers)
        if not writers:
            return
        allowed = DRAWING_SHARE * snapshot.training.clock.training_seconds
        if snapshot.is_last or self._drawing_seconds < allowed:
            start = time.perf_counter()
            for name, figure in self.draw(snapshot).items():
                for writer in writers:
                    writer.add_figure(f"{self.name}/{name}", figure, snapshot.step)
            self._drawing_seconds += time.perf_counter() - start

    def probe_once(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Probes a run at its present step, on the first rank, if its field is sound."""
        assert isinstance(pl_module, FieldTraining)
        if trainer.global_step == self._last_step or not trainer.is_global_zero:
            return
        with pl_module.clock.paused(pl_module.device):
            if is_sound(trainer, pl_module):
                self.probe(Snapshot.of(trainer, pl_module))

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.global_step == 0:
            self.probe_once(trainer, pl_module)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        if self.is_due(trainer.global_step, trainer.max_steps):
            self.probe_once(trainer, pl_module)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        if self.probes_checkpoint(trainer):
            self.probe_once(trainer, pl_module)
            # The state in the checkpoint was taken before this probe.
            checkpoint["callbacks"][self.state_key] = self.state_dict()

    def probes_checkpoint(self, trainer: pl.Trainer) -> bool:
        """Whether the step of a checkpoint that is being written is probed."""
        return False

    def next_stop(self, trainer: pl.Trainer) -> int | None:
        """The next step to probe."""
        return next_log_spaced(trainer.global_step, self.per_decade)

    def is_due(self, step: int, last_step: int) -> bool:
        """Whether a step is one to probe."""
        return is_log_spaced(step, self.per_decade) or step == last_step
