"""MINC, version 1 and 2, by nibabel, which does not write it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .file_format import FileFormat, Stored
from .source import Source
from .volume_format import Container


class Minc(FileFormat):
    """A file whose numbers have a scale for each slice, and are read as physical values."""

    name = "MINC"
    start = rb"CDF[\x01\x02]|\x89HDF"
    suffixes = (".mnc",)
    package = "nibabel"

    def recognizes(self, source: Source, start: bytes) -> bool:
        # Other files of NetCDF and HDF5 start the same.
        return source.path.suffix.lower() in self.suffixes and super().recognizes(source, start)

    @contextmanager
    def open(self, source: Source) -> Iterator[Stored]:
        import nibabel

        image: Any = nibabel.load(source.path)
        # nibabel's affine is of (z, y, x).
        affine = image.affine[:, [2, 1, 0, 3]]
        spacing = nibabel.affines.voxel_sizes(affine)
        container = Container(".nii.gz", spacing=spacing, unit="mm", affine=affine)
        axes = "tzyx"[-len(image.shape) :]
        yield Stored(image.shape, None, image.dataobj.__getitem__, container, axes)
