"""Columns of NPY and NPZ files."""

from __future__ import annotations

import math
import zipfile
from typing import IO

import numpy as np

from inr.source_file import SourceFile

from .request import Request


def read_npy(asked: Request) -> tuple[str, np.ndarray]:
    """The name and the numbers of a column of an array with one or two axes, or with fields."""
    with asked.file.path.open("rb") as opened:
        _check_header(asked, opened)
    array = np.load(asked.file.path, mmap_mode="r", allow_pickle=False)
    return _take(asked, _name_columns(asked.file, "", array))


def read_npz(asked: Request) -> tuple[str, np.ndarray]:
    """The name and the numbers of a column of an archive; one of ``a`` is ``a``, or ``a.0``."""
    columns: dict[str, np.ndarray] = {}
    with zipfile.ZipFile(asked.file.path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
        if not names:
            raise asked.file.reject("has no arrays", "an archive of numpy.savez", "Save it so.")
        for name in names:
            with archive.open(name) as entry:
                _check_header(asked, entry)
            with archive.open(name) as entry:
                array = np.lib.format.read_array(entry, allow_pickle=False)
            prefix = "" if len(names) == 1 else name.removesuffix(".npy")
            columns |= _name_columns(asked.file, prefix, array)
    return _take(asked, columns)


def _check_header(asked: Request, opened: IO[bytes]) -> None:
    """Rejects an array that is too large or pickled, before its data are read."""
    is_first = np.lib.format.read_magic(opened) == (1, 0)
    read = np.lib.format.read_array_header_1_0 if is_first else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(opened)
    if dtype.hasobject:
        raise asked.file.reject(
            "holds pickled objects", "an array of numbers", "Save it as floats."
        )
    # In numbers of 8 bytes: fields may be many.
    asked.check_total(math.prod(shape) * max(1, dtype.itemsize // 8))


def _name_columns(file: SourceFile, prefix: str, array: np.ndarray) -> dict[str, np.ndarray]:
    start = f"{prefix}." if prefix else ""
    if array.dtype.names and array.ndim == 1:
        return {start + name: array[name] for name in array.dtype.names}
    if array.ndim == 1:
        return {prefix or "0": array}
    if array.ndim == 2:
        return {f"{start}{number}": array[:, number] for number in range(array.shape[1])}
    raise file.reject(
        f"holds an array of {array.ndim} axes", "1 or 2", "Save what you mean as one column."
    )


def _take(asked: Request, columns: dict[str, np.ndarray]) -> tuple[str, np.ndarray]:
    names = list(columns)
    if not names:
        raise asked.file.reject("has no numbers", "a column of numbers", "Check the file.")
    name = names[asked.choose(names)]
    numbers = columns[name]
    if numbers.ndim != 1 or numbers.dtype.kind not in "buif":
        kind = "complex numbers" if numbers.dtype.kind == "c" else f"{numbers.dtype.name} data"
        raise asked.file.reject(f"holds {kind} in column {name}", "real numbers", "Convert them.")
    return name, np.array(numbers, np.float64)
