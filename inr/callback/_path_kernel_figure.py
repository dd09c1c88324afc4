"""The figure of a path kernel: which training pixels made a pixel what it is."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

SHOWN_POINTS = 7
SATURATED = 0.99


def influence_maps(
    contributions: np.ndarray, train_index: np.ndarray, lattice: Sequence[int]
) -> np.ndarray:
    """Contributions where they came from, the mean over outputs; NaN at points not trained on.

    Args:
        contributions: ``(m, c, n)``.
        train_index: ``(n,)`` flat positions in the lattice, in C order.
        lattice: Cells per axis, in array order.

    Shape:
        ``(m, *lattice)``.
    """
    maps = np.full((len(contributions), math.prod(lattice)), np.nan)
    maps[:, train_index] = contributions.mean(1)
    return maps.reshape(len(contributions), *lattice)


def draw_influence(record: dict[str, Any], picture: np.ndarray, step: int) -> Figure:
    """A map for each of some test points: which pixels made it brighter, and which darker.

    Args:
        record: What ``path_kernel/step=….npz`` has, of a two-dimensional lattice.
        picture: ``(H, W, 3)``, what the field is now, on [0, 1].
        step: Step of the record.
    """
    count = len(record["index"])
    shown = np.unique(np.linspace(0, count - 1, min(SHOWN_POINTS, count)).round().astype(int))
    maps = influence_maps(record["contributions"][shown], record["train_index"], record["lattice"])
    rows, columns = np.unravel_index(record["index"][shown], tuple(record["lattice"]))
    # A few pixels contribute far more than all others, which are the picture.
    limit = float(np.nanquantile(np.abs(maps), SATURATED)) or 1.0
    figure, axes = _panels(record["lattice"], len(shown) + 1)
    axes[0].imshow(picture, interpolation="nearest")
    axes[0].set_title("the field", fontsize="small")
    for number, (row, column) in enumerate(zip(rows, columns, strict=True), 1):
        _mark(axes[0], row, column, str(number))
        image = axes[number].imshow(
            maps[number - 1], cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest"
        )
        axes[number].set_facecolor("0.85")
        _mark(axes[number], row, column)
        before, after = (record[key][shown[number - 1]].mean() for key in ("initial", "network"))
        axes[number].set_title(f"{number}:  {before:.2f} → {after:.2f}", fontsize="small")
    bottom, top = figure.subplotpars.bottom, figure.subplotpars.top
    figure.colorbar(
        image,
        cax=figure.add_axes((figure.subplotpars.right + 0.015, bottom, 0.018, top - bottom)),
        extend="both",
        label="contribution to the output",
    )
    figure.suptitle(
        "How much each training pixel brightened (red) or darkened (blue) the ringed one\n"
        f"steps {record['start']} to {step}: all together, what was learned within "
        f"{100 * record['error']:.3g} %",
        fontsize="medium",
    )
    return figure


def _panels(lattice: Sequence[int], count: int) -> tuple[Figure, list[Axes]]:
    """Panels in two rows, in the shape of the lattice, with room for titles and a colour bar."""
    across = (count + 1) // 2
    aspect = min(max(lattice[0] / lattice[1], 0.2), 5.0)
    wide, high = 2.2 / max(aspect, 1.0), 2.2 * min(aspect, 1.0)
    # As wide as the title, at least.
    width, height = max(across * (wide + 0.12) + 1.4, 6.9), 2 * (high + 0.3) + 0.6
    figure = Figure(figsize=(width, height))
    axes = list(figure.subplots(2, across, squeeze=False).ravel())
    figure.subplots_adjust(
        left=0.1 / width,
        right=1 - 1.4 / width,
        bottom=0.1 / height,
        top=1 - 0.8 / height,
        wspace=0.06,
        hspace=0.3 / high,
    )
    for number, axis in enumerate(axes):
        axis.set_xticks([])
        axis.set_yticks([])
        axis.set_visible(number < count)
    return figure, axes


def _mark(axis: Axes, row: int, column: int, name: str = "") -> None:
    # White around black: seen on every colour.
    for color, thickness in (("white", 3.0), ("black", 1.2)):
        axis.plot(column, row, "o", markersize=9, mfc="none", mec=color, markeredgewidth=thickness)
    if name:
        axis.annotate(
            name,
            (column, row),
            textcoords="offset points",
            xytext=(6, 4),
            fontsize="small",
            bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none"},
        )
