"""Panels and colours of the figures of experiments."""

from collections.abc import Iterator

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
WIDTH = 4.4
HEIGHT = 3.7

Color = tuple[float, float, float, float]


def panels(*titles: str) -> tuple[Figure, list[Axes]]:
    """A row of panels with titles and a light grid."""
    figure = Figure(figsize=(WIDTH * len(titles), HEIGHT), layout="constrained")
    row = figure.subplots(1, len(titles), squeeze=False)[0]
    for axes, title in zip(row, titles, strict=True):
        axes.set_title(title, fontsize="medium")
        axes.grid(alpha=0.3)
    return figure, list(row)


def shades(count: int) -> list[Color]:
    """Colors from light to dark, for an increasing quantity."""
    return [tuple(shade) for shade in colormaps["viridis_r"](np.linspace(0.08, 1, count))]


def by_width(widths: np.ndarray, values: np.ndarray) -> Iterator[tuple[Color, int, np.ndarray]]:
    """A color, the width and the values of each width, darker for larger widths."""
    for shade, width, value in zip(shades(len(widths)), widths, values, strict=True):
        yield shade, int(width), value
