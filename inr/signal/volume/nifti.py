"""NIfTI, version 1 and 2."""

from __future__ import annotations

import base64
import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from inr.source_file import describe

from .job import Job
from .layout import Decoded, plan_layout
from .source import Source, join
from .volume_format import Container, Triple, to_rows

AXES = "xyztc"
VECTOR_AXES = "ctzyx"
UNITS = {"mm": "mm", "micron": "um", "meter": "m"}
NAMES = {unit: name for name, unit in UNITS.items()}
NIFTI1_BYTES = 348
COMPRESSION = 6


def decode(source: Source) -> Decoded:
    """Reads stored numbers, not scaled, with their header."""
    try:
        import nibabel
    except ImportError:
        raise source.needs("nibabel") from None
    image = nibabel.load(source.path)
    if not isinstance(image, nibabel.Nifti1Pair):
        raise source.reject("is no NIfTI", "a .nii or .nii.gz file", "Convert it.")
    header = image.header
    dtype = header.get_data_dtype()
    shape = header.get_data_shape()
    if len(shape) < 2:
        raise source.reject(f"has shape {shape}", "two axes or more", "Save it as .npy.")
    colors = dtype.names or ()
    source.check_dtype(dtype[0] if colors else dtype)
    layout = plan_layout(source, shape, AXES[: len(shape)])
    # Loading resets what the header says of these.
    offset, slope, intercept = (getattr(image.dataobj, n) for n in ("offset", "slope", "inter"))
    header.set_slope_inter(slope, intercept)
    spec = (shape, dtype, offset, 1.0, 0.0)
    proxy = nibabel.arrayproxy.ArrayProxy(image.file_map["image"].filename, spec)
    selected = np.asarray(proxy[layout.selection])
    if source.path.name.lower().endswith(".gz"):
        check_sum(source.path)
    axes = layout.written_axes[::-1]
    if colors:
        selected = np.stack([selected[color] for color in colors], axis=-1)
        layout, axes = layout.with_channels(len(colors)), axes + "c"
    spacing, unit = read_spacing(header)
    container = Container(
        ".nii.gz" if source.path.name.lower().endswith(".gz") else ".nii",
        axes,
        header.endianness,
        slope=float(slope),
        intercept=float(intercept),
        spacing=spacing,
        unit=unit,
        affine=to_rows(image.affine) if is_invertible(image.affine) else None,
        header=base64.b64encode(header.binaryblock).decode(),
    )
    return Decoded(selected, layout, container)


def check_sum(path: Path) -> None:
    """Reads a packed file to its end, where it says the sum of what it holds.

    Raises:
        OSError: The sum differs.
    """
    with gzip.open(path) as file:
        while file.read(2**20):
            pass


def is_invertible(affine: np.ndarray) -> bool:
    """Whether an affine tells different places of different voxels."""
    return bool(np.isfinite(affine).all() and np.linalg.matrix_rank(affine) == len(affine))


def read_spacing(header: Any) -> tuple[Triple | None, str | None]:
    """The spacing of (x, y, z), where it is positive, and its unit."""
    zooms = [abs(float(zoom)) for zoom in header.get_zooms()[:3]]
    zooms += [1.0] * (3 - len(zooms))
    if not all(np.isfinite(zooms)) or min(zooms) <= 0:
        return None, None
    x, y, z = zooms
    return (x, y, z), UNITS.get(header.get_xyzt_units()[0])


def encode(job: Job) -> None:
    """Writes one file: the header that was read, moved with the lattice, and the numbers."""
    from nibabel.spatialimages import HeaderDataError

    job = replace(job, dtype=supported_dtype(job.dtype))
    has_colors = job.axes.endswith("c") and job.dtype == np.uint8 and job.shape[3] in (3, 4)
    if job.axes.endswith("c") and not has_colors:
        job = replace(job, container=replace(job.container, axes=VECTOR_AXES))
    header = make_header(job.container)
    colors = np.dtype([(name, "u1") for name in "RGBA"[: job.shape[3]]])
    header.set_data_dtype(colors if has_colors else job.dtype.newbyteorder("="))
    try:
        header.set_data_shape(job.stored_shape[: -1 if has_colors else None][::-1])
    except HeaderDataError as error:
        raise ValueError(
            f"NIfTI cannot hold {join(job.shape)} voxels ({describe(error)}); expected up to "
            "32,767 per axis. Write another format, such as .npz."
        ) from None
    place_header(header, job.container)
    header["magic"], header["vox_offset"] = header.single_magic, header.single_vox_offset
    job = replace(job, dtype=job.dtype.newbyteorder(header.endianness))
    with job.path.open("wb") as file:
        if job.suffix == ".nii":
            header.write_to(file)
            job.write_numbers(file)
            return
        # Without name and time, so that the same volume is the same file.
        with gzip.GzipFile("", "wb", COMPRESSION, file, mtime=0) as packed:
            header.write_to(packed)
            job.write_numbers(packed)


def supported_dtype(dtype: np.dtype) -> np.dtype:
    """The dtype that NIfTI has in the place of one that it does not have."""
    return np.dtype({"bool": "uint8", "float16": "float32"}.get(dtype.name, dtype))


def make_header(container: Container) -> Any:
    """The header that was read, or a new one that says the same as the container."""
    import nibabel

    if container.header is not None:
        try:
            block = base64.b64decode(container.header, validate=True)
            kind = nibabel.Nifti1Header if len(block) == NIFTI1_BYTES else nibabel.Nifti2Header
            return kind(block, check=False)
        except Exception as error:
            raise ValueError(
                f"the NIfTI header that was kept is broken ({describe(error)}); expected 348 or "
                "540 bytes. Write another format, such as .npz."
            ) from None
    header = nibabel.Nifti1Header()
    if container.axes == VECTOR_AXES:
        header.set_intent("vector")
    if (container.slope, container.intercept) != (1.0, 0.0):
        header.set_slope_inter(container.slope, container.intercept)
    if container.unit in NAMES:
        header.set_xyzt_units(NAMES[container.unit])
    return header


def place_header(header: Any, container: Container) -> None:
    """Says in a header where the voxels are, after it says how many there are."""
    if container.header is None:
        if container.spacing is not None:
            header.set_zooms([*container.spacing, 1.0, 1.0][: len(header.get_data_shape())])
        if container.affine is not None:
            header.set_qform(np.array(container.affine), 1)
            header.set_sform(np.array(container.affine), 1)
        return
    if container.affine is None:
        return
    # Both of its own affines, which may differ, move along with the lattice.
    original = make_header(container)
    move = np.linalg.solve(original.get_best_affine(), np.array(container.affine))
    if np.allclose(move, np.eye(4), rtol=0, atol=1e-6):
        return
    for name in ("qform", "sform"):
        affine, code = getattr(original, f"get_{name}")(coded=True)
        if code:
            getattr(header, f"set_{name}")(affine @ move, code)
    zooms = np.array(header.get_zooms())
    zooms[:3] = (np.array(original.get_zooms()[:3]) * np.diag(move)[:3])[: len(zooms)]
    header.set_zooms(zooms)
