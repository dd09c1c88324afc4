"""Reading volumes, whatever their format, without losing data."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from inr.argument import check_choice, check_count, check_list
from inr.raster.quiet import quiet

from .file_format import FileFormat
from .formats import find_format
from .layout import plan_layout, reorder
from .slabs import cut_slabs, find_extremes, widen
from .source import Source, join
from .volume_format import Container, byte_order, check_letters

MOST_EXACT = 2**53  # float64 holds every whole number up to it


@dataclass(frozen=True)
class Volume:
    """The voxels of one volume as its file stores them.

    Attributes:
        voxels: ``(D, H, W, C)`` array of finite numbers, axes (z, y, x, channel), of the file's own
            dtype: booleans, integers of up to 64 bits or floats. It may be a read-only view of the
            file, in the file's byte order.
        container: How the file holds them, and where they are in the world.
        low: The least voxel.
        high: The greatest; always above ``low``.
        notes: One-line remarks for the user on what the reader had to decide.
    """

    voxels: np.ndarray
    container: Container
    low: float
    high: float
    notes: tuple[str, ...] = ()

    @property
    def bits(self) -> int | None:
        """Bits of whole-numbered voxels; None for floats."""
        dtype = self.voxels.dtype
        return {"b": 1, "f": None}.get(dtype.kind, dtype.itemsize * 8)


def read_volume(
    path: str | os.PathLike[str],
    *,
    dataset: str | None = None,
    frame: int | None = None,
    axes: str | None = None,
    crop: Sequence[int] | None = None,
    shape: Sequence[int] | None = None,
    dtype: str | None = None,
    nonfinite: Literal["reject", "zero"] = "reject",
    max_voxels: int = 2**30,
) -> Volume:
    """Reads a volume as ``(D, H, W, C)``, telling its format by its content.

    The arguments are those of :class:`inr.signal.VolumeSignal`. Stored numbers are kept as they
    are: a slope and an intercept that turn them into physical values are in the container.

    Raises:
        OSError: The file cannot be read.
        ImportError: The format needs an optional package.
        TypeError, ValueError: An argument is wrong, or the file is no volume, damaged, too large,
            or of a kind that has no place in a `Volume`. Every message is one line.
    """
    check_choice("nonfinite", nonfinite, ("reject", "zero"))
    text = os.fspath(path)
    source = Source(
        Path(path),
        text if text.isprintable() else repr(text),
        dataset=None if dataset is None else str(dataset),
        frame=None if frame is None else check_count("frame", frame, minimum=0),
        axes=None if axes is None else check_letters(axes),
        crop=None if crop is None else check_counts("crop", crop, 6, 0),
        shape=None if shape is None else check_counts("shape", shape, None, 1),
        dtype=check_dtype(dtype),
        max_voxels=check_count("max_voxels", max_voxels),
    )
    with quiet():
        form = find_format(source)
        source = replace(source, kind=form.name)
        with source.rejecting():
            voxels, container, notes = read_part(source, form)
            if voxels.dtype.kind == "f":
                voxels, found = remove_nonfinite(source, voxels, zero=nonfinite == "zero")
                notes += found
            return Volume(voxels, container, *check_extremes(source, voxels), notes)


def check_counts(
    name: str, value: Sequence[int], length: int | None, minimum: int
) -> tuple[int, ...]:
    """Rejects what is not a list of whole numbers."""
    numbers = check_list(name, value)
    if length is not None and len(numbers) != length:
        raise TypeError(f"{name} is {numbers}; expected [x0, y0, z0, x1, y1, z1].")
    return tuple(check_count(name, number, minimum) for number in numbers)


def check_dtype(dtype: str | None) -> np.dtype | None:
    """Rejects what is no dtype of numbers."""
    try:
        return None if dtype is None else np.dtype(dtype)
    except TypeError:
        raise ValueError(
            f"dtype is {dtype!r}; expected one of numpy's, such as uint16, float32 or '>u2'."
        ) from None


def read_part(source: Source, form: FileFormat) -> tuple[np.ndarray, Container, tuple[str, ...]]:
    """Reads ``(D, H, W, C)`` voxels, how the file holds them, and remarks."""
    form.require_package(source.name, "read")
    with form.open(source) as stored:
        if stored.dtype is not None:
            source.check_dtype(stored.dtype)
        layout = plan_layout(source, stored.shape, stored.axes)
        selected = np.asarray(stored.read(layout.selection))
    axes = layout.written_axes[::-1] if stored.is_fortran else layout.written_axes
    if stored.samples and "c" in layout.axes:
        raise source.reject(
            f"has {stored.samples} colours beside its axes, {layout.axes} by what was asked",
            "axes without c",
            "Leave out c.",
        )
    if stored.samples:
        layout, axes = layout.with_channels(stored.samples), axes + "c"
    if selected.shape != layout.selected_shape:
        expected = join(layout.selected_shape)
        raise source.cut(f"it holds {join(selected.shape)} numbers, not {expected}")
    source.check_dtype(selected.dtype)
    order = byte_order(stored.dtype or selected.dtype)
    container = replace(stored.container, axes=axes, byte_order=order)
    container = container if source.crop is None else container.cropped(source.crop[:3])
    voxels = reorder(selected, layout.axes.replace("t", ""), "zyxc")
    return voxels, container, stored.notes


def remove_nonfinite(
    source: Source, voxels: np.ndarray, *, zero: bool
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Rejects NaN and infinity, or sets them to zero and says so."""
    slabs = list(cut_slabs(voxels.shape))
    count = sum(
        voxels[slab].size - int(np.count_nonzero(np.isfinite(voxels[slab]))) for slab in slabs
    )
    if not count:
        return voxels, ()
    if not zero:
        raise source.reject(
            f"holds {count:,} NaN or infinite values of {voxels.size:,}",
            "finite numbers",
            "Repair it, or set them to 0 with nonfinite=zero.",
        )
    cleaned = np.array(voxels)
    for slab in slabs:
        cleaned[slab][~np.isfinite(cleaned[slab])] = 0
    return cleaned, (f"{count:,} NaN or infinite values are read as 0",)


def check_extremes(source: Source, voxels: np.ndarray) -> tuple[float, float]:
    """The range of voxels, if a double holds all of them and their distances."""
    low, high = find_extremes(voxels)
    if max(-low, high) > MOST_EXACT and voxels.dtype.kind != "f":
        raise source.reject(
            f"holds whole numbers up to {max(-low, high):.3g}",
            "at most 2**53, which a double still holds",
            "Convert it to float64.",
        )
    if not np.isfinite(high - low):
        raise source.reject(
            f"spans {low:.3g} to {high:.3g}", "a range that a double holds", "Scale it down."
        )
    return widen(low, high)
