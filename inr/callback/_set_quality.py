"""How well the fields of a set of images fit them."""

import pytorch_lightning as pl

from inr.callback._look import LookCallback
from inr.training import FieldTraining, StackTraining


class SetQualityCallback(LookCallback):
    """Logs means of the images' PSNR and SSIM, and the least PSNR.

    Args:
        per_decade: Looks per decade of steps.
    """

    renders = True

    def look(self, trainer: pl.Trainer, training: FieldTraining) -> None:
        assert isinstance(training, StackTraining)
        qualities = training.measure_members()
        metrics = mean_quality(qualities) | {"min_psnr": min(q["psnr"] for q in qualities)}
        training.measured |= metrics
        for logger in trainer.loggers:
            logger.log_metrics(metrics, trainer.global_step)


def mean_quality(qualities: list[dict[str, float]]) -> dict[str, float]:
    """The mean over images of each measure that all of them have."""
    return {
        key: sum(quality[key] for quality in qualities) / len(qualities)
        for key in qualities[0]
        if all(key in quality for quality in qualities)
    }
