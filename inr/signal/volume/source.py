"""The file or folder of a volume, the terms on which to read it, and the errors that reject it."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inr.source_file import MissingExtraError, RejectedError, describe

MOST_LISTED = 8


@dataclass(frozen=True)
class Source:
    """A file or folder of a known format, and the terms on which to read it.

    Attributes:
        path: The file or folder.
        name: The path as the user wrote it, for messages.
        kind: Name of the format, such as ``NIfTI``.
        dataset: Name of the array or the series, of several.
        frame: Number of the volume, of a series of them.
        axes: Axes of the stored array, such as ``zyx``; None leaves it to the format.
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

    def cut(self, there: str) -> RejectedError:
        """Makes the error for a file that ends too early.

        Args:
            there: How much of it is there, for the parentheses of the message.
        """
        problem = f"is cut off or damaged ({there})"
        return self.reject(problem, f"a whole {self.kind} file", "Fetch or save it again.")

    @contextmanager
    def rejecting(self) -> Iterator[None]:
        """Turns whatever a library raises into a rejection."""
        try:
            yield
        except (RejectedError, MissingExtraError):
            raise
        except MemoryError:
            raise self.reject(
                "does not fit into memory", "a smaller volume", "Use crop=[x0,y0,z0,x1,y1,z1]."
            ) from None
        except PermissionError as error:
            raise PermissionError(
                f"{error.filename or self.name} is not readable; expected a readable file. Allow "
                "it with chmod +r."
            ) from None
        except Exception as error:
            raise self.cut(describe(error)) from None

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

    def choose(self, named: Mapping[str, str], what: str) -> str:
        """Chooses an array by the name that was asked for, or the only one.

        Args:
            named: Names of all that can be read, and what to tell of each.
            what: Word for one of them.
        """
        if not named:
            raise self.reject(
                f"holds no {what} of numbers", f"one with 3 axes in a {self.kind} file", "Check it."
            )
        if self.dataset in named:
            return str(self.dataset)
        listed = ", ".join(f"{name} ({told})" for name, told in list(named.items())[:MOST_LISTED])
        listed += ", ..." if len(named) > MOST_LISTED else ""
        first = next(iter(named))
        if self.dataset is not None:
            raise self.reject(
                f"has no {what} {self.dataset!r}",
                f"one of {listed}",
                f"Use dataset={quoted(first)}.",
            )
        if len(named) > 1:
            raise self.reject(
                f"holds {len(named):,} {what if what.endswith('s') else what + 's'}: {listed}",
                "the name of one",
                f"Choose it with dataset={quoted(first)}.",
            )
        return first


def quoted(name: str) -> str:
    """The name of a dataset as it is typed."""
    return name if re.fullmatch(r"[A-Za-z_][\w/]*", name) else f"\"'{name}'\""


def join(shape: Sequence[int]) -> str:
    """Cells per axis, for messages."""
    return " x ".join(f"{int(n):,}" for n in shape)
