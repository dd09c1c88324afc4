"""The column that is asked of a table, and the limit of its size."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from inr.source_file import SourceFile

MOST_NAMED = 12


@dataclass(frozen=True)
class Request:
    """A column of a table.

    Attributes:
        file: The table.
        column: Name of the column, or its number from 0; None where there is only one.
        option: Name of the option that says so, for messages: ``column``, or ``x`` for the
            positions of the rows.
        max_points: Most numbers of a table.
    """

    file: SourceFile
    column: int | str | None
    option: str
    max_points: int

    def choose(self, names: Sequence[str]) -> int:
        """The number of the column among ``names``.

        Raises:
            RejectedError: The column does not exist, or none is named of several.
        """
        column = self.column
        if column is None and len(names) == 1:
            return 0
        if isinstance(column, int) and 0 <= column < len(names):
            return column
        # A name may look like a number.
        if column is not None and str(column) in names:
            return names.index(str(column))
        shown = ", ".join(names[:MOST_NAMED]) + (", ..." if len(names) > MOST_NAMED else "")
        # Positions are mostly the first column of a table, and values the last.
        number = 0 if self.option == "x" else len(names) - 1
        likely = names[number] if re.fullmatch(r"[^\W\d]\w*", names[number]) else number
        raise self.file.reject(
            f"has {len(names)} columns" if column is None else f"has no column {column!r}",
            f"one of {shown}, or a number from 0 to {len(names) - 1}",
            f"Use {self.option}={likely}.",
        )

    def check_total(self, count: int) -> None:
        """Rejects a table of more numbers than allowed."""
        if count > self.max_points:
            raise self.file.reject(
                f"holds {count:,} numbers or more",
                f"at most {self.max_points:,}",
                f"If it is meant to be so large, use max_points={count} or more.",
            )
