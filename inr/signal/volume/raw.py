"""Files of nothing but numbers, whose shape and dtype the user says."""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from .file_format import FileFormat, Stored
from .source import Source, join
from .volume_format import Container

# As in bonsai_256x256x256_uint8.raw, with the fastest axis first.
NAMED = re.compile(r"(\d+)x(\d+)x(\d+).*?(u?int(?:8|16|32|64)|float(?:16|32|64))", re.IGNORECASE)


class Raw(FileFormat):
    """A file of numbers, which is mapped into memory."""

    name = "raw"
    written = (".raw", ".bin")

    def recognizes(self, source: Source, start: bytes) -> bool:
        named = source.path.suffix.lower() in self.written
        return named or None not in (source.shape, source.dtype)

    @contextmanager
    def open(self, source: Source) -> Iterator[Stored]:
        shape, dtype = source.shape, source.dtype
        if shape is None or dtype is None:
            raise source.reject(
                "has no header", "the shape and the dtype of its numbers", advise(source.name)
            )
        size, needed = source.path.stat().st_size, math.prod(shape) * dtype.itemsize
        if size != needed:
            raise source.reject(
                f"has {size:,} bytes",
                f"{needed:,} for {join(shape)} numbers of {dtype.name}",
                "Check shape and dtype.",
            )
        array = np.memmap(source.path, dtype, "r", shape=shape)
        yield Stored(shape, dtype, array.__getitem__, Container(self.suffix_of(source.path)))

    def write(self, path: Path, array: np.ndarray, container: Container) -> None:
        array.tofile(path)


def advise(name: str) -> str:
    """The arguments to give, as far as the file's name says."""
    found = NAMED.search(name)
    if not found:
        return "Use shape=[D,H,W] dtype=uint16 (big endian: '>u2')."
    x, y, z, dtype = found.groups()
    return f"By its name: shape=[{z},{y},{x}] dtype={dtype.lower()}."
