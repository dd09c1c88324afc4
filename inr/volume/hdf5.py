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
TO_MICROMETRES = {"um": 1.0, "mm": 1e3, "m": 1e6}


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
        spacing = read_spacing(dataset)
    suffix = source.path.suffix.lower() if source.path.suffix.lower() == ".hdf5" else ".h5"
    unit = None if spacing is None else "um"
    container = Container(
        suffix, layout.written_axes, byte_order(dtype), name, spacing=spacing, unit=unit
    )
    return Decoded(selected, layout, container)


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


def read_spacing(dataset: Any) -> Triple | None:
    """The spacing of (x, y, z) in micrometres, where the dataset says it."""
    sizes = np.ravel(dataset.attrs.get(SPACING, ()))
    if len(sizes) != 3 or sizes.dtype.kind not in "iuf" or not (sizes > 0).all():
        return None
    z, y, x = map(float, sizes)
    return x, y, z


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
        if container.spacing is not None and container.unit in TO_MICROMETRES:
            factor = TO_MICROMETRES[container.unit]
            dataset.attrs[SPACING] = [factor * step for step in container.spacing[::-1]]
