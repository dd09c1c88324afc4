"""The error in each octave of frequencies while a run trains."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.figure import Figure

from inr.callback._error import error_bands, error_energies
from inr.callback._probe import ProbeCallback
from inr.callback._record import Chart, Record
from inr.signal import Signal
from inr.training import Snapshot

# Of the whole energy: a transform in float32 leaves 1e-14 in a band where there is nothing.
ROUNDING = 1e-12


class FrequencyBandsCallback(ProbeCallback):
    r"""Logs the error in each octave of frequencies, over the whole lattice: the spectral bias.

    .. math:: e_b = \sum_{k \in b} |\hat f_k - \hat y_k|^2 \Big/ \sum_{k \in b} |\hat y_k|^2

    It is 0 where the field has the signal's content and 1 where it has nothing; a band in which the
    signal has nothing is left out. The field is not clipped. The errors go to the loggers as
    ``frequency_bands/03_4-8``, cycles per unit of coordinate; to TensorBoard also a figure of all
    probes; and to ``frequency_bands/step=00000100.npz`` what :func:`draw_band_errors` takes:
    ``step``, ``edges``, ``error_energies``, ``target_energies``, and the bands' ``counts``.

    The training is left as it is: weights and random draws are the same with it and without.

    Args:
        per_decade: Probes per decade of steps.

    References:
        Rahaman et al. 2019, "On the Spectral Bias of Neural Networks".
    """

    name = "frequency_bands"
    renders = True

    def __init__(self, *, per_decade: int = 2) -> None:
        super().__init__(per_decade)
        self._errors: dict[int, np.ndarray] = {}
        self._last: dict[str, np.ndarray] = {}

    def check(self, signal: Signal) -> None:
        if signal.targets(torch.zeros(1).long()) is None:
            raise ValueError(
                "the signal is known on its surface only, which has no frequencies; expected one "
                "that is known on a lattice."
            )

    def charts(self, signal: Signal) -> list[Chart]:
        return [Chart("Spectral bias", "Relative error of each octave", r"frequency_bands/.*")]

    def measure(self, snapshot: Snapshot) -> Record:
        bands = error_bands(snapshot.training)
        targets = snapshot.signal.targets()
        assert targets is not None
        target = targets.to(bands.index.device).view(*bands.shape, -1)
        arrays = {
            "edges": np.array(bands.edges),
            "counts": bands.counts.cpu().numpy(),
            "error_energies": error_energies(snapshot.training, lambda error: error).cpu().numpy(),
            "target_energies": bands.energies(target).double().cpu().numpy(),
        }
        self._errors[snapshot.step] = arrays["error_energies"]
        self._last = arrays
        errors = relative_errors(arrays["error_energies"], arrays["target_energies"])
        scalars = {
            f"frequency_bands/{label}": error
            for label, error in zip(bands.labels, errors.tolist(), strict=True)
            if np.isfinite(error)
        }
        return Record(arrays, scalars)

    def draw(self, snapshot: Snapshot) -> dict[str, Figure]:
        figure = draw_band_errors(
            list(self._errors),
            np.stack(list(self._errors.values())),
            self._last["target_energies"],
            self._last["edges"],
        )
        return {"errors": figure}


def relative_errors(error_energies: np.ndarray, target_energies: np.ndarray) -> np.ndarray:
    """Error over target in each band; NaN where the target has no more than rounding.

    Shape:
        ``(*probes, num_bands), (num_bands,) -> (*probes, num_bands)``
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
        steps: ``(probes,)``.
        error_energies: ``(probes, num_bands)``.
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
