"""All file formats of volumes, and detection of the one that a path is in."""

import gzip
import os
import zlib
from pathlib import Path

from inr.raster.quiet import quiet
from inr.source_file import RejectedError, describe
from inr.source_file import read_start as read_file_start

from .dicom import Dicom
from .file_format import FileFormat
from .hdf5 import Hdf5
from .itk import MetaImage, Nrrd
from .mgh import Mgh
from .minc import Minc
from .nifti import Nifti
from .npy import Npy, Npz
from .raw import Raw
from .source import Source
from .tiff import Tiff
from .zarr import Zarr

START_BYTES = 540  # the longer of NIfTI's headers
# In the order in which a file is offered to them: what comes before DICOM's mark may be the start
# of a TIFF, and MINC is HDF5 of another name.
FORMATS: tuple[FileFormat, ...] = (
    *(Dicom(), Npy(), Npz(), Nifti(), Nrrd(), MetaImage(), Mgh(), Minc(), Tiff(), Hdf5(), Zarr()),
    Raw(),
)
WRITERS = {suffix: form for form in FORMATS for suffix in form.written}


def is_volume(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a volume that :func:`read_volume` may read, and not an image.

    Looks at headers only: a TIFF of one page is an image, and NumPy's files count where they have
    an array of three axes or more.
    """
    try:
        with quiet():
            return find_format(Source(Path(path), os.fspath(path))).has_volume(Path(path))
    except Exception:
        return False


def find_format(source: Source) -> FileFormat:
    """Tells the format of a path by its content.

    Raises:
        OSError: The path cannot be read.
        RejectedError: The path is no volume.
    """
    if os.path.isdir(source.path):  # noqa: PTH112 - false, too, of what is no path
        for form in FORMATS:
            if form.recognizes_folder(source.path):
                return form
        raise RejectedError(
            f"{source.name} is a folder without DICOM slices, and no Zarr store; expected one of "
            "these, or a file. Name a file inside it."
        )
    start = read_start(source)
    for form in FORMATS:
        if form.recognizes(source, start):
            return form
    names = [form.name for form in FORMATS]
    raise source.reject(
        f"is not a volume in a known format (it starts with {start[:8]!r})",
        f"{', '.join(names[:-1])} or {names[-1]} (.raw, .bin)",
        "Convert it, or say what its numbers are with shape and dtype.",
    )


def read_start(source: Source) -> bytes:
    """The first bytes of a regular file with content, unpacked if it is a gzip."""
    start = read_file_start(source.path, source.name, "a volume", START_BYTES)
    if not start:
        raise source.reject("is empty (0 bytes)", "a volume", "Fetch or save it again.")
    if start[:2] != b"\x1f\x8b":
        return start
    try:
        with gzip.open(source.path) as unpacked:
            return unpacked.read(START_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise source.cut(describe(error)) from None
