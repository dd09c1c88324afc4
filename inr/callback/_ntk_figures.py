"""Figures of tangent kernels, from the arrays that a probe writes."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

MOST_CURVES = 10
Records = Mapping[int, Mapping[str, Any]]


def draw_spectra(records: Records, key: str = "eigenvalues", title: str = "") -> Figure:
    """Eigenvalues against their number, both logarithmic, darker to brighter with the step.

    Args:
        records: What each ``ntk/step=….npz`` has, by step.
        key: ``eigenvalues`` or ``preconditioned_eigenvalues``.
        title: Another one than that of the plain kernel.
    """
    figure, axes = _figure()
    for step, color, record in _colored(records):
        if key in record:
            values = record[key]
            positive = values[values > 0]
            axes.loglog(np.arange(1, len(positive) + 1), positive, color=color, label=step)
    axes.set_xlabel("mode")
    axes.set_ylabel("eigenvalue")
    axes.set_title(title or "Spectrum of the tangent kernel Θ")
    return _with_legend(figure, axes)


def draw_residuals(records: Records) -> Figure:
    """Share of the error that lies in the leading modes: what is still to be learned, and where."""
    figure, axes = _figure()
    for step, color, record in _colored(records):
        shares = np.cumsum(record["residual_energies"])
        axes.semilogx(np.arange(1, len(shares) + 1), shares, color=color, label=step)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("leading modes of Θ")
    axes.set_ylabel("share of the squared error in them")
    axes.set_title("Which modes are still unlearned")
    return _with_legend(figure, axes)


def draw_rates(records: Records) -> Figure:
    """Rates at which each octave's error decays: measured, and predicted from the record before.

    A band whose error grew since the record before is left out.
    """
    figure, axes = _figure()
    for step, color, record in _colored(records):
        if "measured_rates" not in record:
            continue
        bands = np.arange(1, len(record["measured_rates"]))
        for key, style in (("predicted_rates", "--"), ("measured_rates", "-o")):
            if key not in record:
                continue
            rates = record[key][1:]
            shown = rates > 0
            label = f"to {step}" if key == "measured_rates" else None
            axes.semilogy(bands[shown], rates[shown], style, color=color, label=label, markersize=3)
    last = records[max(records)]
    edges = last["band_edges"]
    ticks = np.arange(1, len(edges) - 1)
    axes.set_xticks(ticks, [f"{edges[b]}–{edges[b + 1]}" for b in ticks], fontsize="small")
    axes.set_xlabel("frequency (cycles per unit of coordinate)")
    axes.set_ylabel("decay of the error per step")
    axes.set_title(
        "Decay of the error since the record before\n"
        f"solid: measured; dashed: predicted by {last['predictor']}",
        fontsize="medium",
    )
    return _with_legend(figure, axes)


def draw_content(eigenvector_bands: np.ndarray, edges: Sequence[int], step: int) -> Figure:
    """Share of each octave in each eigenvector: large eigenvalues are low frequencies.

    Args:
        eigenvector_bands: ``(modes, num_bands)``.
        edges: ``(num_bands + 1,)``, in cycles per unit of coordinate.
        step: Step of the record.
    """
    figure, axes = _figure()
    modes = np.arange(len(eigenvector_bands) + 1) + 0.5
    image = axes.pcolormesh(
        modes,
        np.arange(len(edges)),
        eigenvector_bands.T,
        cmap="cividis",
        vmin=0,
        vmax=1,
        rasterized=True,
    )
    axes.set_xscale("log")
    names = ["mean", *(f"{low}–{high}" for low, high in itertools.pairwise(edges[1:]))]
    axes.set_yticks(np.arange(len(names)) + 0.5, names, fontsize="small")
    axes.set_xlabel("mode")
    axes.set_ylabel("frequency (cycles per unit of coordinate)")
    axes.set_title(f"Fourier content of the eigenvectors of Θ at step {step}")
    axes.grid(visible=False)
    figure.colorbar(
        image, cax=figure.add_axes((0.83, 0.12, 0.03, 0.76)), label="share of its energy"
    )
    return figure


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7.4, 4.4))
    axes = figure.subplots()
    # Fixed: a layout that is fitted takes thrice the time to draw.
    figure.subplots_adjust(left=0.13, right=0.8, bottom=0.12, top=0.88)
    axes.grid(alpha=0.3)
    return figure, axes


def _colored(records: Records) -> list[tuple[int, tuple[float, ...], Mapping[str, Any]]]:
    """Records by step, each with a colour that is brighter for later ones; of many, some."""
    steps = sorted(records)
    shown = steps[-1 :: -(-len(steps) // MOST_CURVES) * -1][::-1]
    count = max(len(shown) - 1, 1)
    return [
        (step, colormaps["viridis"](0.9 * number / count), records[step])
        for number, step in enumerate(shown)
    ]


def _with_legend(figure: Figure, axes: Axes) -> Figure:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(
            title="step",
            loc="upper left",
            bbox_to_anchor=(1.01, 1.0),
            frameon=False,
            fontsize="small",
        )
    return figure
