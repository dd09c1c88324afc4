"""The file or folder that a decoder reads, and the errors that reject it."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inr.raster import quiet as raster_quiet
from inr.raster.source import CutError
from inr.source_file import MissingExtraError, RejectedError

__all__ = ["CutError", "MissingExtraError", "RejectedError", "Source", "join", "quiet"]

CHATTY = ("pydicom", "nibabel.global")
MOST_LISTED = 8


@dataclass(frozen=True)
class Source:
    """A file or folder of a known format, and the terms on which to read it.

    Attributes:
        path: The file or folder.
        name: It as the user wrote it, for messages.
        kind: Name of the format, such as ``NIfTI``.
        dataset: Name of the array or the series, of several.
        frame: Number of the volume, of a series of them.
        axes: What the axes of the stored array are, such as ``zyx``; None leaves it to the format.
        crop: ``(x0, y0, z0, x1, y1, z1)`` in voxels: the box to read.
        shape: Shape of a raw file, in the order of its axes.
        dtype: Dtype of a raw file.
        max_voxels: Most numbers that may be read.
    """

    path: Path
    name: str
    kind: str = "volume"
    dataset: str | None = None
    frame: int | None = None
    axes: str | None = None
    crop: tuple[int, ...] | None = None
    shape: tuple[int, ...] | None = None
    dtype: np.dtype | None = None
    max_voxels: int = 2**30

    def reject(self, problem: str, expected: str, fix: str) -> RejectedError:
        """Makes the error for a file that cannot be read as it is."""
        return RejectedError(f"{self.name} {problem}; expected {expected}. {fix}")

    def cut(self, there: str) -> CutError:
        """Makes the error for a file that ends too early.

        Args:
            there: How much of it is there, for the parentheses of the message.
        """
        return CutError(
            f"{self.name} is cut off or damaged ({there}); expected a whole {self.kind} file. "
            "Fetch or save it again."
        )

    def check_count(self, shape: Sequence[int], what: str = "voxels") -> None:
        """Rejects more numbers than allowed, before they are read."""
        count = math.prod(map(int, shape))
        if count > self.max_voxels:
            raise self.reject(
                f"claims {count:,} {what} ({join(shape)})",
                f"at most {self.max_voxels:,}",
                f"If it is meant to be so large, use max_voxels={count}.",
            )

    def check_dtype(self, dtype: np.dtype) -> None:
        """Rejects whatever are not whole or floating-point numbers of up to 64 bits."""
        if dtype.kind not in "buif" or dtype.itemsize > 8:
            fix = "Take its magnitude." if dtype.kind == "c" else "Convert it to float32."
            kind = "text or objects" if dtype.kind in "OSUV" else dtype.name
            raise self.reject(f"holds {kind}", "integers, floats or booleans of up to 64 bits", fix)

    def choose(self, names: Sequence[str], what: str, shapes: Sequence[str] | None = None) -> str:
        """Chooses the array to read by the name that was asked for.

        Args:
            names: Names of all that could be read.
            what: What the format calls them, in the singular.
            shapes: What else to tell of each.
        """
        if not names:
            raise self.reject(
                f"holds no {what} of numbers", f"one with 3 axes in a {self.kind} file", "Check it."
            )
        if self.dataset in names:
            return str(self.dataset)
        told = [f"{n} ({s})" for n, s in zip(names, shapes or (), strict=True)] if shapes else names
        listed = ", ".join(told[:MOST_LISTED]) + (", ..." if len(names) > MOST_LISTED else "")
        if self.dataset is not None:
            raise self.reject(
                f"has no {what} {self.dataset!r}",
                f"one of {listed}",
                f"Use dataset={quoted(names[0])}.",
            )
        if len(names) > 1:
            raise self.reject(
                f"holds {len(names):,} {what if what.endswith('s') else what + 's'}: {listed}",
                "the name of one",
                f"Choose it with dataset={quoted(names[0])}.",
            )
        return names[0]

    def needs(self, package: str) -> MissingExtraError:
        """Makes the error for a format whose package is not installed."""
        return MissingExtraError(
            f"{self.name} is a {self.kind} file; expected the {package} package to read it. "
            "Run pip install 'inr[volume]'."
        )


def quoted(name: str) -> str:
    """The name of a dataset as it is typed."""
    return name if re.fullmatch(r"[A-Za-z_][\w/]*", name) else f"\"'{name}'\""


def join(shape: Sequence[int]) -> str:
    """Cells per axis, for messages."""
    return " x ".join(f"{int(n):,}" for n in shape)


@contextmanager
def quiet() -> Iterator[None]:
    """Holds back warnings and the logs of readers while the block runs."""
    loggers = [logging.getLogger(name) for name in CHATTY]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        with raster_quiet.quiet():
            yield
    finally:
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled
