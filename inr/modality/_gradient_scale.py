"""What derivatives of a field are, in the terms of the file that it was fitted to."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from inr.field_file import FieldDescription
from inr.modality._image_file import pixel_format_of
from inr.modality._surface_level import SPAN
from inr.modality.function import FunctionModality
from inr.modality.video import VideoModality
from inr.raster import PixelFormat
from inr.sound import SoundFormat
from inr.volume import Container, VolumeFormat


class GradientScale(NamedTuple):
    """From derivatives of a field per unit of coordinate to those of its file.

    Attributes:
        factors: One for each coordinate, x first, to multiply by.
        units: What the products are, such as ``pixel values per pixel``.
    """

    factors: tuple[float, ...]
    units: str


class Edge(NamedTuple):
    """An edge of the unit cube as its file has it.

    Attributes:
        length: In ``unit``.
        unit: Of length or time, such as ``mm``; a cell of the lattice where none is known.
    """

    length: float
    unit: str


class Measure(NamedTuple):
    """What a field's values and coordinates are in a file.

    Attributes:
        numbers: What the file's numbers are called.
        factor: How much they grow with a value that grows by 1.
        edges: Of the cube, x first.
    """

    numbers: str
    factor: float
    edges: list[Edge]


def gradient_scale(description: FieldDescription, held: Collection[int] = ()) -> GradientScale:
    """Derivatives in a file's own numbers, per unit of length or time where it has one.

    Where it has none they are per cell of the lattice that was fitted, so that a turned image has
    the same ones, turned.

    Args:
        description: What the field was fitted to.
        held: Coordinates by which it is not differentiated, by number: 0 is x.
    """
    measure = MEASURES[description.kind](description)
    axes = [axis for axis in range(len(measure.edges)) if axis not in held]
    edges = [measure.edges[axis] for axis in axes]
    units = list(dict.fromkeys(edge.unit for edge in edges))
    per = " or ".join(f"per {unit}" for unit in units)
    factors = tuple(measure.factor / edge.length for edge in edges)
    return GradientScale(factors, f"{measure.numbers} {per}")


def _count(description: FieldDescription, *units: str) -> list[Edge]:
    """Edges in cells of the lattice."""
    cells = description.lattice[::-1]
    return [Edge(float(count), unit) for count, unit in zip(cells, units, strict=True)]


def _spread(pixels: PixelFormat) -> float:
    lower, upper = pixels.value_range
    return (pixels.high - pixels.low) / (upper - lower)


def _of_image(description: FieldDescription) -> Measure:
    factor = _spread(pixel_format_of(description))
    return Measure("pixel values", factor, _count(description, "pixel", "pixel"))


def _of_video(description: FieldDescription) -> Measure:
    factor = _spread(VideoModality().pixel_format(description))
    return Measure("pixel values", factor, _count(description, "pixel", "pixel", "frame"))


def _of_sound(description: FieldDescription) -> Measure:
    known = description.format
    form = SoundFormat(**{**known, "value_range": tuple(known["value_range"])})
    lower, upper = form.value_range
    (count,) = description.lattice
    edges = [Edge(count / form.rate, "second")]
    return Measure("sample values", 2 * form.full_scale / (upper - lower), edges)


def _of_function(description: FieldDescription) -> Measure:
    function = FunctionModality()
    factor, axis = _spread(function.pixel_format(description)), function.axis(description)
    if axis is None:
        points = len(description.lattice) * ["point"]
        return Measure("values", factor, _count(description, *points))
    return Measure("values", factor, [Edge(axis.length, f"unit of {axis.name}")])


def _of_volume(description: FieldDescription) -> Measure:
    form = VolumeFormat.from_plain(description.format)
    steps, unit = _voxel_edges(form.container)
    factor = form.container.slope * _spread(form.pixel_format)
    cells = description.lattice[::-1]
    edges = [Edge(count * step, unit) for count, step in zip(cells, steps, strict=True)]
    return Measure("voxel values", factor, edges)


def _voxel_edges(container: Container) -> tuple[list[float], str]:
    """Distances of neighbouring voxels along x, y and z, and what they are in."""
    known = []
    if container.affine is not None:
        known.append(np.linalg.norm(np.array(container.affine)[:3, :3], axis=0).tolist())
    if container.spacing is not None:
        known.append(list(container.spacing))
    for steps in known:
        if min(steps) > 0 and np.isfinite(steps).all():
            return steps, container.unit or "unit of length"
    return [1.0, 1.0, 1.0], "voxel"


def _of_surface(description: FieldDescription) -> Measure:
    known = description.format
    edge = 1 / known["scale"]
    edges = 3 * [Edge(edge, "unit of length")]
    if known["target"] == "distance":
        # A distance has a slope of 1 in any unit.
        span = SPAN if description.kind == "point_cloud" else 1.0
        return Measure("distance", edge / span, edges)
    return Measure("log odds", 1.0, edges)


MEASURES = {
    "audio": _of_sound,
    "function": _of_function,
    "image": _of_image,
    "image_set": _of_image,
    "point_cloud": _of_surface,
    "shape": _of_surface,
    "video": _of_video,
    "volume": _of_volume,
}
