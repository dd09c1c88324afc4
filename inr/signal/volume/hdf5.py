"""HDF5: one dataset of a file, by h5py."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .file_format import FileFormat, Stored
from .layout import Index
from .source import Source, join
from .volume_format import MICROMETRES, Container

SPACING = "element_size_um"  # (z, y, x), as ImageJ's HDF5 plugin writes it
# The same in a unit of its own, for those that are no fraction of a metre.
OTHER_SPACING, UNIT = "element_size", "element_unit"
MOST_VISITED = 10_000


class Hdf5(FileFormat):
    """A file of which one dataset is read, and which is written with one."""

    name = "HDF5"
    start = rb"\x89HDF\r\n\x1a\n|MATLAB 7\.3 MAT-file"
    suffixes = written = (".h5", ".hdf5")
    package = "h5py"

    @contextmanager
    def open(self, source: Source) -> Iterator[Stored]:
        import h5py

        with h5py.File(source.path, "r") as file:
            name = find_dataset(source, file)
            dataset = file[name]

            def read(selection: Index) -> np.ndarray:
                source.check_count(dataset.chunks or (), "numbers in one chunk")
                return np.asarray(dataset[selection])

            spacing, unit = read_spacing(dataset)
            suffix = self.suffix_of(source.path)
            container = Container(suffix, dataset=name, spacing=spacing, unit=unit)
            lost = SPACING in dataset.attrs and spacing is None
            notes = (f"its {SPACING} is not three lengths and is left out",) if lost else ()
            yield Stored(dataset.shape, dataset.dtype, read, container, notes=notes)

    def write(self, path: Path, array: np.ndarray, container: Container) -> None:
        import h5py

        with h5py.File(path, "w") as file:
            dataset = file.create_dataset(
                container.dataset or "volume", data=array, compression="gzip", shuffle=True
            )
            if container.spacing is not None:
                write_spacing(dataset, container.spacing, container.unit)


def find_dataset(source: Source, file: Any) -> str:
    """Chooses the dataset that was named, or the only one of numbers with enough axes."""
    shapes: dict[str, str] = {}
    wanted = (source.dataset or "").strip("/")
    visited = 0

    def visit(name: str, node: Any) -> bool | None:
        nonlocal visited
        visited += 1
        # A group has no shape, and a dataset that is empty has none either.
        shape = getattr(node, "shape", None)
        if shape is not None and node.dtype.kind in "buif" and (len(shape) > 2 or name == wanted):
            shapes[name] = join(shape)
        return True if visited >= MOST_VISITED else None

    file.visititems(visit)
    if wanted in shapes or hasattr(file.get(wanted) if wanted else None, "dtype"):
        return wanted
    return source.choose(shapes, "dataset")


def read_spacing(dataset: Any) -> tuple[Sequence[float] | None, str | None]:
    """The spacing of (x, y, z) and its unit, where the dataset says them."""
    name = SPACING if SPACING in dataset.attrs else OTHER_SPACING
    sizes = np.ravel(dataset.attrs.get(name, ()))
    if len(sizes) != 3 or sizes.dtype.kind not in "iuf" or not (sizes > 0).all():
        return None, None
    z, y, x = map(float, sizes)
    unit = "um" if name == SPACING else dataset.attrs.get(UNIT)
    return (x, y, z), unit if isinstance(unit, str) else None


def write_spacing(dataset: Any, spacing: Sequence[float], unit: str | None) -> None:
    """Says the spacing of (x, y, z): in micrometres where that can be."""
    factor = MICROMETRES.get(unit or "")
    if factor is not None:
        dataset.attrs[SPACING] = [factor * step for step in spacing[::-1]]
        return
    dataset.attrs[OTHER_SPACING] = spacing[::-1]
    if unit is not None:
        dataset.attrs[UNIT] = unit
