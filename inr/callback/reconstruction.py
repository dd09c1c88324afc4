"""What there is to see of a run."""

import pytorch_lightning as pl

from inr.argument import check_count, check_positive
from inr.callback._look import LookCallback
from inr.callback._writer import add_preview, tensorboard_writers
from inr.training import FieldTraining


class ReconstructionCallback(LookCallback):
    """Shows what has been learnt beside the signal, and logs how well the field fits.

    Args:
        per_decade: Looks per decade of steps.
        error_scale: The error, as a share of the value range, that is shown brightest.
        max_pixels: Larger pictures are thinned to at most this many pixels; metrics never are.
    """

    renders = True

    def __init__(
        self, *, per_decade: int = 2, error_scale: float = 0.1, max_pixels: int = 1_000_000
    ) -> None:
        super().__init__(per_decade)
        self.error_scale = check_positive("error_scale", error_scale)
        self.max_pixels = check_count("max_pixels", max_pixels)

    def look(self, trainer: pl.Trainer, training: FieldTraining) -> None:
        display, signal, field = training.signal.display, training.signal, training.field
        rendering = training.render()
        metrics = display.measure(field, signal, rendering)
        training.measured |= metrics
        for logger in trainer.loggers:
            logger.log_metrics(metrics, trainer.global_step)
        writers = tensorboard_writers(trainer)
        if not writers:
            return
        previews = display.show(
            field,
            signal,
            rendering,
            error_scale=self.error_scale,
            max_pixels=self.max_pixels,
            thorough=trainer.global_step == trainer.max_steps,
        )
        for preview in previews:
            for writer in writers:
                add_preview(writer, preview, trainer.global_step)
