"""Columns with the positions of a table's rows."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from inr.source_file import SourceFile

from .read import read_numbers

# In steps: rounding moves numbers by less, and a row that is missing moves some by a fourth.
MOST_OFF = 0.1
WITHOUT = "or use x=null, which counts rows as evenly spaced."


@dataclass(frozen=True)
class Axis:
    """The unit interval in the numbers of a column, whose rows are centres of equal cells.

    Attributes:
        name: Name of the column.
        start: Number at 0: half a step before the first row.
        length: Length of the unit interval: a step for each row.
    """

    name: str
    start: float
    length: float

    def at(self, coords: np.ndarray) -> np.ndarray:
        """Coordinates of the unit interval in the column's numbers, of the same shape."""
        return self.start + self.length * coords


def read_axis(
    path: str | os.PathLike[str], *, column: int | str, rows: int, max_points: int = 16_000_000
) -> Axis:
    """Reads the positions of a table's rows.

    Args:
        path: The file.
        column: Name of the column, or its number from 0.
        rows: Number of rows.
        max_points: Most numbers of the file.

    Raises:
        OSError: The file cannot be read.
        ValueError: The table has no such column, or the column does not increase in even steps:
            all of its numbers have to be within a tenth of a step of those between its first and
            last.
    """
    file, found = read_numbers(path, column=column, option="x", max_points=max_points)
    numbers = found.numbers
    if len(numbers) != rows:
        raise file.reject(
            f"has {len(numbers):,} numbers in column {found.name} and {rows:,} in the other",
            "one for each",
            f"Choose another with x=NAME, {WITHOUT}",
        )
    _check_even(file, found.name, numbers)
    step = (numbers[-1] - numbers[0]) / (rows - 1)
    return Axis(found.name, float(numbers[0] - step / 2), float(step * rows))


def _check_even(file: SourceFile, name: str, numbers: np.ndarray) -> None:
    """Rejects numbers that are missing, too few, do not increase, or not evenly."""
    finite = np.isfinite(numbers)
    if not finite.all():
        row = int(np.argmin(finite))
        raise file.reject(
            f"holds no number in row {row} of column {name}", "one there", f"Repair it, {WITHOUT}"
        )
    if len(numbers) < 2:
        raise file.reject(f"has one row in column {name}", "two or more", f"Add some, {WITHOUT}")
    falls = np.diff(numbers) <= 0
    if falls.any():
        row = int(np.argmax(falls))
        raise file.reject(
            f"has {numbers[row]:.10g} and then {numbers[row + 1]:.10g} in column {name}, rows "
            f"{row} and {row + 1}",
            "numbers that increase",
            f"Sort the rows, {WITHOUT}",
        )
    even, step = np.linspace(numbers[0], numbers[-1], len(numbers), retstep=True)
    off = np.abs(numbers - even)
    row = int(np.argmax(off))
    if off[row] > MOST_OFF * step:
        raise file.reject(
            f"has {numbers[row]:.10g} in row {row} of column {name}, where even steps have "
            f"{even[row]:.10g}",
            "even steps, up to rounding",
            f"Resample the rows, {WITHOUT}",
        )
