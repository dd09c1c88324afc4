"""Reading PLY, text and binary of either byte order: polygons, strips and points."""

from __future__ import annotations

import re
import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Property:
    """A column of an element: a number, or a list of numbers if `size` has a type."""

    name: str
    kind: str
    size: str | None = None


@dataclass(frozen=True)
class Element:
    """A table of the file."""

    name: str
    count: int
    properties: tuple[Property, ...]


# A column's numbers, and for a list their count in each row.
Column = tuple[np.ndarray, np.ndarray | None]


def decode(source: Source) -> Decoded:
    """Decode the vertices and the polygons or triangle strips of a PLY file."""
    order, elements, start = read_header(source)
    tables, notes = read_body(source, order, elements, start)
    vertex = tables.get("vertex", {})
    if not vertex.keys() >= {"x", "y", "z"}:
        raise source.reject("has no x, y and z", "vertices with x, y and z", "Export it again.")
    points = np.stack([vertex[axis][0] for axis in "xyz"], axis=1).astype(np.float64)
    normals = None
    if vertex.keys() >= {"nx", "ny", "nz"}:
        normals = np.stack([vertex[f"n{axis}"][0] for axis in "xyz"], axis=1).astype(np.float64)
    sizes, corners = find_faces(tables)
    if len(corners) and not (corners.min() >= 0 and corners.max() < len(points)):
        raise source.cut(f"a face names a vertex that is not among its {len(points):,}")
    return Decoded(points, sizes, corners, normals, notes)


def read_header(source: Source) -> tuple[str, list[Element], int]:
    """Read what tables the file has.

    Returns:
        The byte order (empty for text), the tables, and where the body starts.
    """
    end = END.search(source.data)
    if not end:
        raise source.cut("its header has no end")
    order, elements = "", []
    for line in re.split(rb"[\r\n]+", source.data[: end.start()]):
        words = line.decode("latin-1").split()
        match words[:1]:
            case ["format"]:
                order = ORDERS[words[1]]
            case ["element"]:
                elements.append(Element(words[1], int(words[2]), ()))
            case ["property"]:
                last = elements.pop()
                column = parse_property(words)
                elements.append(Element(last.name, last.count, (*last.properties, column)))
    for element in elements:
        if element.count < 0:
            raise source.cut(f"it claims {element.count} of {element.name}")
        if element.name in ("vertex", "face"):
            what = "points" if element.name == "vertex" else "faces"
            source.check_count(element.count, what)
    return order, elements, end.end()


def parse_property(words: list[str]) -> Property:
    """Parse a line such as `property float x` or `property list uchar int vertex_indices`."""
    if words[1] == "list":
        return Property(words[4], TYPES[words[3]], TYPES[words[2]])
    return Property(words[2], TYPES[words[1]])


def read_body(
    source: Source, order: str, elements: list[Element], start: int
) -> tuple[dict[str, dict[str, Column]], tuple[str, ...]]:
    """Read all tables, of text or of binary numbers; also what the user should know."""
    body: Body
    body = BinaryBody(source, start, order) if order else TextBody(source, start)
    tables = {}
    for element in elements:
        if any(column.size for column in element.properties):
            tables[element.name] = read_lists(body, element)
        else:
            dtype = body.row(element.properties, [])
            rows = body.take(dtype, element.count, element.name)
            tables[element.name] = {
                column.name: (rows[f"c{i}"], None) for i, column in enumerate(element.properties)
            }
    left = body.left(np.dtype("u1"))
    if left and not order:
        raise source.cut(f"{left // 8:,} numbers are left behind the last row")
    return tables, (f"bytes ignored behind the last row: {left:,}",) if left else ()


class Body(ABC):
    """The numbers behind the header, read row by row."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.place = 0
        self.numbers: np.ndarray = np.zeros(0, np.uint8)

    def row(self, properties: tuple[Property, ...], lengths: list[int]) -> np.dtype:
        """The layout of a row whose lists have these lengths."""
        fields: list[tuple[str, str, int] | tuple[str, str]] = []
        remaining = iter(lengths)
        for i, column in enumerate(properties):
            if column.size:
                fields.append((f"n{i}", self.type_of(column.size)))
                fields.append((f"c{i}", self.type_of(column.kind), next(remaining)))
            else:
                fields.append((f"c{i}", self.type_of(column.kind)))
        return np.dtype([(name, kind, (n[0],)) if n else (name, kind) for name, kind, *n in fields])

    @abstractmethod
    def type_of(self, kind: str) -> str:
        """What a number of this kind is stored as."""

    def left(self, dtype: np.dtype) -> int:
        """Whole rows that are still there."""
        return (self.numbers.nbytes - self.place) // max(dtype.itemsize, 1)

    def peek(self, dtype: np.dtype, count: int) -> np.ndarray:
        """The next rows, which stay there."""
        return (
            np.frombuffer(self.numbers, dtype, count, self.place) if count else np.zeros(0, dtype)
        )

    def take(self, dtype: np.dtype, count: int, name: str) -> np.ndarray:
        """The next rows."""
        if self.left(dtype) < count:
            raise self.source.cut(f"{self.left(dtype):,} of {count:,} rows of {name} are there")
        rows = self.peek(dtype, count)
        self.place += count * dtype.itemsize
        return rows


class BinaryBody(Body):
    """Numbers of their own types, in a byte order."""

    def __init__(self, source: Source, start: int, order: str) -> None:
        super().__init__(source)
        self.order = order
        self.numbers = np.frombuffer(source.data, np.uint8, offset=start)

    def type_of(self, kind: str) -> str:
        return self.order + kind


class TextBody(Body):
    """Numbers as words, all read as float64."""

    def __init__(self, source: Source, start: int) -> None:
        super().__init__(source)
        text = source.data[start:].decode("latin-1")
        with warnings.catch_warnings():
            # NumPy only warns of words that are no numbers, and stops there.
            warnings.simplefilter("error")
            self.numbers = np.fromstring(text, np.float64, sep=" ")

    def type_of(self, kind: str) -> str:
        return "f8"


def read_lists(body: Body, element: Element) -> dict[str, Column]:
    """Read a table with lists: at once if all rows are alike, else one by one."""
    lists = [i for i, column in enumerate(element.properties) if column.size]
    lengths = read_lengths(body, element) if element.count else [0] * len(lists)
    dtype = body.row(element.properties, lengths)
    if body.left(dtype) >= element.count:
        rows = body.peek(dtype, element.count)
        if all((rows[f"n{i}"] == n).all() for i, n in zip(lists, lengths, strict=True)):
            body.take(dtype, element.count, element.name)
            return {
                column.name: (rows[f"c{i}"].ravel(), rows[f"n{i}"] if column.size else None)
                for i, column in enumerate(element.properties)
            }
    return read_uneven_lists(body, element)


def read_lengths(body: Body, element: Element) -> list[int]:
    """The lengths of the lists of the next row, which stays there."""
    start, lengths = body.place, []
    for column in element.properties:
        count = 1
        if column.size:
            dtype = np.dtype(body.type_of(column.size))
            count = int(body.take(dtype, 1, element.name)[0])
            lengths.append(count)
        dtype = np.dtype(body.type_of(column.kind))
        if count < 0 or count > body.left(dtype):
            raise body.source.cut(f"a list in {element.name} ends too early")
        body.place += count * dtype.itemsize
    body.place = start
    return lengths


def read_uneven_lists(body: Body, element: Element) -> dict[str, Column]:
    """Read a table row by row."""
    values: list[list[np.ndarray]] = [[] for _ in element.properties]
    layouts: dict[tuple[int, ...], np.dtype] = {}
    for _ in range(element.count):
        lengths = read_lengths(body, element)
        key = tuple(lengths)
        if key not in layouts:
            layouts[key] = body.row(element.properties, lengths)
        row = body.take(layouts[key], 1, element.name)
        for i, own in enumerate(values):
            own.append(row[f"c{i}"].ravel())
    return {
        column.name: (np.concatenate(own), np.array([len(v) for v in own]))
        for column, own in zip(element.properties, values, strict=True)
    }


def find_faces(tables: dict[str, dict[str, Column]]) -> tuple[np.ndarray, np.ndarray]:
    """Find polygons, or the triangles of strips.

    Returns:
        (P,) sizes and (sum of sizes,) corners.
    """
    for name in ("face", "tristrips"):
        lists = {key: c for key, c in tables.get(name, {}).items() if c[1] is not None}
        wanted = next((key for key in INDICES if key in lists), next(iter(lists), None))
        if wanted is not None and lists[wanted][1] is not None:
            corners, sizes = lists[wanted]
            assert sizes is not None
            if name == "tristrips":
                return unroll_strips(corners.astype(np.int64), sizes.astype(np.int64))
            return sizes.astype(np.int64), corners.astype(np.int64)
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
