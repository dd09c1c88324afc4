"""The metrics file and the summary table of a run."""

import json
import math
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from rich.console import Console
from rich.table import Table
from torch import nn

from inr.atomic import replacing
from inr.signal import FiniteSignal, Metric
from inr.training import FieldTraining


def collect_metrics(
    trainer: pl.Trainer, training: FieldTraining, quality: dict[str, float], seconds: float
) -> dict[str, Any]:
    """The content of ``metrics.json``.

    ``bits_per_sample`` is the size of the trainable parameters over the number of lattice points,
    where the signal has no others.
    """
    size = {}
    if isinstance(training.signal, FiniteSignal):
        parameters = [p for p in training.field.parameters() if p.requires_grad]
        bits = sum(8 * p.numel() * p.element_size() for p in parameters)
        size = {"bits_per_sample": bits / training.signal.num_points}
    return {
        **quality,
        "loss": training.measured.get("loss"),
        "steps": trainer.global_step,
        "seconds": seconds,
        "points_per_second": training.points / (seconds - training.clock.paused_seconds),
        "parameters": count_parameters(training.field),
        **size,
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
    found = {
        key: measured(value) if isinstance(value, dict) else value for key, value in metrics.items()
    }
    return {key: value for key, value in found.items() if _is_measured(value)}


def _is_measured(value: Any) -> bool:
    is_number = isinstance(value, int | float)
    return abs(value) < float("inf") if is_number else value is not None


def print_summary(
    metrics: dict[str, Any],
    readings: Sequence[Metric],
    folder: Path,
    reconstruction: Path,
) -> None:
    """A short table on stdout: of one field, or the means over many.

    Args:
        metrics: What was measured.
        readings: Which of it is told, and how.
        folder: Run directory.
        reconstruction: What has been learnt.
    """
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for key, label, form in readings:
        if key in metrics:
            table.add_row(label, form.format(metrics[key]))
    if "min_psnr" in metrics:
        table.add_row("worst", f"{metrics['min_psnr']:.2f} dB, {metrics['worst']}")
    if "exact_share" in metrics:
        table.add_row("exact", f"{_floored_percent(metrics['exact_share'])} of the values")
    table.add_row("time", f"{metrics['seconds']:.1f} s, {metrics['steps']} steps")
    table.add_row("speed", f"{metrics['points_per_second']:.3g} points/s")
    bits = metrics.get("bits_per_sample")
    share = "" if bits is None else f", {bits:.3g} bits per sample"
    table.add_row("size", f"{metrics['parameters']:,} parameters{share}")
    table.add_row("result", str(reconstruction))
    table.add_row("run", str(folder))
    table.add_row("watch", f"tensorboard --logdir {shlex.quote(str(folder.parent))}")
    # Rich would break paths at the edge of the terminal, and cut them in the table.
    width = max(80, 24 + len(str(reconstruction)))
    Console(width=width, highlight=False, markup=False).print(table)


def _floored_percent(share: float) -> str:
    """Never 100 % where something is missing."""
    return "100 %" if share == 1 else f"{math.floor(1e4 * share) / 100:.2f} %"
