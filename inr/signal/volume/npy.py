"""NumPy's files, by NumPy; headers are read here, since NumPy unpacks arrays of any size first.

``test_an_archive_that_unpacks_to_much_is_rejected_before`` shows it.
"""

import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from .file_format import FileFormat, Stored
from .layout import Index
from .source import Source, join
from .volume_format import Container

MEMBER = ".npy"
READ_HEADER = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class Npy(FileFormat):
    """A file of one array, which is mapped into memory."""

    name = "NumPy"
    start = rb"\x93NUMPY"
    suffixes = written = (".npy",)

    def has_volume(self, path: Path) -> bool:
        with path.open("rb") as file:
            return is_volume(*read_header(file)[:2])

    @contextmanager
    def open(self, source: Source) -> Iterator[Stored]:
        with source.path.open("rb") as file:
            shape, dtype, needed = read_header(file)

        def read(selection: Index) -> np.ndarray:
            check_size(source, source.path.stat().st_size, needed)
            part: np.ndarray = np.load(source.path, mmap_mode="r")[selection]
            return part

        yield Stored(shape, dtype, read, Container(".npy"))

    def write(self, path: Path, array: np.ndarray, container: Container) -> None:
        with path.open("wb") as file:
            np.save(file, array)


class Npz(FileFormat):
    """An archive, of which one array is read."""

    name = "NPZ"
    start = rb"PK(\x03\x04|\x05\x06)"
    written = (".npz",)

    def has_volume(self, path: Path) -> bool:
        with zipfile.ZipFile(path) as archive:
            return bool(list_volumes(archive))

    @contextmanager
    def open(self, source: Source) -> Iterator[Stored]:
        with zipfile.ZipFile(source.path) as archive:
            name = choose_array(source, archive)
            info = archive.getinfo(name + MEMBER)
            with archive.open(info) as file:
                shape, dtype, needed = read_header(file)

            def read(selection: Index) -> np.ndarray:
                source.check_count(shape)
                check_size(source, info.file_size, needed, f" of {name}")
                with archive.open(info) as file:
                    array = np.lib.format.read_array(file, allow_pickle=False)
                part: np.ndarray = array[selection]
                return part

            yield Stored(shape, dtype, read, Container(".npz", dataset=name))

    def write(self, path: Path, array: np.ndarray, container: Container) -> None:
        name = (container.dataset or "arr_0") + MEMBER
        with (
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open(name, "w", force_zip64=True) as file,
        ):
            np.lib.format.write_array(file, array)


def read_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype, int]:
    """The shape and dtype that an array's header claims, and the bytes that it needs."""
    version = np.lib.format.read_magic(file)
    if version not in READ_HEADER:
        raise ValueError(f"its header has version {version}")
    shape, _, dtype = READ_HEADER[version](file)
    return shape, dtype, file.tell() + math.prod(shape) * dtype.itemsize


def check_size(source: Source, size: int, needed: int, of_what: str = "") -> None:
    """Rejects a file that is shorter than its header says."""
    if size < needed:
        raise source.cut(f"{size:,} of {needed:,} bytes{of_what} are there")


def is_volume(shape: tuple[int, ...], dtype: np.dtype) -> bool:
    """Whether an array may be a volume."""
    return len(shape) >= 3 and dtype.kind in "buif"


def list_volumes(archive: zipfile.ZipFile) -> dict[str, str]:
    """The shapes of the arrays of an archive that may be volumes."""
    shapes = {}
    for name in archive.namelist():
        if name.endswith(MEMBER):
            with archive.open(name) as file:
                shape, dtype, _ = read_header(file)
            if is_volume(shape, dtype):
                shapes[name.removesuffix(MEMBER)] = join(shape)
    return shapes


def choose_array(source: Source, archive: zipfile.ZipFile) -> str:
    """Chooses the array that was named, or the only one with enough axes."""
    names = [name.removesuffix(MEMBER) for name in archive.namelist() if name.endswith(MEMBER)]
    if source.dataset in names:
        return source.dataset
    volumes = list_volumes(archive)
    return names[0] if len(names) == 1 and not volumes else source.choose(volumes, "array")
