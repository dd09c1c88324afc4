"""The display of functions of one or two variables."""

import csv
import itertools
import os
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from inr.atomic import replacing
from inr.field.file import FieldDescription
from inr.field.rendering import render_slabs
from inr.lattice import Region, lattice_points
from inr.progress import with_bar
from inr.raster import PixelFormat
from inr.signal._lattice_display import LatticeDisplay
from inr.signal._picture import TITLE, compare_images
from inr.signal._preview import PicturePreview, Preview
from inr.signal._units import Edge, Units, count_cells, growth, zero_of
from inr.signal.function.axis import Axis

if TYPE_CHECKING:
    from inr.signal.function.signal import FunctionSignal

STRETCHES = 2000


class FunctionDisplay(LatticeDisplay):
    """PSNR, curves or pictures, and files of numbers."""

    suffixes = (".csv", ".npz")

    def format_of(self, signal: "FunctionSignal") -> dict[str, Any]:
        axis = None if signal.x is None else asdict(signal.x)
        return {**asdict(signal.value_format), "column": signal.column, "x": axis}

    def units(self, description: FieldDescription) -> Units:
        pixels, axis = self.pixel_format(description), self.axis(description)
        factor, zero = growth(pixels), zero_of(pixels)
        if axis is not None:
            return Units("values", factor, [Edge(axis.length, f"unit of {axis.name}")], zero)
        points = len(description.lattice) * ["point"]
        return Units("values", factor, count_cells(description, *points), zero)

    def restore(self, values: np.ndarray, description: FieldDescription) -> np.ndarray:
        return self.pixel_format(description).restore(values)

    def pixel_format(self, description: FieldDescription) -> PixelFormat:
        known = {part.name: description.format[part.name] for part in fields(PixelFormat)}
        return PixelFormat(**{**known, "value_range": tuple(known["value_range"])})

    def axis(self, description: FieldDescription) -> Axis | None:
        """The unit interval in the numbers of the table; None where the table does not say."""
        known = description.format.get("x")
        return None if known is None else Axis(**known)

    def show(
        self,
        field: nn.Module,
        signal: "FunctionSignal",
        rendering: Tensor,
        *,
        error_scale: float,
        max_pixels: int,
        thorough: bool = False,
    ) -> list[Preview]:
        """Curves over each other, or pictures beside each other."""
        target = signal.values.view_as(rendering)
        if len(signal.lattice) == 1:
            curves = draw_curves(target, rendering, signal.x)
            return [PicturePreview("target and reconstruction", curves)]
        row = compare_images(
            target,
            rendering,
            signal.value_range,
            error_scale=error_scale,
            max_pixels=max_pixels,
        )
        return [PicturePreview(TITLE, row.numpy())]

    def native_suffix(self, description: FieldDescription) -> str:
        return ".csv" if len(description.lattice) == 1 else ".npz"

    def write(
        self,
        path: str | os.PathLike[str],
        field: nn.Module,
        description: FieldDescription,
        *,
        size: tuple[int, ...] | None = None,
        region: Region | None = None,
        progress: bool = False,
    ) -> None:
        """Writes coordinates and values, in the function's own numbers.

        Coordinates are in the numbers of the table's column ``x``, and CSV has the table's names.
        Without such a column they are on [0, 1], and CSV calls them ``position``.

        Raises:
            ValueError: The suffix is unknown, or CSV is asked for a function of two variables.
        """
        path, shape = Path(path), size or description.lattice
        suffix = path.suffix.lower()
        if suffix not in self.suffixes or (suffix == ".csv" and len(shape) > 1):
            kinds = ".npz" if len(shape) > 1 else " or ".join(self.suffixes)
            raise ValueError(f"{path.name} has another suffix; expected {kinds}.")
        form = self.pixel_format(description)
        slabs = with_bar(render_slabs(field, shape, region=region), shape[0], shown=progress)
        values = np.concatenate([form.restore(slab) for slab in slabs])[..., 0]
        coords = lattice_points(shape, region=region, dtype=torch.float64).numpy()
        axis, names = self.axis(description), ["position", "y"]
        if axis is not None:
            coords = axis.at(coords)
            names = [_as_word(name) for name in (axis.name, description.format["column"])]
        with replacing(path) as temporary:
            if suffix == ".npz":
                with temporary.open("wb") as file:
                    np.savez(file, values=values, coords=coords)
            else:
                with temporary.open("w", newline="") as text:
                    writer = csv.writer(text)
                    writer.writerow(names)
                    writer.writerows(zip(coords[:, 0].tolist(), values.tolist(), strict=True))


def _as_word(name: str) -> str:
    """A column's name in a header, where a number would be read as a number."""
    return f"column {name}" if name.isdigit() else name


def thin_curve(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates and values of a curve that looks like one of ``(n,)`` values.

    A long curve keeps the least and the greatest value of each of :data:`STRETCHES` stretches, in
    their order: more than a picture has columns, and no peak is lost.
    """
    count = len(values)
    kept = np.arange(count)
    if count > 2 * STRETCHES:
        starts = np.linspace(0, count, STRETCHES + 1).astype(int)
        parts = [(a, values[a:b]) for a, b in itertools.pairwise(starts)]
        kept = np.sort([a + end for a, part in parts for end in (part.argmin(), part.argmax())])
    return (kept + 0.5) / count, values[kept]


def draw_curves(target: Tensor, values: Tensor, axis: Axis | None = None) -> np.ndarray:
    """Two curves over the unit interval or ``axis``, and their difference: ``(H, W, 3)`` bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 4.5))
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    # A layout that is fitted takes twice the time to draw.
    figure.subplots_adjust(left=0.08, right=0.98, bottom=0.11, top=0.92, hspace=0.2)
    wanted, found = (part[..., 0].float().cpu().numpy() for part in (target, values))
    lines = [
        (above, wanted, {"color": "0.7", "linewidth": 3, "label": "target"}),
        (above, found, {"color": "C3", "linewidth": 1, "label": "reconstruction"}),
        (below, found - wanted, {"color": "C0", "linewidth": 1}),
    ]
    for plot, values_of, style in lines:
        x, y = thin_curve(values_of)
        plot.plot(x if axis is None else axis.at(x), y, **style)
    above.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 0.98))
    # The font may not have the letters of the column's name.
    below.set(xlabel="position" if axis is None else "x", ylabel="error")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
