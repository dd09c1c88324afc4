"""Reading STL, binary and text: separate triangles."""

from __future__ import annotations

import re
import struct
from dataclasses import replace

import numpy as np

from .source import Decoded, Source, read_columns, triangles

HEADER = 84
RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
VERTEX = re.compile(r"^[ \t]*vertex[ \t]", re.IGNORECASE | re.MULTILINE)


def is_binary(data: bytes, size: int) -> bool:
    """Tell the two kinds apart: binary files may start with `solid`, too.

    Args:
        data: The start of the file.
        size: Bytes of the whole file.
    """
    if len(data) >= HEADER and HEADER + RECORD.itemsize * claimed(data) == size:
        return True
    return not re.match(rb"\s*solid[^\0]*$", data[:512], re.IGNORECASE | re.DOTALL)


def claimed(data: bytes) -> int:
    """Faces that a binary header says there are."""
    return int(struct.unpack_from("<I", data, HEADER - 4)[0])


def decode(source: Source) -> Decoded:
    """Decode an STL file of either kind."""
    if is_binary(source.data, len(source.data)):
        return decode_binary(source)
    return decode_text(source)


def decode_binary(source: Source) -> Decoded:
    """Decode records of 50 bytes."""
    if len(source.data) < HEADER:
        raise source.cut(f"{len(source.data)} of {HEADER} bytes of its header are there")
    count, body = claimed(source.data), len(source.data) - HEADER
    there = body // RECORD.itemsize
    notes: tuple[str, ...] = ()
    if count == 0 and there and body % RECORD.itemsize == 0:
        notes = (f"its header claims no faces; read all that are there: {there:,}",)
        count = there
    if there < count:
        raise source.cut(f"{there:,} of {count:,} faces are there")
    source.check_count(count, "faces")
    records = np.frombuffer(source.data, RECORD, count, HEADER)
    if body > count * RECORD.itemsize:
        notes += (f"bytes ignored behind the last face: {body - count * RECORD.itemsize:,}",)
    return replace(triangles(records["corners"].reshape(-1, 3), count), notes=notes)


def decode_text(source: Source) -> Decoded:
    """Decode lines of text; all solids of the file together."""
    text = source.text()
    lower = text.lower()
    facets = lower.count("endfacet")
    source.check_count(facets, "faces")
    lines = [text[found.end() : end_of_line(text, found.end())] for found in VERTEX.finditer(text)]
    if len(lines) != 3 * facets or "endsolid" not in lower[max(lower.rfind("endfacet"), 0) :]:
        raise source.cut(f"{len(lines):,} corners and {facets:,} ends of faces are there")
    return triangles(read_columns(source, lines, (0, 1, 2)), facets)


def end_of_line(text: str, start: int) -> int:
    """Where the line that holds `start` ends."""
    end = text.find("\n", start)
    return len(text) if end < 0 else end
