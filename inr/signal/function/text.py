"""Columns of a text: comma-separated values and other delimiters, through pandas."""

from __future__ import annotations

import bz2
import csv
import gzip
import lzma
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from itertools import islice
from typing import Any, NamedTuple, TextIO

import numpy as np

from inr.source_file import SourceFile

from .request import Request

UTF_16 = (b"\xff\xfe", b"\xfe\xff")
COMPRESSED: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
# The comma after the others, since it may be that of decimals. An empty one is any white space.
DELIMITERS = ("\t", ";", "|", ",", "")
COMMENTS = ("#", "%")
MISSING = ("", "na", "n/a", "#n/a", "null", "none", "-", "?")
HEAD_LINES = 200
BATCH_LINES = 2**16
# Share of lines that have the same number of cells: all but some that are broken.
MOST = 0.9


class Line(NamedTuple):
    """A line that is neither empty nor a comment, and its number in the file, from 1."""

    number: int
    text: str


class Layout(NamedTuple):
    """The columns of a text.

    Attributes:
        delimiter: The character between cells; empty for any white space.
        names: Names of the columns; their numbers where the text does not say.
        width: Cells of a line.
        headers: Lines above the numbers.
    """

    delimiter: str
    names: list[str]
    width: int
    headers: int


def read_text(asked: Request) -> tuple[str, np.ndarray]:
    """The name and the numbers of a column; missing numbers are NaN.

    The delimiter is the one that parts most lines into equally many cells, unless a first line
    such as ``sep=;`` says it. The first line is a header if it has words where the next has
    numbers, or where a line of units stands between them; so is a comment before the first line
    that has as many cells.
    """
    with _open(asked.file) as opened:
        layout = _find_layout(asked.file, list(islice(opened, HEAD_LINES)))
        number = asked.choose(layout.names)
        opened.seek(0)
        lines = islice(_lines(opened), layout.headers, None)
        parts, count = [np.empty(0)], 0
        while batch := list(islice(lines, BATCH_LINES)):
            count += len(batch)
            asked.check_total(count * layout.width)
            parts.append(_parse(asked, batch, layout, number))
    return layout.names[number], np.concatenate(parts)


@contextmanager
def _open(file: SourceFile) -> Iterator[TextIO]:
    """Opens a text in UTF-8 or UTF-16, which may be compressed."""
    open_any = next((o for magic, o in COMPRESSED.items() if file.start.startswith(magic)), open)
    with open_any(file.path, "rb") as opened:
        start = opened.read(len(file.start))
    is_wide = start.startswith(UTF_16)
    if b"\0" in start and not is_wide:
        raise file.reject(
            f"is no table in a known format (it starts with {start[:8]!r})",
            "CSV, NPY or NPZ",
            "Convert it to CSV.",
        )
    encoding = "utf-16" if is_wide else "utf-8-sig"
    with open_any(file.path, "rt", encoding=encoding, errors="replace", newline="") as opened:
        yield opened


def _lines(lines: Iterable[str]) -> Iterator[Line]:
    for number, text in enumerate(lines, 1):
        if text.strip() and not text.startswith(COMMENTS):
            yield Line(number, text)


def _find_layout(file: SourceFile, head: Sequence[str]) -> Layout:
    lines = [line.text for line in _lines(head)]
    said = re.fullmatch(r'"?sep=(.)"?\s*', lines[0]) if lines else None
    lines = lines[1:] if said else lines
    if not lines:
        raise file.reject("has no numbers", "a column of numbers", "Check the file.")
    delimiter = said[1] if said else _find_delimiter(lines)
    rows = [_split_line(line, delimiter) for line in lines[:3]]
    headers = _count_headers(rows)
    width = len(rows[min(max(1, headers), len(rows) - 1)])
    names = rows[0] if headers else _find_comment(head, delimiter, width)
    names = names or [str(number) for number in range(width)]
    return Layout(delimiter, names, width, headers + bool(said))


def _split_line(line: str, delimiter: str) -> list[str]:
    if not delimiter:
        return line.split()
    line = line.rstrip("\r\n")
    cells = next(csv.reader([line], delimiter=delimiter)) if '"' in line else line.split(delimiter)
    return [cell.strip() for cell in cells]


def _find_delimiter(lines: Sequence[str]) -> str:
    """The delimiter that parts most lines into as many cells; a line feed where none does."""
    for delimiter in DELIMITERS:
        counts = Counter(len(_split_line(line, delimiter)) for line in lines)
        width, count = counts.most_common(1)[0]
        total = len(lines)
        if width > 1 and count >= (total if total < 3 else min(MOST * total, total - 1)):
            return delimiter
    return "\n"


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _are_words(cells: Iterable[str]) -> list[bool]:
    """Whether cells are no numbers, with a point or a comma for decimals."""
    return [not _is_number(cell.replace(",", ".")) for cell in cells]


def _count_headers(rows: Sequence[list[str]]) -> int:
    """Lines above the numbers: none, one of names, or a second one of units."""
    if len(rows) == 1:
        return int(all(_are_words(rows[0])))
    if _is_header(*rows[:2]):
        return 1
    # Not of a single column, where the second line may be a number that is broken.
    may_have_units = len(rows) > 2 and len(rows[0]) > 1 and all(_are_words(rows[0] + rows[1]))
    return 2 if may_have_units and _is_header(*rows[1:]) else 0


def _is_header(above: Sequence[str], below: Sequence[str]) -> bool:
    """Whether a row has words where the next has numbers."""
    words = zip(above, _are_words(above), _are_words(below), strict=False)
    return any(
        is_word and cell.lower() not in MISSING and not fits for cell, is_word, fits in words
    )


def _find_comment(head: Sequence[str], delimiter: str, width: int) -> list[str]:
    """The names in the last comment above the first row, if it has as many."""
    above: list[str] = []
    for line in head:
        if not line.startswith(COMMENTS):
            break
        cells = _split_line(line.lstrip("#% "), delimiter)
        above = cells if len(cells) == width and any(_are_words(cells)) else []
    return above


def _parse(asked: Request, lines: Sequence[Line], layout: Layout, column: int) -> np.ndarray:
    """The numbers of a column."""
    cells = _read_cells(asked.file, lines, layout, column)
    for row in np.flatnonzero(cells == "").tolist():
        # pandas fills short lines up.
        count = len(_split_line(lines[row].text, layout.delimiter))
        if count <= column:
            raise asked.file.reject(
                f"has too few cells in line {lines[row].number} ({count})",
                f"{column + 1} or more",
                "Repair that line.",
            )
    # Between commas, a comma in quotes is that of thousands.
    words = cells if layout.delimiter == "," else cells.str.replace(",", ".")
    words = words.mask(cells.str.lower().isin(MISSING), "nan").to_numpy(object)
    try:
        return words.astype(np.float64)
    except ValueError:
        row = next(number for number, word in enumerate(words) if not _is_number(word))
    raise asked.file.reject(
        f"has {cells[row][:20]!r} in line {lines[row].number} of column {layout.names[column]}",
        "a number",
        f"Repair it, or choose another column with {asked.option}=NAME.",
    )


def _read_cells(file: SourceFile, lines: Sequence[Line], layout: Layout, column: int) -> Any:
    """The cells of a column, a pandas series of text without white space around it."""
    import pandas as pd

    # pandas does not split lines at line feeds: at a character that no text has, then.
    between = {"": " ", "\n": "\x1f"}.get(layout.delimiter, layout.delimiter)
    names = between.join(map(str, range(max(layout.width, len(layout.names)))))
    try:
        table = pd.read_csv(
            StringIO("".join([f"{names}\n", *(line.text for line in lines)])),
            sep=between if layout.delimiter else r"\s+",
            quoting=csv.QUOTE_MINIMAL if layout.delimiter else csv.QUOTE_NONE,
            usecols=[column],
            index_col=False,
            dtype=object,
            keep_default_na=False,
            skipinitialspace=True,
        )
    except pd.errors.ParserError:
        table = pd.DataFrame()
    if len(table) != len(lines):
        number = next((line.number for line in lines if line.text.count('"') % 2), lines[0].number)
        raise file.reject(
            f"has an unpaired quotation mark in line {number}", "pairs", "Repair that line."
        )
    return table.iloc[:, 0].str.strip()
