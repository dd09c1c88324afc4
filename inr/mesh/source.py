"""What a decoder is given, what it gives back, and how it rejects."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inr.source_file import RejectedError, describe


@dataclass(frozen=True)
class Decoded:
    """What a file holds, straight from a decoder.

    Attributes:
        points: (V, 3) array of numbers.
        sizes: (P,) corners of each polygon.
        corners: (sum of sizes,) rows of `points`, polygon after polygon.
        normals: (V, 3) array that goes with `points`, or None.
        notes: Remarks for the user.
    """

    points: np.ndarray
    sizes: np.ndarray
    corners: np.ndarray
    normals: np.ndarray | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """The content of a file of a known format, and the terms on which to read it.

    Attributes:
        path: The file.
        name: The file as the user wrote it, for messages.
        kind: Name of the format, such as `PLY`.
        data: All bytes of the file, unpacked.
        most: Most triangles, or points of a cloud, that may be decoded.
        option: What the user calls that.
    """

    path: Path
    name: str
    kind: str = "mesh"
    data: bytes = b""
    most: int = 10_000_000
    option: str = "max_faces"

    def reject(self, problem: str, expected: str, fix: str) -> RejectedError:
        """Make the error for a file that cannot be read as it is."""
        message = f"{self.name} {problem}; expected {expected}. {fix}"
        return RejectedError(printable(message))

    def cut(self, there: str) -> RejectedError:
        """Make the error for a file that ends too early or does not fit together.

        Args:
            there: How much of it is there, for the parentheses of the message.
        """
        return self.reject(
            f"is cut off or damaged ({there})",
            f"a whole {self.kind} file",
            "Fetch or export it again.",
        )

    def check_count(self, count: int, what: str) -> None:
        """Reject more faces or points than allowed, before they take memory.

        Args:
            count: How many the file claims.
            what: `faces` or `points`. Separate faces have three points each.
        """
        each = 3 if what == "points" and self.option == "max_faces" else 1
        if count > each * self.most:
            raise self.reject(
                f"claims {count:,} {what}",
                f"at most {each * self.most:,}",
                f"Simplify it, or set signal.{self.option}={-(-count // each)} if that is meant.",
            )

    def text(self) -> str:
        """The content as text: any byte is some character, so this never fails."""
        return self.data.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")


def triangles(points: np.ndarray, count: int) -> Decoded:
    """What a file of separate triangles holds.

    Args:
        points: (3 F, 3) corners, face after face.
        count: F.
    """
    return Decoded(points, np.full(count, 3), np.arange(3 * count))


def read_columns(source: Source, lines: list[str], columns: tuple[int, ...]) -> np.ndarray:
    """Read some columns of lines of text, which may have others besides.

    Returns:
        (len(lines), len(columns)) float64 array.
    """
    if not lines:
        return np.zeros((0, len(columns)))
    try:
        table = np.loadtxt(lines, np.float64, comments="#", usecols=columns, ndmin=2)
    except ValueError as error:
        raise source.cut(describe(error)) from None
    if len(table) != len(lines):
        raise source.cut(f"{len(table):,} of {len(lines):,} lines have numbers")
    return table


def printable(text: str) -> str:
    """Text with a question mark for whatever a terminal might take for a command."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
