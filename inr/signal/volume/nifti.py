"""NIfTI, version 1 and 2, by nibabel."""

import base64
import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from inr.source_file import describe

from .file_format import WIDENED, FileFormat, Stored
from .layout import Index
from .source import Source, join
from .volume_format import Container, Shape

AXES = "xyztc"
VECTOR_AXES = "ctzyx"
UNITS = {"mm": "mm", "micron": "um", "meter": "m"}
NAMES = {unit: name for name, unit in UNITS.items()}
NIFTI1_BYTES = 348
COMPRESSION = 6


class Nifti(FileFormat):
    """A file whose stored numbers and header are kept, so that its result has the same ones."""

    name = "NIfTI"
    start = rb".{344}n[i+]1\0|.{4}n[i+]2\0\r\n\x1a\n"
    suffixes = (".nii",)
    written = (".nii", ".nii.gz")
    package = "nibabel"
    has_scale = True
    widened = WIDENED

    def suffix_of(self, path: Path) -> str:
        return ".nii.gz" if path.name.lower().endswith(".gz") else ".nii"

    @contextmanager
    def open(self, source: Source) -> Iterator[Stored]:
        import nibabel

        image = nibabel.load(source.path)
        if not isinstance(image, nibabel.Nifti1Pair):
            raise source.reject("is no NIfTI", "a .nii or .nii.gz file", "Convert it.")
        header = image.header
        dtype, shape = header.get_data_dtype(), header.get_data_shape()
        if len(shape) < 2:
            raise source.reject(f"has shape {shape}", "two axes or more", "Save it as .npy.")
        # Loading resets what the header says of these.
        offset, slope, intercept = (getattr(image.dataobj, n) for n in ("offset", "slope", "inter"))
        header.set_slope_inter(slope, intercept)
        colors = dtype.names or ()

        def read(selection: Index) -> np.ndarray:
            # Without a scale: a proxy of nibabel's own has physical values.
            spec = (shape, dtype, offset, 1.0, 0.0)
            proxy = nibabel.arrayproxy.ArrayProxy(image.file_map["image"].filename, spec)
            part = np.asarray(proxy[selection])
            if source.path.name.lower().endswith(".gz"):
                check_sum(source.path)
            return np.stack([part[color] for color in colors], axis=-1) if colors else part

        zooms = [abs(zoom) for zoom in header.get_zooms()[:3]]
        container = Container(
            self.suffix_of(source.path),
            slope=float(slope),
            intercept=float(intercept),
            spacing=[*zooms, 1.0, 1.0][:3],
            unit=UNITS.get(header.get_xyzt_units()[0]),
            affine=image.affine,
            header=base64.b64encode(header.binaryblock).decode(),
        )
        stored_dtype = dtype[0] if colors else dtype
        yield Stored(
            shape, stored_dtype, read, container, AXES[: len(shape)], True, samples=len(colors)
        )

    def prepare(self, container: Container, shape: Shape, dtype: np.dtype) -> tuple[str, np.dtype]:
        axes, dtype = super().prepare(container, shape, dtype)
        is_vector = axes.endswith("c") and (dtype != np.uint8 or shape[3] not in (3, 4))
        return VECTOR_AXES if is_vector else axes, dtype

    def write(self, path: Path, array: np.ndarray, container: Container) -> None:
        """Writes the header that was read, moved with the lattice, and the numbers."""
        import nibabel

        if container.axes.endswith("c"):
            array = array.view([(name, "u1") for name in "RGBA"[: array.shape[-1]]])[..., 0]
        header = make_header(container)
        header.set_data_dtype(array.dtype.newbyteorder("="))
        try:
            header.set_data_shape(array.shape[::-1])
        except nibabel.spatialimages.HeaderDataError as error:
            raise ValueError(
                f"NIfTI cannot hold {join(array.shape)} voxels ({describe(error)}); expected up to "
                "32,767 per axis. Write another format, such as .npz."
            ) from None
        place_header(header, container)
        image_type = (
            nibabel.Nifti2Image if header.sizeof_hdr != NIFTI1_BYTES else nibabel.Nifti1Image
        )
        image = image_type(array.T, None, header)
        # An image forgets the scale of its header.
        image.header.set_slope_inter(*header.get_slope_inter())
        with path.open("wb") as file:
            if container.suffix == ".nii":
                image.to_stream(file)
                return
            # Without name and time, so that the same volume is the same file.
            with gzip.GzipFile("", "wb", COMPRESSION, file, mtime=0) as packed:
                image.to_stream(packed)


def check_sum(path: Path) -> None:
    """Reads a packed file to its end, where it says the sum of what it holds.

    Raises:
        OSError: The sum differs.
    """
    with gzip.open(path) as file:
        while file.read(2**20):
            pass


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
