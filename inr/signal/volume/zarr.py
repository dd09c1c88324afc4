"""Zarr, version 2 and 3: one array of a folder, by zarr."""

import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .file_format import FileFormat, Stored
from .layout import Index
from .ngff import Level, make_attributes, read_levels
from .source import Source, join
from .volume_format import Container, Shape

MARKS = ("zarr.json", ".zarray", ".zgroup")
FINEST = "0"
NO_LEVEL = Level("", None, None, None)


class Zarr(FileFormat):
    """A store of which one array is read, and which is written with one."""

    name = "Zarr"
    suffixes = written = (".zarr",)
    package = "zarr"

    def recognizes_folder(self, path: Path) -> bool:
        return any((path / mark).is_file() for mark in MARKS)

    @contextmanager
    def open(self, source: Source) -> Iterator[Stored]:
        import zarr

        root = zarr.open(str(source.path), mode="r")
        levels = [] if isinstance(root, zarr.Array) else read_levels(root.attrs)
        name, array = find_array(source, root, zarr.Array, levels)
        level = next((level for level in levels if level.path == name), NO_LEVEL)
        if level.axes is not None and len(level.axes) != array.ndim:
            level = NO_LEVEL
        check_codecs(source, array)

        def read(selection: Index) -> np.ndarray:
            source.check_count(array.chunks, "numbers in one chunk")
            return np.asarray(array[selection])

        container = Container(".zarr", dataset=name, spacing=level.spacing, unit=level.unit)
        missing = array.nchunks - array.nchunks_initialized
        remark = f"{missing:,} of {array.nchunks:,} chunks are not stored and read as filled"
        notes = (remark,) if missing else ()
        yield Stored(array.shape, np.dtype(array.dtype), read, container, level.axes, notes=notes)

    def prepare(self, container: Container, shape: Shape, dtype: np.dtype) -> tuple[str, np.dtype]:
        axes, dtype = super().prepare(container, shape, dtype)
        return axes, dtype.newbyteorder("=")

    def write(self, path: Path, array: np.ndarray, container: Container) -> None:
        import zarr

        # A spacing is an attribute of a group, with the array in it.
        name = container.dataset or (None if container.spacing is None else FINEST)
        zarr.create_array(str(path), name=name, data=array)
        if name is not None and container.spacing is not None:
            group = zarr.open_group(str(path), mode="r+")
            group.attrs.update(make_attributes(name, container, container.spacing))

    @contextmanager
    def replacing(self, path: Path) -> Iterator[Path]:
        """Yields a temporary folder, which replaces an older store on success.

        Raises:
            FileExistsError: The path holds something else.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not self.recognizes_folder(path):
            raise FileExistsError(
                f"{path} is there and is no Zarr store; expected a new name or a store to replace. "
                "Choose another name."
            )
        temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.zarr")
        old = temporary.with_suffix(".old")
        try:
            yield temporary
            if path.exists():
                path.replace(old)
            temporary.replace(path)
            shutil.rmtree(old, ignore_errors=True)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


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
    name = (source.dataset or finest).strip("/")
    if name not in arrays:
        shapes = {n: join(a.shape) for n, a in arrays.items() if len(a.shape) >= 3}
        name = source.choose(shapes, "array")
    return name, arrays[name]


def check_codecs(source: Source, array: Any) -> None:
    """Rejects arrays that are stored as pickles: reading one may run any code."""
    if "pickle" in json.dumps(array.metadata.to_dict(), default=str).lower():
        raise source.reject("holds pickled objects", "numbers", "Save it without pickle.")
