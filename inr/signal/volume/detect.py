"""Telling what kind of volume a file or folder is, by as little of it as that takes."""

from __future__ import annotations

import gzip
import importlib
import os
import re
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path

from inr.source_file import RejectedError, describe

from .source import Source, quiet

START = 540  # bytes: the longer of NIfTI's headers
MOST_LOOKED_AT = 32
ZARR_MARKS = ("zarr.json", ".zarray", ".zgroup")


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes:
        name: What users call it.
        module: The module that decodes it.
        function: The function in it.
    """

    name: str
    module: str
    function: str = "decode"


NPY = Format("NumPy", "npy", "decode_npy")
NPZ = Format("NPZ", "npy", "decode_npz")
NIFTI = Format("NIfTI", "nifti")
TIFF = Format("TIFF", "tiff")
HDF5 = Format("HDF5", "hdf5")
ZARR = Format("Zarr", "zarr")
DICOM = Format("DICOM", "dicom")
RAW = Format("raw", "raw")
NRRD = Format("NRRD", "itk")
META_IMAGE = Format("MetaImage", "itk")
MGH = Format("MGH", "nibabel_images")
MINC = Format("MINC", "nibabel_images")
KNOWN = (
    "NumPy (.npy, .npz), NIfTI, NRRD, MetaImage, MGH, MINC, TIFF, HDF5, Zarr, DICOM or raw "
    "(.raw, .bin)"
)
# Formats whose content alone does not tell them.
NAMED = (
    (MGH, (".mgh", ".mgz"), rb"\0\0\0\x01"),
    (MINC, (".mnc",), rb"CDF[\x01\x02]|\x89HDF"),
)
MAGIC = (
    # First: what comes before its mark may be the start of a TIFF.
    (DICOM, rb".{128}DICM"),
    (NPY, rb"\x93NUMPY"),
    (NPZ, rb"PK(\x03\x04|\x05\x06)"),
    (TIFF, rb"II[*+]\0|MM\0[*+]"),
    (HDF5, rb"\x89HDF\r\n\x1a\n|MATLAB 7\.3 MAT-file"),
    (NIFTI, rb".{344}n[i+]1\0|.{4}n[i+]2\0\r\n\x1a\n"),
    (NRRD, rb"NRRD000[1-5]"),
    (META_IMAGE, rb"(Comment *=[^\n]*\n)?(ObjectType|NDims) *="),
)
RAW_SUFFIXES = (".raw", ".bin")


def is_volume(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a volume that :func:`read_volume` may read, and not an image.

    Looks at headers only: a TIFF of one page is an image, and NumPy's files count where they have
    an array of three axes or more.
    """
    try:
        with quiet():
            form = find_format(Source(Path(path), os.fspath(path)))
            if form not in (NPY, NPZ, TIFF):
                return True
            decoder = importlib.import_module(f"{__package__}.{form.module}")
            return bool(decoder.has_volume(Path(path)))
    except Exception:
        return False


def find_format(source: Source) -> Format:
    """Tells the format of a path by its content.

    Raises:
        OSError: There is nothing to read.
        RejectedError: The path is no volume.
    """
    mode = look(source)
    if stat.S_ISDIR(mode):
        return find_folder_format(source)
    start = read_start(source, mode)
    for form, suffixes, magic in NAMED:
        if source.path.suffix.lower() in suffixes and re.match(magic, start, re.DOTALL):
            return form
    for form, magic in MAGIC:
        if re.match(magic, start, re.DOTALL):
            return form
    if source.path.suffix.lower() in RAW_SUFFIXES or None not in (source.shape, source.dtype):
        return RAW
    raise source.reject(
        f"is not a volume in a known format (it starts with {start[:8]!r})",
        KNOWN,
        "Convert it, or say what its numbers are with shape and dtype.",
    )


def find_folder_format(source: Source) -> Format:
    """Tells a Zarr store from a folder of DICOM slices."""
    from .dicom import is_dicom

    if any((source.path / mark).is_file() for mark in ZARR_MARKS):
        return ZARR
    with os.scandir(source.path) as entries:
        files = [Path(entry.path) for entry in entries if entry.is_file()]
    if any(is_dicom(path) for path in sorted(files)[:MOST_LOOKED_AT] if os.access(path, os.R_OK)):
        return DICOM
    raise RejectedError(
        f"{source.name} is a folder without DICOM slices, and no Zarr store; expected one of "
        "these, or a file. Name a file inside it."
    )


def look(source: Source) -> int:
    """The mode of what is at a path."""
    name = source.name
    try:
        return source.path.stat().st_mode
    except PermissionError:
        raise unreadable(name) from None
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(
            f"{name} does not exist; expected a file or folder of a volume. Check the path."
        ) from None
    except (OSError, ValueError) as error:
        raise source.reject(
            f"cannot be opened ({describe(error)})", "a volume", "Check the path."
        ) from None


def unreadable(name: str) -> PermissionError:
    """The error for what must not be read."""
    return PermissionError(
        f"{name} is not readable; expected a readable file. Allow it with chmod +r {name}."
    )


def read_start(source: Source, mode: int) -> bytes:
    """The first bytes of a regular file with content, unpacked if it is a gzip."""
    # Opening a pipe or a device could wait for ever.
    if not stat.S_ISREG(mode):
        raise source.reject("is not a regular file", "a volume", "Save it to disk first.")
    try:
        with source.path.open("rb") as file:
            start = file.read(START)
    except PermissionError:
        raise unreadable(source.name) from None
    if not start:
        raise source.reject("is empty (0 bytes)", "a volume", "Fetch or save it again.")
    if start[:2] != b"\x1f\x8b":
        return start
    try:
        with gzip.open(source.path) as unpacked:
            return unpacked.read(START)
    except (OSError, EOFError, zlib.error) as error:
        raise source.cut(describe(error)) from None
