"""A point cloud reader of our own: trimesh takes normals for colours (`test_trimesh_loses`)."""

from __future__ import annotations

import re

import numpy as np

from .source import Decoded, Source, read_columns

NUMBER = re.compile(
    r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$|[-+]?(nan|inf(inity)?)$", re.IGNORECASE
)
DECIMAL_COMMA, EMPTY_FIELD = re.compile(r"\d,\d"), re.compile(r"[,;]\s*[,;]")
# Shares of the length of a normal: error of two decimals, and spread of sums of faces' normals.
ROUNDED, ALIKE = 0.02, 0.25
NEARLY_ALL = 0.98


def decode(source: Source) -> Decoded:
    """Decode the points of a text file: three columns, or six with normals.

    Columns behind them, such as colours and intensities, are left out. Columns are separated by
    blanks, commas or semicolons; a heading and a first line with the number of points are skipped.
    """
    lines = [re.split("#|//", line)[0].strip() for line in source.text().split("\n")]
    lines = [line for line in lines if line]
    check_commas(source, lines)
    lines = [line.replace(",", " ").replace(";", " ") for line in lines]
    has_heading = bool(lines) and not NUMBER.match(lines[0].split()[0])
    if has_heading or (len(lines) > 1 and lines[0] == str(len(lines) - 1)):
        lines = lines[1:]
    source.check_count(len(lines), "points")
    columns = len(lines[0].split()) if lines else 3
    if columns < 3:
        raise source.reject(
            f"has {columns} columns", "three or more: x, y, z", "Export it as x y z."
        )
    if lines and len(lines[-1].split()) < columns:
        raise source.cut(f"its last line has {len(lines[-1].split())} of {columns} columns")
    table = read_columns(source, lines, tuple(range(6 if columns >= 6 else 3)))
    points, normals = table[:, :3], table[:, 3:]
    others, where = columns - 3, "x, y, z"
    if columns >= 6 and look_like_normals(normals):
        others, where = columns - 6, "the normals"
    elif columns >= 6:
        where += ", which are no normals"
    notes = (f"columns left out behind {where}: {others}",) if others else ()
    empty = np.zeros(0, np.int64)
    return Decoded(points, empty, empty, normals if where == "the normals" else None, notes)


def check_commas(source: Source, lines: list[str]) -> None:
    """Reject numbers with commas in them, and fields with nothing in them."""
    for line in lines[:3]:
        if DECIMAL_COMMA.search(line) and re.search(r"\d[;\s]+[-+\d]|,\d{3}\.\d", line):
            raise source.reject(
                f"has commas within numbers ({line[:40]})",
                "decimal points, and columns separated by blanks, commas or semicolons",
                "Export it with decimal points.",
            )
    empty = next((line for line in lines if EMPTY_FIELD.search(line)), None)
    if empty is not None:
        raise source.reject(
            f"has a field without a number ({empty[:40]})", "a number in each", "Export it again."
        )


def look_like_normals(columns: np.ndarray) -> bool:
    """Tell normals from colours and intensities by the lengths of nearly all of them.

    Their lengths are 1, or 0 where there is none. Sums of the normals of faces, weighted by angles,
    are longer, but alike in length (2 pi where the surface is flat), and point to all sides.
    """
    lengths = np.linalg.norm(columns, axis=1)
    known = lengths[lengths > 0]
    if not len(known):
        return False
    if np.mean(np.abs(known - 1) < ROUNDED) >= NEARLY_ALL:
        return True
    is_alike = np.abs(known / np.median(known) - 1) < ALIKE
    return bool(is_alike.mean() >= NEARLY_ALL and (columns.min(axis=0) < 0).all())
