"""NumPy's own files: ``.npy`` and ``.npz``."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from .job import Job
from .layout import Decoded, plan_layout
from .source import Source, join
from .volume_format import Container, byte_order

SUFFIX = ".npy"
READ_HEADER = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
Header = tuple[tuple[int, ...], np.dtype]


def decode_npy(source: Source) -> Decoded:
    """Maps a file of one array into memory."""
    with source.path.open("rb") as file:
        shape, dtype = read_header(file)
        start = file.tell()
    source.check_dtype(dtype)
    layout = plan_layout(source, shape)
    size, needed = source.path.stat().st_size, start + math.prod(shape) * dtype.itemsize
    if size < needed:
        raise source.cut(f"{size:,} of {needed:,} bytes are there")
    array = np.lib.format.open_memmap(source.path, mode="r")
    container = Container(".npy", layout.written_axes, byte_order(dtype))
    return Decoded(array[layout.selection], layout, container)


def decode_npz(source: Source) -> Decoded:
    """Reads one array of an archive."""
    with zipfile.ZipFile(source.path) as archive:
        name, info = choose_array(source, archive)
        with archive.open(info) as file:
            shape, dtype = read_header(file)
            needed = file.tell() + math.prod(shape) * dtype.itemsize
        source.check_dtype(dtype)
        layout = plan_layout(source, shape)
        source.check_count(shape)
        if info.file_size < needed:
            raise source.cut(f"{info.file_size:,} of {needed:,} bytes of {name} are there")
        with archive.open(info) as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    container = Container(".npz", layout.written_axes, byte_order(dtype), name)
    return Decoded(array[layout.selection], layout, container)


def has_volume(path: Path) -> bool:
    """Whether a file holds numbers along three axes or more."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return bool(list_volumes(archive))
    with path.open("rb") as file:
        return is_volume_header(read_header(file))


def is_volume_header(header: Header) -> bool:
    """Whether an array may be a volume."""
    shape, dtype = header
    return len(shape) >= 3 and dtype.kind in "buif"


def list_volumes(archive: zipfile.ZipFile) -> dict[str, tuple[int, ...]]:
    """The shapes of the arrays of an archive that may be volumes."""
    shapes = {}
    for name in archive.namelist():
        if name.endswith(SUFFIX):
            with archive.open(name) as file:
                header = read_header(file)
            if is_volume_header(header):
                shapes[name.removesuffix(SUFFIX)] = header[0]
    return shapes


def choose_array(source: Source, archive: zipfile.ZipFile) -> tuple[str, zipfile.ZipInfo]:
    """Chooses the array that was named, or the only one with enough axes."""
    names = [n.removesuffix(SUFFIX) for n in archive.namelist() if n.endswith(SUFFIX)]
    if source.dataset in names:
        return source.dataset, archive.getinfo(source.dataset + SUFFIX)
    shapes = list_volumes(archive)
    if not shapes and len(names) == 1:
        return names[0], archive.getinfo(names[0] + SUFFIX)
    name = source.choose(list(shapes), "array", [join(shape) for shape in shapes.values()])
    return name, archive.getinfo(name + SUFFIX)


def read_header(file: IO[bytes]) -> Header:
    """Reads the shape and dtype that an array's header claims."""
    version = np.lib.format.read_magic(file)
    if version not in READ_HEADER:
        raise ValueError(f"its header has version {version}")
    shape, _, dtype = READ_HEADER[version](file)
    return shape, dtype


def encode_npy(job: Job) -> None:
    """Writes a file of one array."""
    with job.path.open("wb") as file:
        write_array(job, file)


def encode_npz(job: Job) -> None:
    """Writes an archive of one array, compressed."""
    name = (job.container.dataset or "arr_0") + SUFFIX
    with (
        zipfile.ZipFile(job.path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(name, "w", force_zip64=True) as file,
    ):
        write_array(job, file)


def write_array(job: Job, file: IO[bytes]) -> None:
    """Writes a header and the numbers."""
    header = {
        "descr": np.lib.format.dtype_to_descr(job.dtype),
        "fortran_order": False,
        "shape": job.stored_shape,
    }
    np.lib.format.write_array_header_1_0(file, header)
    job.write_numbers(file)
