"""An STL reader of our own: trimesh loses a solid that is cut off (`test_trimesh_loses`)."""

from __future__ import annotations

import re
import struct
from dataclasses import replace

import numpy as np

from .source import Decoded, Source, read_columns, separate_triangles

HEADER_BYTES = 84
RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
# A line of a corner, whose numbers are the group.
VERTEX = re.compile(r"^[ \t]*vertex[ \t](.*)$", re.IGNORECASE | re.MULTILINE)


def has_binary_size(start: bytes, size: int) -> bool:
    """Whether a binary header claims as many faces as a file of so many bytes holds."""
    return len(start) >= HEADER_BYTES and HEADER_BYTES + RECORD.itemsize * read_count(start) == size


def read_count(start: bytes) -> int:
    """Faces that a binary header claims."""
    return int(struct.unpack_from("<I", start, HEADER_BYTES - 4)[0])


def decode(source: Source) -> Decoded:
    """Decode an STL file, binary or text; binary files may start with `solid`, too."""
    if has_binary_size(source.data, len(source.data)) or not re.match(
        rb"\s*solid[^\0]*$", source.data[:512], re.IGNORECASE | re.DOTALL
    ):
        return decode_binary(source)
    return decode_text(source)


def decode_binary(source: Source) -> Decoded:
    """Decode records of 50 bytes."""
    if len(source.data) < HEADER_BYTES:
        raise source.cut(f"{len(source.data)} of {HEADER_BYTES} bytes of its header are there")
    count = read_count(source.data)
    there, rest = divmod(len(source.data) - HEADER_BYTES, RECORD.itemsize)
    notes: tuple[str, ...] = ()
    if count == 0 and there and not rest:
        notes = (f"its header claims no faces; read all that are there: {there:,}",)
        count = there
    if there < count:
        raise source.cut(f"{there:,} of {count:,} faces are there")
    source.check_count(count, "faces")
    records = np.frombuffer(source.data, RECORD, count, HEADER_BYTES)
    if behind := (there - count) * RECORD.itemsize + rest:
        notes += (f"bytes ignored behind the last face: {behind:,}",)
    return replace(separate_triangles(records["corners"].reshape(-1, 3)), notes=notes)


def decode_text(source: Source) -> Decoded:
    """Decode lines of text, of all solids of the file together."""
    text = source.text()
    lower = text.lower()
    count = lower.count("endfacet")
    source.check_count(count, "faces")
    lines = VERTEX.findall(text)
    if len(lines) != 3 * count or "endsolid" not in lower.rpartition("endfacet")[2]:
        raise source.cut(f"{len(lines):,} corners and {count:,} ends of faces are there")
    return separate_triangles(read_columns(source, lines, (0, 1, 2)))
