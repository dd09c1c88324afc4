"""The files that ``inr-render`` makes of a field."""

import argparse
import math
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

from torch import nn

from inr.cli.failure import BadInputError
from inr.field.file import FieldDescription
from inr.field.view import GradientField, SliceField
from inr.lattice import Region
from inr.signal import KINDS, native_slice_suffix, write_gradient, write_level_set, write_slice

Write = Callable[[Path, nn.Module], None]


class Product(NamedTuple):
    """A file that can be made of a field.

    Attributes:
        name: Default name of the file.
        write: Function ``(path, field)`` that writes it.
    """

    name: str
    write: Write


def make_product(
    arguments: argparse.Namespace,
    description: FieldDescription,
    size: tuple[int, ...] | None,
    region: Region | None,
) -> Product:
    """The file that the options ask for.

    Raises:
        BadInputError: The field is of a kind that has no such file.
    """
    prefix = "regression" if arguments.regression else "render"
    if arguments.mesh:
        return _mesh(arguments, description, prefix)
    held: dict[int, float] = {}
    whole = description
    if arguments.slice:
        check_slices(description)
        axis, position = parse_slice(arguments.slice, description)
        cut = f"slice_{arguments.slice}"
        held, prefix = {axis: position}, f"regression_{cut}" if arguments.regression else cut
        description = slice_description(description, axis)
    shape = _check_shape(arguments, description.lattice, size, region)
    place = "x".join(map(str, shape)) + _region_name(region)
    if arguments.gradient:
        suffix = ".png" if len(shape) == 2 else ".npz"
        write_slopes = _gradient(whole, held, shape, region)
        return Product(f"gradient_{prefix}_{place}{suffix}", write_slopes)
    suffix, write = _rendering(description, held, shape, region)
    return Product(f"{prefix}_{place}{suffix}", write)


def _check_shape(
    arguments: argparse.Namespace,
    lattice: tuple[int, ...],
    size: tuple[int, ...] | None,
    region: Region | None,
) -> tuple[int, ...]:
    """Cells per axis of what is rendered.

    Raises:
        BadInputError: The size or the region has another number of axes than the field.
    """
    dimensions = len(lattice)
    if size is not None and len(size) != dimensions:
        raise BadInputError(
            f"--size is {arguments.size}; expected one number for each of {dimensions} axes, as in "
            f"{'x'.join(map(str, lattice))}."
        )
    if region is not None and len(region[0]) != dimensions:
        raise BadInputError(
            f"--region is {arguments.region}; expected {2 * dimensions} numbers: a lower and an "
            "upper corner."
        )
    return size or natural_size(lattice, region, arguments.scale or 1.0)


def _mesh(arguments: argparse.Namespace, description: FieldDescription, prefix: str) -> Product:
    display = KINDS[description.kind].display
    if not display.has_surface or description.out_features != 1:
        raise BadInputError(
            f"--mesh wants a field in space with one value, and this is of {description.kind}; "
            "expected a run of a shape, a point cloud or a volume."
        )
    resolution = arguments.resolution or max(description.lattice)

    def write(path: Path, field: nn.Module) -> None:
        shape = 3 * (resolution,)
        write_level_set(path, field, description, shape, arguments.level, progress=True)

    level = "" if arguments.level is None else f"_{arguments.level:g}"
    return Product(f"{prefix}_{resolution}{level}.ply", write)


def _gradient(
    description: FieldDescription,
    held: dict[int, float],
    shape: tuple[int, ...],
    region: Region | None,
) -> Write:
    """Writes derivatives in the coordinates that are not held."""
    scale = KINDS[description.kind].display.units(description).scale_gradient(held)

    def write(path: Path, field: nn.Module) -> None:
        gradient = GradientField(SliceField(field, held))
        write_gradient(path, gradient, shape, scale, region=region, progress=True)

    return write


def _rendering(
    description: FieldDescription,
    held: dict[int, float],
    shape: tuple[int, ...],
    region: Region | None,
) -> tuple[str, Write]:
    """The suffix of a file of values, and what writes it."""
    if held:

        def write_plane(path: Path, field: nn.Module) -> None:
            plane = SliceField(field, held)
            write_slice(path, plane, description, size=shape, region=region, progress=True)

        return native_slice_suffix(description), write_plane
    display = KINDS[description.kind].display

    def write(path: Path, field: nn.Module) -> None:
        display.write(path, field, description, size=shape, region=region, progress=True)

    return display.native_suffix(description), write


def check_slices(description: FieldDescription) -> None:
    """Rejects fields without three coordinates.

    Raises:
        BadInputError: The field has another number of coordinates.
    """
    if len(description.lattice) != 3:
        raise BadInputError(
            f"--slice holds one of three coordinates, and a field of {description.kind} has "
            f"{len(description.lattice)}; expected a run of a signal with three axes."
        )


def parse_slice(text: str, description: FieldDescription) -> tuple[int, float]:
    """``z=0.5`` as the number of an axis and a position.

    Raises:
        BadInputError: The text has another form, or names another axis.
    """
    name, _, value = text.partition("=")
    names = KINDS[description.kind].axes[: len(description.lattice)]
    try:
        position = float(value)
    except ValueError:
        position = math.nan
    if len(name) != 1 or name not in names or not math.isfinite(position):
        raise BadInputError(f"--slice is {text}; expected AXIS=POSITION, as in {names[-1]}=0.5.")
    return names.index(name), position


def slice_description(description: FieldDescription, axis: int) -> FieldDescription:
    """The description of the image that is left when one coordinate is held.

    Raises:
        ValueError: The kind has no pixels.
    """
    form = KINDS[description.kind].display.pixel_format(description)
    # Lattices are in array order, with x last.
    lattice = list(description.lattice)
    del lattice[len(lattice) - 1 - axis]
    return replace(
        description, kind="image", in_features=2, lattice=tuple(lattice), format=asdict(form)
    )


def natural_size(lattice: tuple[int, ...], region: Region | None, scale: float) -> tuple[int, ...]:
    """The region's cells at the native density times ``scale``."""
    dimensions = len(lattice)
    lower, upper = region or (dimensions * (0.0,), dimensions * (1.0,))
    widths = [b - a for a, b in zip(lower, upper, strict=True)][::-1]
    return tuple(max(1, round(n * w * scale)) for n, w in zip(lattice, widths, strict=True))


def _region_name(region: Region | None) -> str:
    return "" if region is None else "_" + "_".join(f"{c:g}" for corner in region for c in corner)
