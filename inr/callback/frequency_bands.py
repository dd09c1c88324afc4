"""The error in each octave of frequencies while a run trains."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from matplotlib import colormaps
from matplotlib.figure import Figure

from inr.atomic import replacing
from inr.callback._error import error_bands, error_energies
from inr.callback._look import LookCallback
from inr.callback._writer import tensorboard_writers
from inr.signal import Signal
from inr.training import FieldTraining

# Of the whole energy: a transform in float32 leaves 1e-14 in a band where there is nothing.
ROUNDING = 1e-12


class FrequencyBandsCallback(LookCallback):
    r"""Logs the error in each octave of frequencies, over the whole lattice: the spectral bias.

    .. math:: e_b = \sum_{k \in b} |\hat f_k - \hat y_k|^2 \Big/ \sum_{k \in b} |\hat y_k|^2

    It is 0 where the field has the signal's content and 1 where it has nothing; a band in which the
    signal has nothing is left out. The field is not clipped. The errors go to the loggers as
    ``frequency_bands/03_4-8``, cycles per unit of coordinate; to TensorBoard also a figure of all
    looks; and to ``frequency_bands/step=00000100.npz`` what :func:`draw_band_errors` takes:
    ``step``, ``edges``, ``error_energies``, ``target_energies``, and the bands' ``counts``.

    The training is left as it is: weights and random draws are the same with it and without.

    Args:
        per_decade: Looks per decade of steps.

    References:
        Rahaman et al. 2019, "On the Spectral Bias of Neural Networks".
    """

    renders = True

    def __init__(self, *, per_decade: int = 2) -> None:
        super().__init__(per_decade)
        self._errors: dict[int, np.ndarray] = {}

    def check(self, signal: Signal) -> None:
        if signal.targets(torch.zeros(1).long()) is None:
            raise ValueError(
                "the signal is known on its surface only, which has no frequencies; expected "
                "callback.frequency_bands=null."
            )

    def look(self, trainer: pl.Trainer, training: FieldTraining) -> None:
        step, bands = trainer.global_step, error_bands(training)
        targets = training.signal.targets()
        assert targets is not None
        target = targets.to(bands.index.device).view(*bands.shape, -1)
        arrays = {
            "edges": np.array(bands.edges),
            "counts": bands.counts.cpu().numpy(),
            "error_energies": error_energies(training, lambda error: error).cpu().numpy(),
            "target_energies": bands.energies(target).double().cpu().numpy(),
        }
        path = Path(trainer.default_root_dir) / "frequency_bands" / f"step={step:08d}.npz"
        with replacing(path) as temporary:
            np.savez(temporary, step=step, **arrays)  # type: ignore[arg-type]
        self._errors[step] = arrays["error_energies"]
        self._log(trainer, bands.labels, arrays)
        self.draw_if_affordable(trainer, training, lambda: self._draw(trainer, arrays))

    def _log(
        self, trainer: pl.Trainer, labels: Sequence[str], arrays: dict[str, np.ndarray]
    ) -> None:
        errors = relative_errors(arrays["error_energies"], arrays["target_energies"])
        scalars = {
            f"frequency_bands/{label}": error
            for label, error in zip(labels, errors.tolist(), strict=True)
            if np.isfinite(error)
        }
        for logger in trainer.loggers:
            logger.log_metrics(scalars, trainer.global_step)

    def _draw(self, trainer: pl.Trainer, arrays: dict[str, np.ndarray]) -> None:
        figure = draw_band_errors(
            list(self._errors),
            np.stack(list(self._errors.values())),
            arrays["target_energies"],
            arrays["edges"],
        )
        for writer in tensorboard_writers(trainer):
            writer.add_figure("frequency_bands/errors", figure, trainer.global_step)


def relative_errors(error_energies: np.ndarray, target_energies: np.ndarray) -> np.ndarray:
    """Error over target in each band; NaN where the target has no more than rounding.

    Shape:
        ``(*looks, num_bands), (num_bands,) -> (*looks, num_bands)``
    """
    present = target_energies > ROUNDING * target_energies.sum()
    return error_energies / np.where(present, target_energies, np.nan)


def draw_band_errors(
    steps: Sequence[int],
    error_energies: np.ndarray,
    target_energies: np.ndarray,
    edges: np.ndarray,
) -> Figure:
    """Relative error of each band against the step, both logarithmic; brighter bands are higher.

    Args:
        steps: ``(looks,)``.
        error_energies: ``(looks, num_bands)``.
        target_energies: ``(num_bands,)``; bands without are left out.
        edges: ``(num_bands + 1,)``, in cycles per unit of coordinate.
    """
    figure = Figure(figsize=(7.4, 4.4))
    axes = figure.subplots()
    # Fixed: a layout that is fitted takes thrice the time to draw.
    figure.subplots_adjust(left=0.12, right=0.8, bottom=0.12, top=0.9)
    errors = relative_errors(error_energies, target_energies)
    axes.axhline(1, color="0.6", linewidth=1, linestyle=":")
    for band in range(len(target_energies)):
        if np.isnan(errors[:, band]).all():
            continue
        brightness = 0.95 * (band - 1) / max(len(target_energies) - 2, 1)
        axes.plot(
            steps,
            errors[:, band],
            color="0.4" if band == 0 else colormaps["viridis"](brightness),
            linestyle="--" if band == 0 else "-",
            marker=".",
            label="mean" if band == 0 else f"{edges[band]}–{edges[band + 1]}",
        )
    axes.set_xscale("symlog", linthresh=1)
    axes.set_yscale("log")
    axes.set_xlabel("step")
    axes.set_ylabel("relative error (energy of error / energy of signal)")
    axes.set_title("Spectral bias: error in each octave of frequencies")
    axes.grid(alpha=0.3)
    handles, labels = axes.get_legend_handles_labels()
    # The highest on top, as the curves are.
    axes.legend(
        handles[::-1],
        labels[::-1],
        title="cycles per unit\nof coordinate",
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        frameon=False,
        fontsize="small",
        title_fontsize="small",
    )
    return figure
