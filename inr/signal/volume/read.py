"""Reading volumes, whatever their format, without losing data."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from inr.argument import check_choice, check_count, check_list
from inr.source_file import MissingExtraError, RejectedError, describe

from .detect import Format, find_format
from .layout import Decoded
from .slabs import cut_slabs, find_extremes, widen
from .source import Source, quiet
from .volume import Volume
from .volume_format import check_letters

MOST_EXACT = 2**53  # float64 holds every whole number up to it


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
    """Reads a volume, telling its format by its content.

    Stored numbers are kept as they are: a slope and an intercept that turn them into physical
    values are in the container.

    Args:
        path: A file, or a folder that is a Zarr store or holds the slices of a DICOM series.
        dataset: The array in a file with several (NPZ, HDF5, Zarr), or the series (its number or
            UID) in a folder with several.
        frame: The volume of a series of them, from 0.
        axes: What the axes of the stored array are, a letter each of ``x``, ``y``, ``z``, ``c``
            (channels) and ``t`` (frames), in the order that the usual reader of the format gives
            them (NIfTI: ``xyz``; NumPy: mostly ``zyx``). None asks the format; where that does not
            say, three axes are ``zyx``, and a fourth of at most 4 is channels.
        crop: ``[x0, y0, z0, x1, y1, z1]`` in voxels: the box to read.
        shape: Shape of the numbers in a raw file, in the order of ``axes``.
        dtype: Dtype of the numbers in a raw file, such as ``uint16`` or, with high bytes first,
            ``>u2``.
        nonfinite: Whether NaN and infinity are rejected or read as zero.
        max_voxels: Most numbers that may be read, checked on the header alone.

    Returns:
        The volume as ``(D, H, W, C)``.

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
        return finish(source, decode(source, form), zero=nonfinite == "zero")


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
    if dtype is None:
        return None
    try:
        return np.dtype(dtype)
    except TypeError:
        raise ValueError(
            f"dtype is {dtype!r}; expected one of numpy's, such as uint16, float32 or '>u2'."
        ) from None


def decode(source: Source, form: Format) -> Decoded:
    """Runs a decoder, turning whatever it raises into a rejection."""
    decoder = importlib.import_module(f"{__package__}.{form.module}")
    try:
        decoded: Decoded = getattr(decoder, form.function)(source)
        decoded.layout.check_selected(decoded.selected)
        return decoded
    except (RejectedError, MissingExtraError):
        raise
    except MemoryError:
        raise source.reject(
            "does not fit into memory", "a smaller volume", "Use crop=[x0,y0,z0,x1,y1,z1]."
        ) from None
    except PermissionError as error:
        raise PermissionError(
            f"{error.filename or source.name} is not readable; expected a readable file. Allow it "
            "with chmod +r."
        ) from None
    except Exception as error:
        raise source.cut(describe(error)) from None


def finish(source: Source, decoded: Decoded, *, zero: bool) -> Volume:
    """Brings decoded voxels to the form that a `Volume` promises."""
    voxels = decoded.layout.arrange(decoded.selected)
    source.check_dtype(voxels.dtype)
    notes = decoded.notes
    if voxels.dtype.kind == "f":
        voxels, found = remove_nonfinite(source, voxels, zero=zero)
        notes += found
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
    return Volume(voxels, decoded.layout.place(decoded.container), *widen(low, high), notes)


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
