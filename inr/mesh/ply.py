"""A PLY reader of our own: trimesh rejects binary files of mixed polygons (`test_trimesh_loses`).

It reads polygons, strips and points, as text or as binary numbers of either byte order.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .source import Decoded, Source

TYPES = {
    **dict.fromkeys(("char", "int8"), "i1"),
    **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"),
    **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"),
    **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("long", "int64"), "i8"),
    **dict.fromkeys(("ulong", "uint64"), "u8"),
    **dict.fromkeys(("float", "float32"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
}
END = re.compile(rb"end_header[ \t]*(\r\n|\n|\r)")
ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
INDICES = ("vertex_indices", "vertex_index")


class Property(NamedTuple):
    """A property of an element: a number, or a list of numbers if `size` has a type."""

    name: str
    kind: str
    size: str | None = None


@dataclass(frozen=True)
class Element:
    """A table of the file."""

    name: str
    count: int
    properties: list[Property]


class Column(NamedTuple):
    """The numbers of a property, row after row, and for a list their count in each row."""

    numbers: np.ndarray
    sizes: np.ndarray | None = None


Table = dict[str, Column]


def decode(source: Source) -> Decoded:
    """Decode the vertices and the polygons or triangle strips of a PLY file."""
    order, elements, start = read_header(source)
    body = Body(source, order, start)
    tables = {element.name: read_table(body, element) for element in elements}
    left = len(body.data) - body.place
    if left and not order:
        raise source.cut(f"{left // 8:,} numbers are left behind the last row")
    notes = (f"bytes ignored behind the last row: {left:,}",) if left else ()
    vertex = tables.get("vertex", {})
    if not vertex.keys() >= {"x", "y", "z"}:
        raise source.reject("has no x, y and z", "vertices with x, y and z", "Export it again.")
    points = stack(vertex, "x", "y", "z")
    normals = stack(vertex, "nx", "ny", "nz") if vertex.keys() >= {"nx", "ny", "nz"} else None
    sizes, corners = find_faces(tables)
    if len(corners) and not 0 <= corners.min() <= corners.max() < len(points):
        raise source.cut(f"a face names a vertex that is not among its {len(points):,}")
    return Decoded(points, sizes, corners, normals, notes)


def stack(table: Table, *names: str) -> np.ndarray:
    """Some columns of a table, side by side, as float64."""
    return np.stack([table[name].numbers for name in names], axis=1).astype(np.float64)


def read_header(source: Source) -> tuple[str, list[Element], int]:
    """Read the layout of the file's tables.

    Returns:
        The byte order (empty for text), the tables, and the first byte of the body.
    """
    end = END.search(source.data)
    if not end:
        raise source.cut("its header has no end")
    order, elements = "", list[Element]()
    for line in source.data[: end.start()].decode("latin-1").splitlines():
        try:
            match line.split():
                case ["format", name, *_]:
                    order = ORDERS[name]
                case ["element", name, count, *_]:
                    elements.append(Element(name, int(count), []))
                case ["property", "list", size, kind, name, *_]:
                    elements[-1].properties.append(Property(name, TYPES[kind], TYPES[size]))
                case ["property", kind, name, *_]:
                    elements[-1].properties.append(Property(name, TYPES[kind]))
                case ["format" | "element" | "property", *_]:
                    raise ValueError
        except (LookupError, ValueError):
            raise source.cut(f"its header has the line {line[:60]!r}") from None
    for element in elements:
        if element.count < 0:
            raise source.cut(f"it claims {element.count} of {element.name}")
        if element.name in ("vertex", "face"):
            source.check_count(element.count, "points" if element.name == "vertex" else "faces")
    return order, elements, end.end()


class Body:
    """The numbers behind the header, taken row after row; those of text are all float64."""

    def __init__(self, source: Source, order: str, start: int) -> None:
        self.source, self.order, self.place = source, order, 0
        self.data: np.ndarray
        if order:
            self.data = np.frombuffer(source.data, np.uint8, offset=start)
            return
        with warnings.catch_warnings():
            # Older versions of NumPy only warn of words that are no numbers, and stop there.
            warnings.simplefilter("error")
            numbers = np.fromstring(source.data[start:].decode("latin-1"), np.float64, sep=" ")
        self.data = numbers.view(np.uint8)

    def dtype(self, kind: str) -> np.dtype:
        """The type as which a number of this kind is stored."""
        return np.dtype(self.order + kind if self.order else "f8")

    def layout(self, element: Element, lengths: list[int]) -> np.dtype:
        """The layout of a row whose properties have these lengths: sizes `n0` and numbers `c0`."""
        fields: list[tuple[str, np.dtype, tuple[int, ...]]] = []
        for i, (column, length) in enumerate(zip(element.properties, lengths, strict=True)):
            if column.size:
                fields.append((f"n{i}", self.dtype(column.size), ()))
            fields.append((f"c{i}", self.dtype(column.kind), (length,) if column.size else ()))
        return np.dtype(fields)

    def left(self, dtype: np.dtype) -> int:
        """Rows that are still there."""
        return (len(self.data) - self.place) // max(dtype.itemsize, 1)

    def check(self, dtype: np.dtype, count: int, what: str) -> None:
        """Reject a file that holds fewer rows than it claims; `what` names them."""
        if not 0 <= count <= self.left(dtype):
            raise self.source.cut(f"{self.left(dtype):,} of {count:,} {what} are there")

    def take(self, dtype: np.dtype, count: int, what: str) -> np.ndarray:
        """The next rows, which `what` names if they are not all there."""
        self.check(dtype, count, what)
        place, self.place = self.place, self.place + count * dtype.itemsize
        return np.frombuffer(self.data, dtype, count, place) if count else np.zeros(0, dtype)

    def take_row(self, element: Element) -> list[np.ndarray]:
        """The next row of a table, property by property."""
        row, what = [], f"numbers in a row of {element.name}"
        for column in element.properties:
            count = 1
            if column.size:
                count = int(self.take(self.dtype(column.size), 1, what)[0])
            row.append(self.take(self.dtype(column.kind), count, what))
        return row


def read_table(body: Body, element: Element) -> Table:
    """Read a table: at once if the lists of all rows are as long as in the first, else by rows."""
    properties, start = element.properties, body.place
    if not element.count:
        none = np.zeros(0, np.int64)
        return {column.name: Column(none, none if column.size else None) for column in properties}
    what = f"rows of {element.name}"
    shortest = body.layout(element, [0] * len(properties))
    body.check(shortest, element.count, what)
    lengths = [len(numbers) for numbers in body.take_row(element)]
    body.place = start
    layout = body.layout(element, lengths)
    lists = [i for i, column in enumerate(properties) if column.size]
    if body.left(layout) >= element.count:
        table = body.take(layout, element.count, what)
        if all((table[f"n{i}"] == lengths[i]).all() for i in lists):
            return {
                column.name: Column(table[f"c{i}"].ravel(), table[f"n{i}"] if i in lists else None)
                for i, column in enumerate(properties)
            }
        body.place = start
    rows = [body.take_row(element) for _ in range(element.count)]
    return {
        column.name: Column(np.concatenate(own), np.array([len(numbers) for numbers in own]))
        if column.size
        else Column(np.concatenate(own))
        for column, own in zip(properties, zip(*rows, strict=True), strict=True)
    }


def find_faces(tables: dict[str, Table]) -> tuple[np.ndarray, np.ndarray]:
    """Find polygons, or the triangles of strips: (P,) sizes and (sum of sizes,) corners."""
    for name in ("face", "tristrips"):
        lists = {key: c for key, c in tables.get(name, {}).items() if c.sizes is not None}
        if not lists:
            continue
        corners, sizes = lists[next((key for key in INDICES if key in lists), next(iter(lists)))]
        assert sizes is not None
        corners, sizes = corners.astype(np.int64), sizes.astype(np.int64)
        return unroll_strips(corners, sizes) if name == "tristrips" else (sizes, corners)
    return np.zeros(0, np.int64), np.zeros(0, np.int64)


def unroll_strips(corners: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Make triangles of strips: every second one runs the other way, and -1 begins a new strip."""
    ends = np.zeros(len(corners), bool)
    ends[np.cumsum(sizes)[sizes > 0] - 1] = True
    # A strip's own count of corners so far, from its last beginning.
    begins = np.concatenate([[True], ends[:-1] | (corners[:-1] < 0)])[: len(corners)]
    place = np.arange(len(corners))
    since = place - np.maximum.accumulate(np.where(begins, place, 0))
    last = np.flatnonzero((since >= 2) & (corners >= 0))
    strips = np.stack([corners[last - 2], corners[last - 1], corners[last]], axis=1)
    odd = since[last] % 2 == 1
    strips[odd] = strips[odd][:, [1, 0, 2]]
    return np.full(len(strips), 3), strips.ravel()
