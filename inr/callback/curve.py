"""The curves of a run: loss, PSNR of the batch, learning rate and speed."""

from typing import Any

import pytorch_lightning as pl

from inr.argument import check_count
from inr.callback._record import Chart
from inr.callback._schedule import is_logging_step, next_logging_step
from inr.signal import Signal
from inr.training import FieldTraining


class CurveCallback(pl.Callback):
    """Logs loss, PSNR of the batch, learning rate and points per second.

    Args:
        psnr_points: Most points of the batch for the PSNR.
    """

    def __init__(self, *, psnr_points: int = 4096) -> None:
        self.psnr_points = check_count("psnr_points", psnr_points)
        self._seconds = 0.0
        self._points = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, FieldTraining)
        self._seconds, self._points = pl_module.clock.training_seconds, pl_module.points

    def charts(self, signal: Signal) -> list[Chart]:
        """The charts of the curves."""
        psnr = [Chart("Fit", "PSNR of the batch (dB)", "train/psnr")]
        has_psnr = any(metric.key == "psnr" for metric in signal.display.metrics)
        return [*(psnr if has_psnr else []), Chart("Fit", "Loss", "train/loss")]

    def next_stop(self, trainer: pl.Trainer) -> int | None:
        """The next step that has a point."""
        return next_logging_step(trainer, trainer.global_step)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        assert isinstance(pl_module, FieldTraining)
        if not is_logging_step(trainer):
            return
        with pl_module.clock.paused(pl_module.device):
            measured = self._measure(trainer, pl_module, outputs["loss"].mean().item())
            pl_module.measured |= measured
            for logger in trainer.loggers:
                logger.log_metrics(
                    {f"train/{k}": v for k, v in measured.items()}, trainer.global_step
                )

    def _measure(
        self, trainer: pl.Trainer, pl_module: FieldTraining, loss: float
    ) -> dict[str, float]:
        clock, seconds, points = pl_module.clock, self._seconds, self._points
        self._seconds, self._points = clock.training_seconds, pl_module.points
        return {
            "loss": loss,
            **pl_module.measure_batch(self.psnr_points),
            "lr": trainer.optimizers[0].param_groups[0]["lr"],
            "points_per_second": (self._points - points) / max(self._seconds - seconds, 1e-9),
        }
