"""Reading a column of numbers from a table of any format."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from inr.argument import check_choice, check_count
from inr.source_file import SourceFile, find_file

from .arrays import read_npy, read_npz
from .request import Request
from .text import read_text

WHAT = "a table in a CSV, NPY or NPZ file"
READERS = {b"\x93NUMPY": ("NPY", read_npy), b"PK\x03\x04": ("NPZ", read_npz)}


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        name: Name in the header; its number, from 0, where there is none.
        numbers: ``(N,)`` float64.
    """

    name: str
    numbers: np.ndarray


def is_table(path: str | os.PathLike[str]) -> bool:
    """Whether a file is named as tables of text are, or is an array of one or two axes."""
    name = Path(path).name.lower()
    try:
        file = find_file(path, WHAT)
        if name.endswith(".npy") and file.start.startswith(b"\x93NUMPY"):
            return np.load(file.path, mmap_mode="r", allow_pickle=False).ndim <= 2
    except (OSError, ValueError):
        return False
    return re.search(r"\.[ct]sv(\.(gz|bz2|xz))?$", name) is not None


def read_column(
    path: str | os.PathLike[str],
    *,
    column: int | str | None = None,
    nonfinite: Literal["reject", "zero"] = "reject",
    max_points: int = 16_000_000,
) -> Column:
    """Reads a column of numbers.

    Delimiter, header and decimal commas of a text are found. An NPY file has columns if it has two
    axes, or fields; each array of an NPZ file is a column, or has some, as in ``name.0``.

    Args:
        path: The file.
        column: Name of the column, or its number from 0; may be None where there is only one.
        nonfinite: Whether NaN, infinity and missing numbers are rejected or read as zero.
        max_points: Most numbers of the file.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file is no table, damaged or too large, or has no such column.
    """
    check_choice("nonfinite", nonfinite, ("reject", "zero"))
    file, found = read_numbers(path, column=column, option="column", max_points=max_points)
    finite = np.isfinite(found.numbers)
    if finite.all():
        return found
    if nonfinite == "reject":
        raise file.reject(
            f"holds {finite.size - np.count_nonzero(finite):,} missing, NaN or infinite numbers of "
            f"{finite.size:,} in column {found.name}, the first in row {int(np.argmin(finite))}",
            "finite numbers",
            "Repair it, or use nonfinite=zero.",
        )
    return Column(found.name, np.where(finite, found.numbers, 0.0))


def read_numbers(
    path: str | os.PathLike[str], *, column: int | str | None, option: str, max_points: int
) -> tuple[SourceFile, Column]:
    """The file and a column of it, in which missing numbers are NaN.

    Args:
        path: The file.
        column: Name of the column, or its number from 0; may be None where there is only one.
        option: Name of the option that says so, for messages.
        max_points: Most numbers of the file.
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
        found = Column(*read(Request(file, column, option, max_points)))
        if not found.numbers.size:
            raise file.reject("has no numbers", "a column of numbers", "Check the file.")
        return file, found
