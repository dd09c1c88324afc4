"""Which of a table's columns is meant, and how many numbers a table may have."""

from __future__ import annotations

import re
from collections.abc import Sequence

from inr.source_file import SourceFile

MOST_NAMED = 12


def choose_column(
    file: SourceFile, names: Sequence[str], column: int | str | None, option: str
) -> int:
    """The number of the column that is asked for.

    Args:
        file: The table.
        names: Of its columns.
        column: By name, or by number from 0; None where there is only one.
        option: Of the signal, that says so: ``column``, or ``x`` of where the rows are.

    Raises:
        RejectedError: There is no such column, or none is named of several.
    """
    if column is None and len(names) == 1:
        return 0
    if isinstance(column, int) and 0 <= column < len(names):
        return column
    # A name may look like a number.
    if column is not None and str(column) in names:
        return names.index(str(column))
    shown = ", ".join(names[:MOST_NAMED]) + (", ..." if len(names) > MOST_NAMED else "")
    # Tables tell where first, and what last.
    number = 0 if option == "x" else len(names) - 1
    likely = names[number] if re.fullmatch(r"[^\W\d]\w*", names[number]) else number
    raise file.reject(
        f"has {len(names)} columns" if column is None else f"has no column {column!r}",
        f"one of {shown}, or a number from 0 to {len(names) - 1}",
        f"Use {option}={likely}.",
    )


def check_total(file: SourceFile, count: int, max_points: int) -> None:
    """Rejects a table of more numbers than allowed."""
    if count > max_points:
        raise file.reject(
            f"holds {count:,} numbers or more",
            f"at most {max_points:,}",
            "If it is meant to be so large, raise max_points.",
        )
