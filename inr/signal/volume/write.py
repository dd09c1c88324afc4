"""Writing volumes without losing data."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from inr.atomic import replacing
from inr.source_file import MissingExtraError

from .job import Job
from .slabs import cut_slabs
from .source import join, quiet
from .volume_format import Container, VolumeFormat

# The module and function that write each format.
WRITERS = {
    ".npy": ("npy", "encode_npy"),
    ".npz": ("npy", "encode_npz"),
    ".nii": ("nifti", "encode"),
    ".nii.gz": ("nifti", "encode"),
    ".tif": ("tiff", "encode"),
    ".tiff": ("tiff", "encode"),
    ".h5": ("hdf5", "encode"),
    ".hdf5": ("hdf5", "encode"),
    ".zarr": ("zarr", "encode"),
    ".raw": ("raw", "encode"),
    ".bin": ("raw", "encode"),
}
SUFFIXES = tuple(WRITERS)
PACKAGES = {"nifti": "nibabel", "hdf5": "h5py", "zarr": "zarr"}
Shape = tuple[int, int, int, int]


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
        volume_format: From :class:`inr.signal.VolumeSignal`.

    Raises:
        ImportError: The format needs an optional package.
        ValueError: The suffix is none of these, or the array is of another shape or dtype.
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

    They are held one at a time, unless the file has its channels one behind the other.

    Args:
        path: File to write, as for :func:`write_volume`.
        shape: ``(D, H, W, C)``.
        slabs: ``(d, H, W, C)`` arrays of ``volume_format.dtype``, from the first slice to the last.
        volume_format: Format of the file, as for :func:`write_volume`.

    Raises:
        ImportError: The format needs an optional package.
        ValueError: The suffix is unknown, or the slabs are of another shape, number or dtype.
    """
    path = Path(path)
    suffix = find_suffix(path)
    module, function = WRITERS[suffix]
    container, dtype = volume_format.container, volume_format.dtype
    checked = check_slabs(slabs, shape, dtype)
    if WRITERS.get(container.suffix, ("", ""))[0] != module:
        if module != "nifti" and (container.slope, container.intercept) != (1.0, 0.0):
            checked = scale_slabs(checked, container)
            dtype = np.dtype(np.float32)
        container = replace(container, axes="zyx", byte_order="<", dataset=None, header=None)
    container = replace(container, axes=complete_axes(container.axes, shape))
    stored_dtype = dtype.newbyteorder("<" if container.byte_order != ">" else ">")
    job = Job(path, suffix, shape, stored_dtype, container, checked)
    encode = load_writer(path, module, function)
    with quiet():
        if suffix == ".zarr":
            encode(job)
            return
        with replacing(path) as temporary:
            encode(replace(job, path=temporary))
            # Some formats do not ask for more slabs than there should be.
            check_end(checked)


def load_writer(path: Path, module: str, function: str) -> Callable[[Job], None]:
    """The function that writes a format, if its package is there."""
    package = PACKAGES.get(module)
    if package:
        try:
            importlib.import_module(package)
        except ImportError:
            raise MissingExtraError(
                f"{path} needs the {package} package to be written; expected it to be installed. "
                "Run pip install 'inr[volume]', or name it .npz."
            ) from None
    writer: Callable[[Job], None] = getattr(
        importlib.import_module(f"{__package__}.{module}"), function
    )
    return writer


def find_suffix(path: Path) -> str:
    """The suffix that says a path's format.

    Raises:
        ValueError: The suffix is unknown.
    """
    name = path.name.lower()
    for suffix in SUFFIXES:
        if name.endswith(suffix):
            return suffix
    raise ValueError(
        f"{path} has the suffix {path.suffix!r}; expected {', '.join(SUFFIXES)}. "
        f"Name it {path.stem}.npz or {path.stem}.nii.gz."
    )


def complete_axes(axes: str, shape: Shape) -> str:
    """Adds the axes that a volume needs and its file did not have."""
    if shape[0] > 1 and "z" not in axes:
        axes = "z" + axes
    return axes + "c" if shape[3] > 1 and "c" not in axes else axes


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


def check_end(checked: Iterator[np.ndarray]) -> None:
    """Lets the check of slabs find that there are too many."""
    for _ in checked:
        pass


def scale_slabs(slabs: Iterable[np.ndarray], container: Container) -> Iterator[np.ndarray]:
    """Physical values, for files that have no place for a slope and an intercept."""
    for slab in slabs:
        yield (slab * container.slope + container.intercept).astype(np.float32)
