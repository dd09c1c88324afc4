"""A file format of volumes: how it is recognised, opened and written."""

import importlib
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from inr.atomic import replacing
from inr.source_file import MissingExtraError

from .layout import Index, complete_axes
from .source import Source
from .volume_format import Container, Shape

# Dtypes that few formats have, and those that hold the same numbers.
WIDENED: Mapping[str, str] = {"bool": "uint8", "float16": "float32"}


@dataclass(frozen=True)
class Stored:
    """An array in an open file, of which nothing is read yet.

    Attributes:
        shape: Cells per axis.
        dtype: Dtype of the numbers; None where it is known only when they are read.
        read: Reads the part that an index selects.
        container: What the file says of the whole array, without axes and byte order.
        axes: Axes of the array, a letter each; None where the format does not say.
        is_fortran: Whether the first axis varies fastest in the file, and not the last.
        samples: Numbers of a voxel, if they are one more axis of what is read; else 0.
        notes: Remarks for the user.
    """

    shape: tuple[int, ...]
    dtype: np.dtype | None
    read: Callable[[Index], np.ndarray]
    container: Container
    axes: str | None = None
    is_fortran: bool = False
    samples: int = 0
    notes: tuple[str, ...] = ()


class FileFormat:
    """A file format. A subclass says what is special about it; ``formats`` lists all.

    Attributes:
        name: Name for messages.
        start: Regular expression of the first bytes of a file.
        suffixes: Suffixes of files that are volumes even when they are damaged.
        written: Suffixes that can be written; the first one is the format's own.
        package: Package of the extra ``volume`` that reads and writes it, if it needs one.
        has_scale: Whether a file has a place for a slope and an intercept.
        widened: Dtypes that the format lacks, and those that hold the same numbers.
    """

    name: str
    start = rb"(?!)"
    suffixes: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    package: str | None = None
    has_scale = False
    widened: ClassVar[Mapping[str, str]] = {}

    def recognizes(self, source: Source, start: bytes) -> bool:
        """Whether a file with these first bytes, unpacked, is in this format."""
        return re.match(self.start, start, re.DOTALL) is not None

    def recognizes_folder(self, path: Path) -> bool:
        """Whether a folder is in this format."""
        return False

    def has_volume(self, path: Path) -> bool:
        """Whether a file of this format is a volume, and not an image or a table."""
        return True

    def suffix_of(self, path: Path) -> str:
        """The suffix under which the volume of a file is written without loss."""
        name = path.name.lower()
        found = next((suffix for suffix in self.written if name.endswith(suffix)), None)
        return found or (*self.written, ".nii.gz")[0]

    def open(self, source: Source) -> AbstractContextManager[Stored]:
        """Opens a file and finds the array to read."""
        raise NotImplementedError

    def prepare(self, container: Container, shape: Shape, dtype: np.dtype) -> tuple[str, np.dtype]:
        """Axes and dtype of the array that is written for ``(D, H, W, C)`` voxels."""
        dtype = np.dtype(self.widened.get(dtype.name, dtype))
        dtype = dtype.newbyteorder(">" if container.byte_order == ">" else "<")
        return complete_axes(container.axes, shape), dtype

    def write(self, path: Path, array: np.ndarray, container: Container) -> None:
        """Writes an array in C order, whose axes are ``container.axes``."""
        raise NotImplementedError

    def replacing(self, path: Path) -> AbstractContextManager[Path]:
        """Yields a temporary path, which replaces ``path`` on success."""
        return replacing(path)

    def require_package(self, name: str, purpose: str, otherwise: str = "") -> None:
        """Checks that the format's package is installed.

        Raises:
            MissingExtraError: The package is not installed.
        """
        try:
            if self.package is not None:
                importlib.import_module(self.package)
        except ImportError:
            raise MissingExtraError(
                f"{name} is a {self.name} file; expected the {self.package} package to {purpose} "
                f"it. Run pip install 'inr[volume]'{otherwise}."
            ) from None
