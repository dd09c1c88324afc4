"""MGH, as FreeSurfer has it, by nibabel."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from .file_format import WIDENED, FileFormat, Stored
from .source import Source
from .volume_format import Container, Shape

DTYPES = ("uint8", "int16", "int32", "float32")


class Mgh(FileFormat):
    """A file of one volume, or of several behind each other, of few dtypes."""

    name = "MGH"
    start = rb"\0\0\0\x01"
    suffixes = written = (".mgh", ".mgz")
    package = "nibabel"
    widened: ClassVar = {**WIDENED, "int8": "int16", "uint16": "int32"}

    def recognizes(self, source: Source, start: bytes) -> bool:
        # Four bytes are too few to tell by.
        return source.path.suffix.lower() in self.suffixes and super().recognizes(source, start)

    @contextmanager
    def open(self, source: Source) -> Iterator[Stored]:
        import nibabel

        is_packed = source.path.suffix.lower() == ".mgz"
        # nibabel.load leaves such a file open.
        with gzip.open(source.path) if is_packed else source.path.open("rb") as file:
            image: Any = nibabel.MGHImage.from_stream(file)
            container = Container(
                self.suffix_of(source.path),
                spacing=nibabel.affines.voxel_sizes(image.affine),
                unit="mm",
                affine=image.affine,
            )
            axes, dtype = "xyzt"[: len(image.shape)], image.get_data_dtype()
            yield Stored(image.shape, dtype, image.dataobj.__getitem__, container, axes, True)

    def prepare(self, container: Container, shape: Shape, dtype: np.dtype) -> tuple[str, np.dtype]:
        axes, dtype = super().prepare(container, shape, dtype)
        if dtype.name not in DTYPES:
            raise ValueError(
                f"MGH cannot hold {dtype.name}; expected {', '.join(DTYPES)} or what they hold. "
                "Write another format, such as .nii.gz."
            )
        axes = axes.replace("t", "")
        return "c" + axes[:-1] if axes.endswith("c") else axes, dtype

    def write(self, path: Path, array: np.ndarray, container: Container) -> None:
        import nibabel

        nibabel.MGHImage(array.T, container.in_millimetres()).to_filename(path)
