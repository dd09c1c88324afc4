"""The bytes of a file, unpacked, of a size that memory can hold."""

from __future__ import annotations

import zlib

from inr.source_file import describe, read_start

from .source import Source

GZIP = b"\x1f\x8b"
# More bytes than a mesh with the most faces allowed should take.
MAX_BYTES = 2**31


def check_file(source: Source) -> None:
    """Reject whatever is not a regular file that may be read."""
    read_start(source.path, source.name, "a mesh file", 1)


def read_data(source: Source, most: int | None = None) -> bytes:
    """Read a file's first bytes, or all of them, unpacked if they are packed.

    Args:
        source: The file.
        most: Bytes to read; None is the whole file, which is rejected if it is too large or its
            packing has no end.
    """
    limit = MAX_BYTES + 1 if most is None else most
    with source.path.open("rb") as file:
        data = file.read(limit)
    if data[:2] == GZIP:
        data = unpack(source, data, limit, whole=most is None)
    if len(data) > MAX_BYTES:
        raise source.reject(
            f"has more than {MAX_BYTES:,} bytes", "a smaller file", "Simplify the mesh."
        )
    return data


def unpack(source: Source, data: bytes, limit: int, *, whole: bool) -> bytes:
    """Unpack gzip, all of its members, up to so many bytes."""
    parts, left = [], limit
    while left > 0 and data[:2] == GZIP:
        stream = zlib.decompressobj(wbits=31)
        try:
            parts.append(stream.decompress(data, left))
        except zlib.error as error:
            raise source.cut(describe(error)) from None
        left -= len(parts[-1])
        if whole and left > 0 and not stream.eof:
            raise source.cut("its packing has no end")
        data = stream.unused_data
    return b"".join(parts)
