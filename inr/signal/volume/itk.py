"""NRRD and MetaImage, by SimpleITK."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import numpy as np

from inr.raster.quiet import muted

from .layout import Decoded, plan_layout
from .nifti import is_invertible
from .source import Source
from .volume_format import Container, to_rows

# From (left, posterior, superior), in which ITK has positions, to (right, anterior, superior).
TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
HEADER_BYTES = 2**16
DATA_FILE = re.compile(rb"^(?:data ?file:|ElementDataFile *=) *(.*?)\s*$", re.MULTILINE)
INSIDE = ("LOCAL", "")


def decode(source: Source) -> Decoded:
    """Reads stored numbers with their spacing and place; they are written as NIfTI."""
    try:
        import SimpleITK
    except ImportError:
        raise source.needs("SimpleITK") from None
    check_data_file(source)
    SimpleITK.ProcessObject.GlobalWarningDisplayOff()
    reader = SimpleITK.ImageFileReader()
    reader.SetFileName(str(source.path))
    try:
        with muted():
            reader.ReadImageInformation()
    except RuntimeError:
        # ITK names a place in its own code, and often another cause than the true one.
        raise source.cut("its header does not decode") from None
    channels = reader.GetNumberOfComponents()
    shape = reader.GetSize()[::-1] + ((channels,) if channels > 1 else ())
    axes = "tzyx"[-reader.GetDimension() :] + ("c" if channels > 1 else "")
    layout = plan_layout(source, shape, axes)
    try:
        with muted():
            array = SimpleITK.GetArrayFromImage(reader.Execute())
    except RuntimeError:
        raise source.cut("its numbers do not decode") from None
    source.check_dtype(array.dtype)
    affine = read_affine(reader.GetSpacing(), reader.GetDirection(), reader.GetOrigin())
    spacing = [float(length) for length in reader.GetSpacing()[:3]] + [1.0]
    container = Container(
        ".nii.gz",
        layout.written_axes,
        spacing=(spacing[0], spacing[1], spacing[2]),
        unit="mm",
        affine=to_rows(affine) if is_invertible(affine) else None,
    )
    return Decoded(array[layout.selection], layout, container)


def read_affine(
    spacing: tuple[float, ...], direction: tuple[float, ...], origin: tuple[float, ...]
) -> np.ndarray:
    """From voxel numbers (x, y, z, 1) to positions (RAS), of an image of two axes or more."""
    count = len(spacing)
    axes, space = min(count, 3), np.eye(4)
    matrix = np.array(direction).reshape(count, count) * np.array(spacing)
    space[:axes, :axes] = matrix[:axes, :axes]
    space[:axes, 3] = origin[:axes]
    return TO_RAS @ space


def check_data_file(source: Source) -> None:
    """Rejects a header whose numbers are in a file that is not beside it.

    A header may come from somebody else, and must not read what is elsewhere on the disk.
    """
    with source.path.open("rb") as file:
        found = DATA_FILE.search(file.read(HEADER_BYTES))
    name = found[1].decode("utf-8", "replace") if found else ""
    path = PurePosixPath(name)
    if name not in INSIDE and (path.is_absolute() or ".." in path.parts or "\\" in name):
        raise source.reject(
            f"takes its numbers from {name[:100]!r}", "a file beside it", "Put it there."
        )
