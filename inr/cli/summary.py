"""What is said at the end of a run."""

import json
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from omegaconf import OmegaConf
from pytorch_lightning.loggers import TensorBoardLogger
from rich.console import Console
from rich.table import Table
from torch import nn

from inr.atomic import replacing
from inr.training import FieldTraining

DECIBELS = {"psnr": "PSNR", "train_psnr": "PSNR, trained on", "test_psnr": "PSNR, held out"}


def collect_metrics(
    trainer: pl.Trainer, training: FieldTraining, quality: dict[str, float], seconds: float
) -> dict[str, Any]:
    """The content of ``metrics.json``.

    ``bits_per_sample`` is the size of the trainable parameters over the number of lattice points.
    """
    parameters = [p for p in training.field.parameters() if p.requires_grad]
    bits = sum(8 * p.numel() * p.element_size() for p in parameters)
    return {
        **quality,
        "loss": training.readings.get("loss"),
        "steps": trainer.global_step,
        "seconds": seconds,
        "points_per_second": training.points / (seconds - training.clock.paused_seconds),
        "parameters": count_parameters(training.field),
        "bits_per_sample": bits / training.signal.num_points,
    }


def count_parameters(field: nn.Module) -> int:
    """Trainable ones."""
    return sum(p.numel() for p in field.parameters() if p.requires_grad)


def write_metrics(path: Path, metrics: dict[str, Any]) -> None:
    """Writes what was measured; an infinite PSNR (no error at all) is left out."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(measured(metrics), indent=2) + "\n")


def measured(metrics: dict[str, Any]) -> dict[str, Any]:
    """The finite values: JSON knows no others."""
    return {
        key: value
        for key, value in metrics.items()
        if value is not None and abs(value) < float("inf")
    }


def log_hyperparameters(
    trainer: pl.Trainer, config: dict[str, Any], metrics: dict[str, Any] | None = None
) -> None:
    """The knobs of a run beside its results, so that the runs of a sweep can be sorted.

    TensorBoard wants both at once and gets them at the end, and the whole configuration as text
    at the start; other loggers get the knobs at the start.
    """
    knobs = {
        family: config[family]
        for family in ("signal", "encoding", "network", "sampler", "loss", "optimizer", "scheduler")
    }
    knobs["trainer"] = {key: config["trainer"][key] for key in ("max_steps", "precision")}
    knobs["seed"] = config["seed"]
    for logger in trainer.loggers:
        if not isinstance(logger, TensorBoardLogger):
            if metrics is None:
                logger.log_hyperparams(knobs)
        elif metrics is None:
            logger.experiment.add_text("config", f"```yaml\n{OmegaConf.to_yaml(config)}```")
        else:
            final = {f"final/{key}": value for key, value in measured(metrics).items()}
            logger.log_hyperparams(knobs, final)
            logger.save()


def print_summary(metrics: dict[str, Any], folder: Path, reconstruction: Path) -> None:
    """A short table on stdout."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for key, label in DECIBELS.items():
        if key in metrics:
            table.add_row(label, f"{metrics[key]:.2f} dB")
    if "ssim" in metrics:
        table.add_row("SSIM", f"{metrics['ssim']:.4f}")
    table.add_row("time", f"{metrics['seconds']:.1f} s, {metrics['steps']} steps")
    table.add_row("speed", f"{metrics['points_per_second']:.3g} points/s")
    table.add_row(
        "size",
        f"{metrics['parameters']:,} parameters, {metrics['bits_per_sample']:.3g} bits per sample",
    )
    console = Console(soft_wrap=True, highlight=False)
    console.print(table)
    console.print(f"picture     {reconstruction}")
    console.print(f"run         {folder}")
    console.print(f"watch       tensorboard --logdir {folder.parent}")
