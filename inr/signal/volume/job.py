"""A volume to write, and its numbers in the order of the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from .layout import stored
from .volume_format import Container


class Sink(Protocol):
    """What bytes are written to."""

    def write(self, data: memoryview, /) -> int: ...


@dataclass(frozen=True)
class Job:
    """A volume to write.

    Attributes:
        path: The file, under a temporary name.
        suffix: That says its format.
        shape: ``(D, H, W, C)``.
        dtype: Dtype of the numbers in the file.
        container: What the file is to say of them.
        slabs: ``(d, H, W, C)`` arrays, from the first slice to the last.
    """

    path: Path
    suffix: str
    shape: tuple[int, int, int, int]
    dtype: np.dtype
    container: Container
    slabs: Iterator[np.ndarray]

    @property
    def axes(self) -> str:
        """Of the array in the file, in C order."""
        return self.container.axes

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """Of the array in the file."""
        sizes = dict(zip("zyxct", (*self.shape, 1), strict=True))
        return tuple(sizes[axis] for axis in self.axes)

    def parts(self) -> Iterator[tuple[tuple[slice, ...], np.ndarray]]:
        """Yields where each slab belongs in the file's array, and the slab in its order."""
        top = 0
        for slab in self.slabs:
            place = slice(top, top + len(slab))
            top += len(slab)
            index = tuple(place if axis == "z" else slice(None) for axis in self.axes)
            yield index, np.ascontiguousarray(stored(slab, self.axes), self.dtype)

    def assemble(self) -> np.ndarray:
        """The whole array in the file's order."""
        whole = np.empty(self.stored_shape, self.dtype)
        for index, part in self.parts():
            whole[index] = part
        return whole

    def write_numbers(self, sink: Sink) -> None:
        """Writes the numbers one behind the other, slab by slab where their order allows it."""
        slices_first = self.axes.replace("t", "").startswith("z")
        parts: Iterable[np.ndarray] = (
            (part for _, part in self.parts()) if slices_first else [self.assemble()]
        )
        for part in parts:
            sink.write(part.data)
