"""Columns of a text: comma-separated values and their kin."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np

from inr.source_file import SourceFile

from .choice import check_total, choose_column

UTF_16 = (b"\xff\xfe", b"\xfe\xff")
# Before the comma, which may be that of decimals. Nothing stands for any white space.
DELIMITERS = ("\t", ";", "|", ",", "")
COMMENTS = ("#", "%")
MISSING = ("", "na", "n/a", "null", "none", "-", "?")
LOOKED_AT = 200
# Of the lines, those that have to have equally many cells: all but some that are broken.
MOST = 0.9


class Row(NamedTuple):
    """The cells of a line.

    Attributes:
        line: Its number in the file, from 1.
        cells: Without white space around them.
    """

    line: int
    cells: list[str]


def read_text(
    file: SourceFile, column: int | str | None, max_points: int, option: str
) -> tuple[str, np.ndarray]:
    """The name and the numbers of a column; what is missing is NaN.

    The delimiter is the one that parts most lines into equally many cells. The first line is a
    header if it has words where the second has numbers; so is a comment before the first line that
    has as many cells.
    """
    is_wide = file.start.startswith(UTF_16)
    if b"\0" in file.start and not is_wide:
        raise file.reject(
            f"is no table in a known format (it starts with {file.start[:8]!r})",
            "CSV, NPY or NPZ",
            "Convert it to CSV.",
        )
    encoding = "utf-16" if is_wide else "utf-8-sig"
    with file.path.open(encoding=encoding, errors="replace", newline="") as opened:
        head = [line for line in islice(opened, LOOKED_AT) if line.strip()]
        delimiter = _find_delimiter([line for line in head if not line.startswith(COMMENTS)])
        first = list(islice(_split(head, delimiter), 2))
        if not first:
            raise file.reject("has no numbers", "a column of numbers", "Check the file.")
        has_header = _is_header(*first)
        width = len(first[-1].cells)
        names = first[0].cells if has_header else _find_comment(head, delimiter, width)
        number = choose_column(file, names or [str(n) for n in range(width)], column, option)
        opened.seek(0)
        rows = islice(_split(opened, delimiter), int(has_header), None)
        name = names[number] if names else str(number)
        numbers = _parse(file, rows, number, name, delimiter, option)
        values = np.fromiter(_limit(file, numbers, width, max_points), np.float64)
        return name, values


def _split(lines: Iterable[str], delimiter: str) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith(COMMENTS):
            yield Row(number, _split_line(line, delimiter))


def _split_line(line: str, delimiter: str) -> list[str]:
    if not delimiter:
        return line.split()
    line = line.rstrip("\r\n")
    cells = next(csv.reader([line], delimiter=delimiter)) if '"' in line else line.split(delimiter)
    return [cell.strip() for cell in cells]


def _find_delimiter(lines: Sequence[str]) -> str:
    """What parts most lines into as many cells; a line feed where nothing does."""
    for delimiter in DELIMITERS:
        counts = Counter(len(_split_line(line, delimiter)) for line in lines)
        if counts:
            width, count = counts.most_common(1)[0]
            total = len(lines)
            if width > 1 and count >= (total if total < 3 else min(MOST * total, total - 1)):
                return delimiter
    return "\n"


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "."))
    except ValueError:
        return False
    return True


def _is_header(first: Row, second: Row | None = None) -> bool:
    """Whether a row has words where the next has numbers."""
    if second is None:
        return not any(map(_is_number, first.cells))
    pairs = zip(first.cells, second.cells, strict=False)
    return any(not _is_number(above) and above.lower() not in MISSING and _is_number(below)
               for above, below in pairs)  # fmt: skip


def _find_comment(head: Sequence[str], delimiter: str, width: int) -> list[str]:
    """The names in the last comment above the first row, if it has as many."""
    above: list[str] = []
    for line in head:
        if not line.startswith(COMMENTS):
            break
        cells = _split_line(line.lstrip("#% "), delimiter)
        above = cells if len(cells) == width and not all(map(_is_number, cells)) else []
    return above


def _parse(
    file: SourceFile, rows: Iterable[Row], column: int, name: str, delimiter: str, option: str
) -> Iterator[float]:
    """The numbers of a column."""
    for row in rows:
        if column >= len(row.cells):
            raise file.reject(
                f"has too few cells in line {row.line} ({len(row.cells)})",
                f"{column + 1} or more",
                "Repair that line.",
            )
        cell = row.cells[column]
        try:
            yield float(cell)
        except ValueError:
            if cell.lower() in MISSING:
                yield float("nan")
            # Between commas, one in quotes is that of thousands.
            elif delimiter != "," and _is_number(cell):
                yield float(cell.replace(",", "."))
            else:
                raise file.reject(
                    f"has {cell[:20]!r} in line {row.line} of column {name}",
                    "a number",
                    f"Repair it, or choose another column with {option}=NAME.",
                ) from None


def _limit(
    file: SourceFile, numbers: Iterable[float], width: int, max_points: int
) -> Iterator[float]:
    for count, number in enumerate(numbers, 1):
        check_total(file, count * width, max_points)
        yield number
