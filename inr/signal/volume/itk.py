"""NRRD and MetaImage, by SimpleITK."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import numpy as np

from inr.raster.quiet import muted

from .file_format import WIDENED, FileFormat, Stored
from .layout import Index
from .source import Source
from .volume_format import Container, Shape

# From (left, posterior, superior), in which ITK has positions, to (right, anterior, superior).
TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
MOST_HEADER_BYTES = 2**20
DATA_FILE = re.compile(
    rb"^[ \t]*(?:data ?file|ElementDataFile)[ \t]*[:=][ \t]*(.*?)[ \t\r]*$", re.M | re.I
)
NRRD_REASON = re.compile(r"\] \w+: (.+)\s*\Z")


class ItkFormat(FileFormat):
    """A header of lines, and its numbers behind it or in another file.

    Attributes:
        reader: SimpleITK's name of what reads and writes it.
    """

    reader: str
    package = "SimpleITK"
    widened = WIDENED

    @contextmanager
    def open(self, source: Source) -> Iterator[Stored]:
        import SimpleITK

        check_data_files(source)
        SimpleITK.ProcessObject.GlobalWarningDisplayOff()
        reader = SimpleITK.ImageFileReader()
        reader.SetImageIO(self.reader)
        reader.SetFileName(str(source.path))
        with rejecting_itk(source):
            reader.ReadImageInformation()
        shape, axes = reader.GetSize()[::-1], "tzyx"[-reader.GetDimension() :]
        if reader.GetNumberOfComponents() > 1:
            shape, axes = (*shape, reader.GetNumberOfComponents()), axes + "c"

        def read(selection: Index) -> np.ndarray:
            source.check_count(shape)
            with rejecting_itk(source):
                image = reader.Execute()
            part: np.ndarray = SimpleITK.GetArrayFromImage(image)[selection]
            return part

        spacing, origin = reader.GetSpacing(), reader.GetOrigin()[:3]
        affine, count = np.eye(4), len(origin)
        steps = np.reshape(reader.GetDirection(), (len(spacing), -1)) * spacing
        affine[:count, :count], affine[:count, 3] = steps[:count, :count], origin
        container = Container(
            self.suffix_of(source.path),
            spacing=(*spacing, 1.0)[:3],
            unit="mm",
            affine=TO_RAS @ affine,
        )
        yield Stored(shape, None, read, container, axes)

    def prepare(self, container: Container, shape: Shape, dtype: np.dtype) -> tuple[str, np.dtype]:
        axes, dtype = super().prepare(container, shape, dtype)
        return axes, dtype.newbyteorder("=")

    def write(self, path: Path, array: np.ndarray, container: Container) -> None:
        import SimpleITK

        image = SimpleITK.GetImageFromArray(array, isVector=container.axes.endswith("c"))
        affine, steps = TO_RAS @ container.in_millimetres(), np.eye(image.GetDimension())
        origin, count = np.zeros(len(steps)), min(len(steps), 3)
        steps[:count, :count], origin[:count] = affine[:count, :count], affine[:count, 3]
        spacing = np.linalg.norm(steps, axis=0)
        image.SetSpacing(spacing.tolist())
        image.SetDirection((steps / spacing).ravel().tolist())
        image.SetOrigin(origin.tolist())
        # In capitals, a suffix has MetaImage put the numbers in a second file.
        named = path.with_suffix(container.suffix)
        SimpleITK.WriteImage(image, str(named), useCompression=True, imageIO=self.reader)
        named.replace(path)


class Nrrd(ItkFormat):
    """NRRD."""

    name = "NRRD"
    reader = "NrrdImageIO"
    start = rb"NRRD000[1-5]"
    suffixes = (".nrrd", ".nhdr")
    written = (".nrrd",)


class MetaImage(ItkFormat):
    """MetaImage."""

    name = "MetaImage"
    reader = "MetaImageIO"
    start = rb"(Comment *=[^\n]*\n)?(ObjectType|NDims) *="
    suffixes = (".mha", ".mhd")
    written = (".mha",)


@contextmanager
def rejecting_itk(source: Source) -> Iterator[None]:
    """Rejects a file of which ITK complains, by an error or in print.

    That numbers do not unpack is no error to MetaImage's reader: it prints a line and gives what
    was in memory before (``test_numbers_that_do_not_unpack_are_rejected``).
    """
    error = ""
    with muted() as printed:
        try:
            yield
        except RuntimeError as caught:
            error = str(caught)
        printed.seek(0)
        said = printed.read().decode("utf-8", "replace").strip()
    if error or said:
        reasons = NRRD_REASON.findall(error) or said.splitlines() or ["it does not decode"]
        raise source.cut(reasons[0][:100])


def check_data_files(source: Source) -> None:
    """Rejects a header whose numbers are in files that are not beside it.

    A header may come from somebody else, and must not read what is elsewhere on the disk.
    """
    with source.path.open("rb") as file:
        start = file.read(MOST_HEADER_BYTES)
    header, end, _ = start.replace(b"\r", b"").partition(b"\n\n")
    found = DATA_FILE.search(header)
    if found is None and not end and len(start) == MOST_HEADER_BYTES:
        raise source.reject("has a header of more than 1 MiB", "a shorter one", "Save it again.")
    if found is None:
        return
    is_list = found[1].upper().startswith(b"LIST")
    for raw in header[found.end() :].splitlines() if is_list else [found[1]]:
        name = raw.decode("utf-8", "replace").strip()
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name:
            raise source.reject(
                f"takes its numbers from {name[:100]!r}", "a file beside it", "Put it there."
            )
