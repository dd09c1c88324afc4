"""HDF5: one dataset of a file."""

from __future__ import annotations

from typing import Any

import numpy as np

from .job import Job
from .layout import Decoded, plan_layout
from .source import Source, join
from .volume_format import Container, Triple, byte_order

SPACING = "element_size_um"  # (z, y, x), as ImageJ's HDF5 plugin writes it
MOST_VISITED = 10_000
# The same in a unit of its own, for those that are no fraction of a metre.
OTHER_SPACING, UNIT = "element_size", "element_unit"
TO_MICROMETRES = {"nm": 1e-3, "um": 1.0, "mm": 1e3, "cm": 1e4, "m": 1e6}


def decode(source: Source) -> Decoded:
    """Reads the selected part of a dataset."""
    try:
        import h5py
    except ImportError:
        raise source.needs("h5py") from None
    with h5py.File(source.path, "r") as file:
        name = find_dataset(source, file)
        dataset = file[name]
        dtype: np.dtype = dataset.dtype
        source.check_dtype(dtype)
        layout = plan_layout(source, dataset.shape)
        source.check_count(dataset.chunks or (), "numbers in one chunk")
        selected = np.asarray(dataset[layout.selection])
        spacing, unit = read_spacing(dataset)
        told = SPACING in dataset.attrs
    suffix = source.path.suffix.lower() if source.path.suffix.lower() == ".hdf5" else ".h5"
    container = Container(
        suffix, layout.written_axes, byte_order(dtype), name, spacing=spacing, unit=unit
    )
    lost = told and spacing is None
    notes = (f"its {SPACING} is not three lengths and is left out",) if lost else ()
    return Decoded(selected, layout, container, notes)


def find_dataset(source: Source, file: Any) -> str:
    """Chooses the dataset that was named, or the only one of numbers with enough axes."""
    shapes: dict[str, str] = {}
    wanted = (source.dataset or "").strip("/")
    visited = 0

    def visit(name: str, node: Any) -> bool | None:
        nonlocal visited
        visited += 1
        if visited > MOST_VISITED:
            return True
        shape, dtype = getattr(node, "shape", None), getattr(node, "dtype", None)
        if not isinstance(shape, tuple) or dtype is None or dtype.kind not in "buif":
            return None
        if len(shape) >= 3 or name == wanted:
            shapes[name] = join(shape)
        return None

    file.visititems(visit)
    if wanted in shapes or hasattr(file.get(wanted, None) if wanted else None, "dtype"):
        return wanted
    return source.choose(list(shapes), "dataset", list(shapes.values()))


def read_spacing(dataset: Any) -> tuple[Triple | None, str | None]:
    """The spacing of (x, y, z) and its unit, where the dataset says them."""
    name = SPACING if SPACING in dataset.attrs else OTHER_SPACING
    sizes = np.ravel(dataset.attrs.get(name, ()))
    if len(sizes) != 3 or sizes.dtype.kind not in "iuf" or not (sizes > 0).all():
        return None, None
    z, y, x = map(float, sizes)
    unit = "um" if name == SPACING else dataset.attrs.get(UNIT)
    return (x, y, z), unit if isinstance(unit, str) else None


def encode(job: Job) -> None:
    """Writes a file of one dataset, compressed."""
    import h5py

    container = job.container
    with h5py.File(job.path, "w") as file:
        dataset = file.create_dataset(
            container.dataset or "volume",
            job.stored_shape,
            job.dtype,
            compression="gzip",
            shuffle=True,
        )
        for index, part in job.parts():
            dataset[index] = part
        if container.spacing is not None:
            write_spacing(dataset, container.spacing, container.unit)


def write_spacing(dataset: Any, spacing: Triple, unit: str | None) -> None:
    """Says the spacing of (x, y, z): in micrometres where that can be."""
    factor = TO_MICROMETRES.get(unit or "")
    if factor is not None:
        dataset.attrs[SPACING] = [factor * step for step in spacing[::-1]]
        return
    dataset.attrs[OTHER_SPACING] = spacing[::-1]
    if unit is not None:
        dataset.attrs[UNIT] = unit
