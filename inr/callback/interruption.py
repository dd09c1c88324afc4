"""Ctrl-C and SIGTERM."""

import signal
import sys
import threading
from typing import Any

import pytorch_lightning as pl


class InterruptionCallback(pl.Callback):
    """Ends training within a tenth of a second on Ctrl-C or SIGTERM; a second one ends it at once.

    Attributes:
        signal_number: The signal that was received; None when there was none.
    """

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self._previous: dict[int, Any] = {}

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._receive)

    def next_stop(self, trainer: pl.Trainer) -> int | None:
        """Whenever a block of steps ends."""
        return None

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        stop = self.signal_number is not None
        if trainer.world_size > 1:
            stop = trainer.strategy.reduce_boolean_decision(stop, all=False)
        if stop:
            trainer.should_stop = True

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        self._restore()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        self._restore()

    def _receive(self, number: int, frame: Any) -> None:
        self.signal_number = number
        self._restore()
        # Not Lightning's handler, which waits for the step like this one.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        print(
            f"\n{signal.Signals(number).name}: stopping after this step, with a checkpoint.",
            file=sys.stderr,
        )

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}
