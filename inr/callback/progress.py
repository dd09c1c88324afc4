"""A bar or plain lines that show the progress of a run."""

import sys
import time
from typing import Any

import pytorch_lightning as pl
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from inr.argument import check_count
from inr.callback._schedule import next_multiple
from inr.progress import make_bar
from inr.training import FieldTraining


class ProgressCallback(pl.Callback):
    """A bar with steps per second, PSNR and the time left; plain lines where there is no terminal.

    Args:
        lines: Plain lines per run, where there is no terminal.
    """

    def __init__(self, *, lines: int = 10) -> None:
        self.lines = check_count("lines", lines)
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._first_step = 0
        self._start = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._first_step, self._start = trainer.global_step, time.perf_counter()
        bar = make_bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[readings]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        if not trainer.is_global_zero or bar.disable:
            return
        self._bar = bar
        self._task = self._bar.add_task(
            "fit",
            total=trainer.max_steps if trainer.max_steps > 0 else None,
            completed=trainer.global_step,
            readings="",
        )
        self._bar.start()

    def next_stop(self, trainer: pl.Trainer) -> int | None:
        """The next step that has a line; a bar moves whenever a block of steps ends."""
        return next_multiple(self._interval(trainer), trainer.global_step)

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
        if self._bar is not None:
            readings = self._readings(pl_module, step)
            self._bar.update(self._task, completed=step, readings=readings)
        elif trainer.is_global_zero and (
            step % self._interval(trainer) == 0 or step == trainer.max_steps
        ):
            print(f"step {step}: {self._readings(pl_module, step)}", file=sys.stderr)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        self._stop()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        self._stop()

    def _interval(self, trainer: pl.Trainer) -> int:
        """Steps between lines."""
        return max(1, trainer.max_steps // self.lines) if trainer.max_steps > 0 else 1000

    def _readings(self, pl_module: FieldTraining, step: int) -> str:
        rate = (step - self._first_step) / max(time.perf_counter() - self._start, 1e-9)
        reading = pl_module.signal.display.metrics[0]
        value = pl_module.measured.get(reading.key)
        shown = "" if value is None else f"{reading.label} {reading.form.format(value)}  "
        return f"{shown}{rate:.1f} steps/s"

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
