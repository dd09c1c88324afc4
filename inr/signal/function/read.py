"""Reading a column of numbers, whatever the format of the table."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from inr.argument import check_choice, check_count
from inr.source_file import SourceFile, find_file

from .arrays import read_npy, read_npz
from .text import read_text

WHAT = "a table in a CSV, NPY or NPZ file"
READERS = {b"\x93NUMPY": ("NPY", read_npy), b"PK\x03\x04": ("NPZ", read_npz)}


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        name: As in its header; its number, from 0, where there is none.
        numbers: ``(N,)`` float64.
    """

    name: str
    numbers: np.ndarray


def is_table(path: str | os.PathLike[str]) -> bool:
    """Whether a file is named as tables of text are, or is an array of one or two axes."""
    suffix = Path(path).suffix.lower()
    try:
        file = find_file(path, WHAT)
        if suffix == ".npy" and file.start.startswith(b"\x93NUMPY"):
            return np.load(file.path, mmap_mode="r", allow_pickle=False).ndim <= 2
    except (OSError, ValueError):
        return False
    return suffix in (".csv", ".tsv")


def read_column(
    path: str | os.PathLike[str],
    *,
    column: int | str | None = None,
    nonfinite: Literal["reject", "zero"] = "reject",
    max_points: int = 16_000_000,
) -> Column:
    """Reads a column of numbers.

    Of a text, delimiter, header and decimal commas are found. An NPY file has columns if it has two
    axes, or fields; of an NPZ file each array is one, or has some, as in ``name.0``.

    Args:
        path: The file.
        column: By name, or by number from 0; may be None where there is only one.
        nonfinite: Whether NaN, infinity and what is missing are rejected or read as zero.
        max_points: The most numbers that the file may hold.

    Raises:
        OSError: There is no file to read.
        ValueError: It is no table, is damaged, too large, or has no such column.
    """
    check_choice("nonfinite", nonfinite, ("reject", "zero"))
    file, name, numbers = read_numbers(path, column=column, max_points=max_points, option="column")
    return Column(name, _remove_nonfinite(file, name, numbers, zero=nonfinite == "zero"))


def read_numbers(
    path: str | os.PathLike[str], *, column: int | str | None, max_points: int, option: str
) -> tuple[SourceFile, str, np.ndarray]:
    """The file, and the name and numbers of a column; what is missing is NaN.

    Args:
        path: The file.
        column: As for :func:`read_column`.
        max_points: Likewise.
        option: Of the signal, that names the column: for messages.
    """
    check_count("max_points", max_points)
    if isinstance(column, bool) or not isinstance(column, int | str | None):
        raise TypeError(f"{option} is {column!r}; expected a name, or a number from 0.")
    file = find_file(path, WHAT)
    kind, read = next(
        (known for magic, known in READERS.items() if file.start.startswith(magic)),
        ("CSV", read_text),
    )
    with file.rejecting(kind):
        name, numbers = read(file, column, max_points, option)
        if not numbers.size:
            raise file.reject("has no numbers", "a column of numbers", "Check the file.")
        return file, name, numbers


def _remove_nonfinite(
    file: SourceFile, name: str, numbers: np.ndarray, *, zero: bool
) -> np.ndarray:
    """Rejects NaN and infinity, or sets them to zero."""
    finite = np.isfinite(numbers)
    count = int(finite.size - np.count_nonzero(finite))
    if not count:
        return numbers
    if not zero:
        raise file.reject(
            f"holds {count:,} missing, NaN or infinite numbers of {finite.size:,} in column "
            f"{name}, the first in row {int(np.argmin(finite))}",
            "finite numbers",
            "Repair it, or set them to 0 with nonfinite=zero.",
        )
    return np.where(finite, numbers, 0.0)
