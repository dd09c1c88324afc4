"""The spectrum of the tangent kernel while a run trains."""

from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
from matplotlib import colormaps
from matplotlib.figure import Figure

from inr.argument import check_count
from inr.atomic import replacing
from inr.callback._look import LookCallback
from inr.callback._writer import tensorboard_writers
from inr.ntk import probe_lattice
from inr.training import FieldTraining

CURVE_POINTS = 200


class NTKSpectrumCallback(LookCallback):
    """Logs the eigenvalues of the empirical tangent kernel on a regular sub-lattice.

    It looks at each checkpoint too. The kernel is exact, in float64, and the mean over outputs.
    Eigenvalues go to ``ntk/step=00000100.npz``; to the loggers go λmax, trace, condition number and
    effective rank; to TensorBoard also the series ``ntk_spectrum/step_00000100``, log10 λ against
    the mode's number, and a figure of all looks.

    The training is left as it is: weights and random draws are the same with it and without.

    Args:
        num_points: Lattice points in the kernel, at most.
        per_decade: Looks per decade of steps.
    """

    def __init__(self, *, num_points: int = 1024, per_decade: int = 1) -> None:
        super().__init__(per_decade)
        self.num_points = check_count("num_points", num_points)
        self._spectra: dict[int, np.ndarray] = {}

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        # Who interrupts a run wants it to end.
        if not trainer.should_stop:
            self.look_once(trainer, pl_module)

    def look(self, trainer: pl.Trainer, training: FieldTraining) -> None:
        step = trainer.global_step
        probe = probe_lattice(training.field, training.signal.lattice, self.num_points)
        self._spectra[step] = probe.eigenvalues.numpy()
        arrays = {"eigenvalues": probe.eigenvalues.numpy(), "coords": probe.coords.numpy()}
        path = Path(trainer.default_root_dir) / "ntk" / f"step={step:08d}.npz"
        with replacing(path) as temporary:
            np.savez(temporary, step=step, **arrays, **probe.scalars)  # type: ignore[arg-type]
        self._log(trainer, step, probe.scalars)

    def _log(self, trainer: pl.Trainer, step: int, scalars: dict[str, float]) -> None:
        finite = {f"ntk/{k}": v for k, v in scalars.items() if np.isfinite(v)}
        for logger in trainer.loggers:
            logger.log_metrics(finite, step)
        spectrum = self._spectra[step]
        modes = np.unique(np.geomspace(1, len(spectrum), CURVE_POINTS).round().astype(int))
        for writer in tensorboard_writers(trainer):
            for mode in modes[spectrum[modes - 1] > 0]:
                writer.add_scalar(
                    f"ntk_spectrum/step_{step:08d}", np.log10(spectrum[mode - 1]), mode
                )
            writer.add_figure("ntk/spectrum", draw_spectra(self._spectra), step)


def draw_spectra(spectra: dict[int, np.ndarray]) -> Figure:
    """Eigenvalues against their number, both logarithmic, darker to brighter with the step."""
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.subplots()
    for position, (step, values) in enumerate(sorted(spectra.items())):
        color = colormaps["viridis"](0.9 * position / max(len(spectra) - 1, 1))
        positive = values[values > 0]
        axes.loglog(np.arange(1, len(positive) + 1), positive, color=color, label=f"step {step}")
    axes.set_xlabel("mode")
    axes.set_ylabel("eigenvalue of Θ")
    axes.set_title("Spectrum of the tangent kernel")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize="small")
    return figure
