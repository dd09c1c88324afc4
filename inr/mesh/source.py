"""A mesh file with its content, what a decoder makes of it, and the errors that reject it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from inr.source_file import RejectedError, SourceFile, describe

GZIP = b"\x1f\x8b"
# More than a mesh with the most faces allowed should take.
MAX_BYTES = 2**31


@dataclass(frozen=True)
class Decoded:
    """The content of a file, straight from a decoder.

    Attributes:
        points: (V, 3) array of numbers.
        sizes: (P,) corners of each polygon.
        corners: (sum of sizes,) rows of `points`, polygon after polygon.
        normals: (V, 3) array that goes with `points`, or None.
        notes: Warnings for the user.
    """

    points: np.ndarray
    sizes: np.ndarray
    corners: np.ndarray
    normals: np.ndarray | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source(SourceFile):
    """A mesh file of a known format, and the limit within which it is decoded.

    Attributes:
        kind: Name of the format, such as `PLY`.
        data: All bytes of the file, unpacked.
        most: Most triangles, or points of a cloud, that may be decoded.
        option: Name of the argument that sets `most`.
    """

    kind: str = "mesh"
    data: bytes = b""
    most: int = 10_000_000
    option: str = "max_faces"

    def reject(self, problem: str, expected: str, fix: str) -> RejectedError:
        """The error for a file that cannot be read as it is, in printable letters."""
        message = str(super().reject(problem, expected, fix))
        return RejectedError("".join(letter if letter.isprintable() else "?" for letter in message))

    def cut(self, there: str) -> RejectedError:
        """The error for a file that ends too early or contradicts itself.

        Args:
            there: Detail for the parentheses of the message, such as how much is there.
        """
        return self.reject(
            f"is cut off or damaged ({there})",
            f"a whole {self.kind} file",
            "Fetch or export it again.",
        )

    def check_count(self, count: int, what: str) -> None:
        """Reject more faces or points than allowed, before they take memory.

        Args:
            count: Number that the file claims.
            what: `faces` or `points`. Separate faces have three points each.
        """
        each = 3 if what == "points" and self.option == "max_faces" else 1
        if count > each * self.most:
            raise self.reject(
                f"claims {count:,} {what}",
                f"at most {each * self.most:,}",
                f"Simplify it, or allow more with {self.option}={-(-count // each)}.",
            )

    def text(self) -> str:
        """The content as text with line ends of one kind; no byte is invalid."""
        return self.data.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")

    def read_data(self, most: int | None = None) -> bytes:
        """Read the file's first bytes, or all of them, unpacked if they are packed by gzip.

        Args:
            most: Bytes to read. None reads the whole file, and rejects a file that is too large
                or whose packing has no end.
        """
        limit = MAX_BYTES + 1 if most is None else most
        with self.path.open("rb") as file:
            data = file.read(limit)
        if data[:2] == GZIP:
            data = self._unpack(data, limit, whole=most is None)
        if len(data) > MAX_BYTES:
            raise self.reject(
                f"has more than {MAX_BYTES:,} bytes", "a smaller file", "Simplify the mesh."
            )
        return data

    def _unpack(self, data: bytes, limit: int, *, whole: bool) -> bytes:
        members, left = [], limit
        while left > 0 and data[:2] == GZIP:
            stream = zlib.decompressobj(wbits=31)
            try:
                members.append(stream.decompress(data, left))
            except zlib.error as error:
                raise self.cut(describe(error)) from None
            left -= len(members[-1])
            if whole and left > 0 and not stream.eof:
                raise self.cut("its packing has no end")
            data = stream.unused_data
        return b"".join(members)


def separate_triangles(points: np.ndarray) -> Decoded:
    """The content of a file of separate triangles: (3 F, 3) corners, face after face."""
    return Decoded(points, np.full(len(points) // 3, 3), np.arange(len(points)))


def read_columns(source: Source, lines: list[str], columns: tuple[int, ...]) -> np.ndarray:
    """Read some columns of lines of text, which may have others: (len(lines), len(columns))."""
    if not lines:
        return np.zeros((0, len(columns)))
    try:
        table = np.loadtxt(lines, np.float64, comments="#", usecols=columns, ndmin=2)
    except ValueError as error:
        raise source.cut(describe(error)) from None
    if len(table) != len(lines):
        raise source.cut(f"{len(table):,} of {len(lines):,} lines have numbers")
    return table
