"""Figures of a training beside its prediction, and which modes they show."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from inr.frequency import band_labels
from inr.ntk import log_spaced

Records = Mapping[int, Mapping[str, Any]]
LATE_RECORDS = 5
MODE_GROUPS = 40


def shown_modes(count: int, shown: int) -> list[int]:
    """Some of the modes, evenly spaced in the logarithm of their number."""
    return (log_spaced(count, shown) - 1).tolist()


def mode_ratios(record: dict[str, Any]) -> np.ndarray:
    """Each mode's error over its prediction; NaN where one of them is no more than rounding."""
    is_known = np.minimum(record["measured"], record["predicted"]) > record["rounding"]
    ratios: np.ndarray = record["measured"] / np.where(is_known, record["predicted"], np.nan)
    return ratios


def draw_dynamics(records: Records, modes: Sequence[int]) -> Figure:
    """Errors of some modes and of each octave against the step, and the ratios of all modes.

    Args:
        records: What each ``predicted_dynamics/step=….npz`` has, by step.
        modes: Those that are shown one by one, from 0.
    """
    steps = sorted(records)
    last = records[steps[-1]]
    has_bands = "band_energies" in last
    figure = Figure(figsize=(14.4 if has_bands else 10, 4.4), layout="constrained")
    axes = figure.subplots(1, 3 if has_bands else 2)
    _draw_modes(axes[0], records, steps, modes)
    _draw_ratios(axes[1], records, steps)
    if has_bands:
        _draw_bands(axes[2], records, steps)
    for panel in axes:
        panel.grid(alpha=0.3)
    figure.suptitle(f"Measured (dots) and predicted (lines) by {last['predictor']}", fontsize=11)
    return figure


def _draw_modes(axes: Axes, records: Records, steps: Sequence[int], modes: Sequence[int]) -> None:
    for number, mode in enumerate(modes):
        color = colormaps["viridis"](0.9 * number / max(len(modes) - 1, 1))
        predicted, measured = (
            [records[step][key][mode] for step in steps] for key in ("predicted", "measured")
        )
        axes.plot(steps, predicted, color=color, label=f"{mode + 1}")
        axes.plot(steps, measured, ".", color=color)
    rounding = records[steps[-1]]["rounding"]
    axes.axhline(rounding, color="0.6", linestyle=":", linewidth=1)
    axes.set_ylim(bottom=rounding / 10)
    _scale_steps(axes, steps)
    axes.set_ylabel("error along the mode, |qᵀr|")
    axes.set_title("Modes (dotted: rounding)", fontsize="medium")
    axes.legend(title="mode", frameon=False, fontsize="small", loc="lower left")


def _draw_ratios(axes: Axes, records: Records, steps: Sequence[int]) -> None:
    late = steps[1:][-LATE_RECORDS:] or steps
    for number, step in enumerate(late):
        color = colormaps["viridis"](0.9 * number / max(len(late) - 1, 1))
        modes, ratios = grouped_ratios(records[step])
        axes.loglog(modes, ratios, ".-", color=color, label=step)
    axes.axhline(1, color="0.3", linewidth=1)
    axes.set_ylim(0.03, 30)
    axes.set_xlabel("mode")
    axes.set_ylabel("measured / predicted (RMS of neighbours)")
    axes.set_title("Where the prediction holds: at 1", fontsize="medium")
    axes.legend(title="step", frameon=False, fontsize="small", loc="lower left")


def grouped_ratios(record: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Measured over predicted errors of neighbouring modes together, in the root mean square.

    Groups of which rounding hides one of the two are left out.

    Args:
        record: ``measured`` and ``predicted``, ``(modes,)``, and what is no more than ``rounding``.

    Returns:
        Numbers of modes in the middle of the groups, from 1, and the ratios.
    """
    count = len(record["measured"])
    edges = log_spaced(count + 1, MODE_GROUPS + 1).numpy() - 1
    sizes = np.diff(edges)
    measured, predicted = (
        np.sqrt(np.add.reduceat(record[key] ** 2, edges[:-1]) / sizes)
        for key in ("measured", "predicted")
    )
    shown = np.minimum(measured, predicted) > record["rounding"]
    middles = np.sqrt((edges[:-1] + 1) * edges[1:])
    return middles[shown], measured[shown] / predicted[shown]


def _draw_bands(axes: Axes, records: Records, steps: Sequence[int]) -> None:
    edges = records[steps[-1]]["band_edges"].tolist()
    labels = ["mean", *(label.partition("_")[2] for label in band_labels(edges)[1:])]
    for band, label in enumerate(labels):
        color = "0.5" if band == 0 else colormaps["plasma"](0.9 * (band - 1) / (len(labels) - 1))
        predicted, measured = (
            [records[step][key][band] for step in steps]
            for key in ("predicted_band_energies", "band_energies")
        )
        axes.plot(steps, predicted, color=color, label=label)
        axes.plot(steps, measured, ".", color=color)
    _scale_steps(axes, steps)
    axes.set_ylabel("energy of the error")
    axes.set_title("Octaves of frequency (cycles per unit)", fontsize="medium")
    axes.legend(frameon=False, fontsize="small", loc="lower left")


def _scale_steps(axes: Axes, steps: Sequence[int]) -> None:
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlim(-0.1, 1.3 * max(steps[-1], 1))
    axes.set_yscale("log")
    axes.set_xlabel("step")


def draw_pictures(pictures: Mapping[str, np.ndarray], predictor: str) -> Figure:
    """Pictures of ``(H, W, 3)`` on [0, 1] beside each other, by title."""
    height, width = next(iter(pictures.values())).shape[:2]
    figure = Figure(figsize=(3 * len(pictures), 3 * height / width + 0.9), layout="constrained")
    for axes, (title, picture) in zip(
        figure.subplots(1, len(pictures)), pictures.items(), strict=True
    ):
        axes.imshow(picture, interpolation="nearest")
        axes.set_title(title, fontsize="medium")
        axes.set_axis_off()
    figure.suptitle(f"Prediction by {predictor}", fontsize=11)
    return figure
