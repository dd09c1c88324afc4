"""Units of a field's values, coordinates and derivatives in the file that it was fitted to."""

from collections.abc import Collection
from typing import NamedTuple

from inr.field.file import FieldDescription
from inr.raster import PixelFormat


class GradientScale(NamedTuple):
    """From derivatives of a field per unit of coordinate to those of its file.

    Attributes:
        factors: One for each coordinate, x first, to multiply by.
        units: What the products are, such as ``pixel values per pixel``.
    """

    factors: tuple[float, ...]
    units: str


class Edge(NamedTuple):
    """An edge of the unit cube as a file has it.

    Attributes:
        length: In ``unit``.
        unit: Unit of length or time, such as ``mm``; a cell of the lattice where none is known.
    """

    length: float
    unit: str


class Units(NamedTuple):
    """What a field's values and coordinates are in a file.

    Attributes:
        numbers: Name of the file's numbers.
        factor: Growth of a number where a value grows by 1.
        edges: Edges of the cube, x first.
        zero: The number of the value 0.
    """

    numbers: str
    factor: float
    edges: list[Edge]
    zero: float = 0.0

    def scale_gradient(self, held: Collection[int] = ()) -> GradientScale:
        """Derivatives in a file's own numbers, per unit of length or time where it has one.

        Where it has none they are per cell of the lattice that was fitted, so that a turned image
        has the same ones, turned.

        Args:
            held: Coordinates by which a field is not differentiated, by number: 0 is x.
        """
        edges = [edge for axis, edge in enumerate(self.edges) if axis not in held]
        units = dict.fromkeys(edge.unit for edge in edges)
        per = " or ".join(f"per {unit}" for unit in units)
        factors = tuple(self.factor / edge.length for edge in edges)
        return GradientScale(factors, f"{self.numbers} {per}")


def count_cells(description: FieldDescription, *units: str) -> list[Edge]:
    """Edges of the cube in cells of the lattice, which are called so along x, y, ..."""
    cells = description.lattice[::-1]
    return [Edge(float(count), unit) for count, unit in zip(cells, units, strict=True)]


def growth(pixels: PixelFormat) -> float:
    """How much pixel values grow with a value that grows by 1."""
    lower, upper = pixels.value_range
    return (pixels.high - pixels.low) / (upper - lower)


def zero_of(pixels: PixelFormat) -> float:
    """The pixel value of the value 0."""
    return pixels.low - growth(pixels) * pixels.value_range[0]
