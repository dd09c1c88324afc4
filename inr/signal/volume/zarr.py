"""Zarr, version 2 and 3: one array of a folder."""

from __future__ import annotations

import json
import shutil
import uuid
from pathlib import Path
from typing import Any

import numpy as np

from .detect import ZARR_MARKS
from .job import Job
from .layout import Decoded, plan_layout
from .ngff import Level, make_attributes, read_levels
from .source import Source, join
from .volume_format import Container, byte_order

FINEST = "0"
NO_LEVEL = Level("", None, None, None)


def decode(source: Source) -> Decoded:
    """Reads the selected part of an array."""
    try:
        import zarr
    except ImportError:
        raise source.needs("zarr") from None
    root = zarr.open(str(source.path), mode="r")
    levels = [] if isinstance(root, zarr.Array) else read_levels(root.attrs)
    name, array = find_array(source, root, zarr.Array, levels)
    level = next((level for level in levels if level.path == name), NO_LEVEL)
    if level.axes is not None and len(level.axes) != array.ndim:
        level = NO_LEVEL
    check_codecs(source, array)
    dtype = np.dtype(array.dtype)
    source.check_dtype(dtype)
    layout = plan_layout(source, array.shape, level.axes)
    source.check_count(array.chunks, "numbers in one chunk")
    missing = array.nchunks - array.nchunks_initialized
    notes: tuple[str, ...] = ()
    if missing:
        notes = (f"{missing:,} of {array.nchunks:,} chunks are not stored and read as filled",)
    selected = np.asarray(array[layout.selection])
    container = Container(
        ".zarr",
        layout.written_axes,
        byte_order(dtype),
        name,
        spacing=level.spacing,
        unit=level.unit,
    )
    return Decoded(selected, layout, container, notes)


def find_array(
    source: Source, root: Any, array_type: type, levels: list[Level]
) -> tuple[str | None, Any]:
    """Chooses the array that was named, the finest level, or the only one with enough axes."""
    if isinstance(root, array_type):
        return None, root
    arrays: dict[str, Any] = {
        name: a for name, a in sorted(root.members(max_depth=None)) if isinstance(a, array_type)
    }
    finest = levels[0].path if levels and source.dataset is None else ""
    wanted = (source.dataset or finest).strip("/")
    if wanted in arrays:
        return wanted, arrays[wanted]
    fit = {n: join(a.shape) for n, a in arrays.items() if len(a.shape) >= 3}
    name = source.choose(list(fit), "array", list(fit.values()))
    return name, arrays[name]


def check_codecs(source: Source, array: Any) -> None:
    """Rejects arrays that are stored as pickles: reading one may run any code."""
    if "pickle" in json.dumps(array.metadata.to_dict(), default=str).lower():
        raise source.reject("holds pickled objects", "numbers", "Save it without pickle.")


def encode(job: Job) -> None:
    """Writes a store of one array, in the place of an older one."""
    import zarr

    check_target(job.path)
    spacing, name = job.container.spacing, job.container.dataset
    if spacing is not None:
        # What says it is a group's.
        name = name or FINEST
    temporary = job.path.with_name(f".{job.path.stem}.{uuid.uuid4().hex[:8]}.zarr")
    try:
        array = zarr.create_array(
            str(temporary),
            name=name,
            shape=job.stored_shape,
            dtype=job.dtype.newbyteorder("="),
        )
        for index, part in job.parts():
            array[index] = part
        if name is not None and spacing is not None:
            group = zarr.open_group(str(temporary), mode="r+")
            group.attrs.update(make_attributes(name, job.container))
        swap(temporary, job.path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_target(path: Path) -> None:
    """Rejects to replace what is no Zarr store.

    Raises:
        FileExistsError: The path holds something else.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not any((path / mark).is_file() for mark in ZARR_MARKS):
        raise FileExistsError(
            f"{path} is there and is no Zarr store; expected a new name or a store to replace. "
            "Choose another name."
        )


def swap(temporary: Path, target: Path) -> None:
    """Puts a folder in the place of another, which is whole until then."""
    if not target.exists():
        temporary.replace(target)
        return
    old = temporary.with_suffix(".old")
    target.replace(old)
    temporary.replace(target)
    shutil.rmtree(old)
