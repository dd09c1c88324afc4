"""Reading point clouds as lines of numbers."""

from __future__ import annotations

import re

import numpy as np

from .source import Decoded, Source, read_columns

NUMBER = re.compile(
    r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$|[-+]?(nan|inf(inity)?)$", re.IGNORECASE
)
DECIMAL_COMMA, EMPTY_FIELD = re.compile(r"\d,\d"), re.compile(r"[,;]\s*[,;]")
ROUNDED = 0.02  # of the length of normals with two decimals
ALIKE = 0.25  # of the lengths of sums
NEARLY_ALL = 0.98


def decode(source: Source) -> Decoded:
    """Decode the points of a text file: three columns, or six with normals.

    Colours, intensities and the like in other columns are left out. Columns are parted by blanks,
    commas or semicolons; a heading and a first line with the number of points are passed over.
    """
    lines = [re.split("#|//", line)[0].strip() for line in source.text().split("\n")]
    lines = [line for line in lines if line]
    check_commas(source, lines)
    lines = [line.replace(",", " ").replace(";", " ") for line in lines]
    lines = lines[count_headings(lines) :]
    source.check_count(len(lines), "points")
    columns = len(lines[0].split()) if lines else 3
    if columns < 3:
        raise source.reject(
            f"has {columns} columns", "three or more: x, y, z", "Export it as x y z."
        )
    check_last(source, lines, columns)
    return decode_columns(source, lines, columns)


def count_headings(lines: list[str]) -> int:
    """The lines before the first point: a heading of words, or a count."""
    if lines and not NUMBER.match(lines[0].split()[0]):
        return 1
    return 1 if len(lines) > 1 and lines[0] == str(len(lines) - 1) else 0


def check_commas(source: Source, lines: list[str]) -> None:
    """Reject numbers with commas in them, and fields with nothing in them."""
    for line in lines[:3]:
        if DECIMAL_COMMA.search(line) and re.search(r"\d[;\s]+[-+\d]|,\d{3}\.\d", line):
            raise source.reject(
                f"has commas within numbers ({line[:40]})",
                "decimal points, and columns parted by blanks, commas or semicolons",
                "Export it with decimal points.",
            )
    empty = next((line for line in lines if EMPTY_FIELD.search(line)), None)
    if empty is not None:
        raise source.reject(
            f"has a field without a number ({empty[:40]})", "a number in each", "Export it again."
        )


def check_last(source: Source, lines: list[str], columns: int) -> None:
    """Reject a file whose last line lacks columns."""
    if lines and len(lines[-1].split()) < columns:
        raise source.cut(f"its last line has {len(lines[-1].split())} of {columns} columns")


def decode_columns(source: Source, lines: list[str], columns: int) -> Decoded:
    """Decode points, and normals if the three columns behind them can be nothing else."""
    empty = np.zeros(0, np.int64)
    if columns < 6:
        points = read_columns(source, lines, (0, 1, 2))
        notes = (f"columns left out behind x, y, z: {columns - 3}",) if columns > 3 else ()
        return Decoded(points, empty, empty, None, notes)
    table = read_columns(source, lines, (0, 1, 2, 3, 4, 5))
    points, others = table[:, :3], table[:, 3:]
    if not look_like_normals(others):
        notes = (f"columns left out behind x, y, z, which are no normals: {columns - 3}",)
        return Decoded(points, empty, empty, None, notes)
    notes = (f"columns left out behind the normals: {columns - 6}",) if columns > 6 else ()
    return Decoded(points, empty, empty, others, notes)


def look_like_normals(columns: np.ndarray) -> bool:
    """Tell normals from colours and intensities by the lengths of nearly all of them.

    They are 1, or 0 where there is none. Sums of the normals of faces, weighted by angles, are
    longer, but alike in length (2 pi where the surface is flat), and point to all sides.
    """
    lengths = np.linalg.norm(columns, axis=1)
    known = lengths[lengths > 0]
    if not len(known):
        return False
    if np.mean(np.abs(known - 1) < ROUNDED) >= NEARLY_ALL:
        return True
    is_alike = np.abs(known / np.median(known) - 1) < ALIKE
    return bool(is_alike.mean() >= NEARLY_ALL and (columns.min(axis=0) < 0).all())
