"""Writing volumes without losing data."""

import math
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from inr.raster.quiet import quiet

from .file_format import FileFormat
from .formats import WRITERS
from .layout import reorder
from .slabs import cut_slabs
from .source import join
from .volume_format import Container, Shape, VolumeFormat

SUFFIXES = tuple(WRITERS)


def write_volume(
    path: str | os.PathLike[str], voxels: np.ndarray, volume_format: VolumeFormat
) -> None:
    """Writes a volume in the format that its suffix names, all of it or nothing.

    Args:
        path: File to write, with one of ``SUFFIXES``. In the format that was read
            (``volume_format.container.suffix``) everything is as it was there: dtype, order of
            axes, name of the dataset, spacing, affine and header. In another one the same numbers
            are written, as physical values where it has no place for a slope and an intercept.
        voxels: ``(D, H, W, C)`` array of ``volume_format.dtype``.
        volume_format: Format of the file, from :class:`inr.signal.VolumeSignal`.

    Raises:
        ImportError: The format needs an optional package.
        ValueError: The suffix is none of these, the array is of another shape or dtype, or the
            format cannot hold it.
    """
    if voxels.ndim != 4 or not voxels.size:
        raise ValueError(f"voxels have the shape {voxels.shape}; expected (D, H, W, C).")
    depth, height, width, channels = voxels.shape
    slabs = (voxels[slab] for slab in cut_slabs(voxels.shape))
    write_slabs(path, (depth, height, width, channels), slabs, volume_format)


def write_slabs(
    path: str | os.PathLike[str],
    shape: Shape,
    slabs: Iterable[np.ndarray],
    volume_format: VolumeFormat,
) -> None:
    """Writes a volume from a stream of slabs: :func:`write_volume` says how.

    They are held one at a time: the whole is gathered in a nameless file beside the target.

    Args:
        path: File to write, as for :func:`write_volume`.
        shape: ``(D, H, W, C)``.
        slabs: ``(d, H, W, C)`` arrays of ``volume_format.dtype``, from the first slice to the last.
        volume_format: Format of the file, as for :func:`write_volume`.

    Raises:
        ImportError: The format needs an optional package.
        ValueError: The suffix is unknown, the slabs are of another shape, number or dtype, or the
            format cannot hold them.
    """
    path = Path(path)
    suffix, form = load_writer(path)
    container, dtype = volume_format.container, volume_format.dtype
    checked = check_slabs(slabs, shape, dtype)
    # Formats of one module hold the same.
    if type(WRITERS.get(container.suffix)).__module__ != type(form).__module__:
        if not form.has_scale and (container.slope, container.intercept) != (1.0, 0.0):
            checked = scale_slabs(checked, container)
            dtype = np.dtype(np.float32)
        container = replace(container, axes="zyx", byte_order="<", dataset=None, header=None)
    axes, dtype = form.prepare(container, shape, dtype)
    container = replace(container, suffix=suffix, axes=axes)
    with (
        quiet(),
        form.replacing(path) as temporary,
        gathered(path.parent, shape, checked, axes, dtype) as array,
    ):
        form.write(temporary, array, container)


def load_writer(path: Path) -> tuple[str, FileFormat]:
    """The suffix and the format of a file to write, if the format's package is there.

    Raises:
        MissingExtraError: The package is not installed.
        ValueError: The suffix is unknown.
    """
    suffix = next((s for s in SUFFIXES if path.name.lower().endswith(s)), None)
    if suffix is None:
        raise ValueError(
            f"{path} has the suffix {path.suffix!r}; expected {', '.join(SUFFIXES)}. "
            f"Name it {path.stem}.npz or {path.stem}.nii.gz."
        )
    form = WRITERS[suffix]
    form.require_package(str(path), "write", ", or name it .npz")
    return suffix, form


@contextmanager
def gathered(
    folder: Path, shape: Shape, slabs: Iterable[np.ndarray], axes: str, dtype: np.dtype
) -> Iterator[np.ndarray]:
    """Yields the whole array with the axes of a file, in C order, on disk and not in memory."""
    sizes = dict(zip("zyxct", (*shape, 1), strict=True))
    with tempfile.TemporaryFile(dir=folder) as file:
        if hasattr(os, "posix_fallocate"):
            # On a full disk this is an error, and writing to the map would end the process.
            os.posix_fallocate(file.fileno(), 0, math.prod(shape) * dtype.itemsize)
        array = np.memmap(file, dtype, "w+", shape=tuple(sizes[axis] for axis in axes))
        top = 0
        for slab in slabs:
            place = slice(top, top + len(slab))
            top += len(slab)
            index = tuple(place if axis == "z" else slice(None) for axis in axes)
            array[index] = reorder(slab, "zyxc", axes)
        yield np.asarray(array)


def check_slabs(slabs: Iterable[np.ndarray], shape: Shape, dtype: np.dtype) -> Iterator[np.ndarray]:
    """Yields slabs, rejecting ill-shaped ones, other numbers, and too few or many of them."""
    given = 0
    for slab in slabs:
        if slab.ndim != 4 or slab.shape[1:] != shape[1:]:
            raise ValueError(f"a slab has the shape {slab.shape}; expected (d, {join(shape[1:])}).")
        if slab.dtype.newbyteorder("=") != dtype:
            raise ValueError(
                f"a slab is of {slab.dtype.name}; expected {dtype.name}. Use VolumeFormat.restore."
            )
        given += len(slab)
        if given > shape[0]:
            break
        yield slab
    if given != shape[0]:
        raise ValueError(f"got {given:,} slices or more; expected {shape[0]:,}.")


def scale_slabs(slabs: Iterable[np.ndarray], container: Container) -> Iterator[np.ndarray]:
    """Physical values, for files that have no place for a slope and an intercept."""
    for slab in slabs:
        yield (slab * container.slope + container.intercept).astype(np.float32)
