"""Pictures of a run."""

import matplotlib
import pytorch_lightning as pl
import torch
from torch import Tensor

from inr.argument import check_count, check_positive
from inr.callback._look import LookCallback
from inr.callback._writer import tensorboard_writers
from inr.training import FieldTraining, measure


class ReconstructionCallback(LookCallback):
    """Shows target, reconstruction and error side by side, and logs their PSNR and SSIM.

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
        signal = training.signal
        values = training.render().clamp(*signal.value_range)
        metrics = measure(values, signal)
        training.readings |= metrics
        for logger in trainer.loggers:
            logger.log_metrics(metrics, trainer.global_step)
        if len(signal.lattice) != 2:
            return
        picture = self._picture(values, signal.values.view_as(values), signal.value_range)
        for writer in tensorboard_writers(trainer):
            writer.add_image(
                "target | reconstruction | error",
                picture,
                trainer.global_step,
                dataformats="HWC",
            )

    def _picture(self, values: Tensor, target: Tensor, value_range: tuple[float, float]) -> Tensor:
        """``(H, 3W + gaps, 3)`` bytes."""
        stride = 1
        while target[::stride, ::stride, 0].numel() > self.max_pixels:
            stride += 1
        lower, upper = value_range
        shown = [
            (part[::stride, ::stride].float().cpu() - lower) / (upper - lower)
            for part in (target, values)
        ]
        error = (shown[1] - shown[0]).abs().mean(-1) / self.error_scale
        heat = matplotlib.colormaps["magma"](error.clamp(0, 1).numpy())[..., :3]
        panels = [*(displayed(part) for part in shown), torch.from_numpy(heat).float()]
        gap = torch.ones(len(heat), 4, 3)
        row = [panels[0], gap, panels[1], gap, panels[2]]
        return (torch.cat(row, dim=1) * 255).round().byte()


def displayed(values: Tensor) -> Tensor:
    """``(H, W, C)`` values on [0, 1] as RGB, with alpha over white and other channels left out."""
    channels = values.shape[-1]
    color = values[..., :1].expand(*values.shape[:-1], 3) if channels < 3 else values[..., :3]
    if channels in (2, 4):
        alpha = values[..., -1:]
        color = alpha * color + (1 - alpha)
    return color.clamp(0, 1)
