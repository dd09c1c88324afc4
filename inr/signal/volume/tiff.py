"""TIFF, by tifffile; that all pages are there is checked here, since tifffile reads those that are.

``test_a_cut_tiff_says_how_much_is_there`` shows it. Pages are slices, and stacks of ImageJ and OME
are read as such.
"""

import math
import os
import re
import struct
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from inr.raster.write import CLASSIC_LIMIT

from .file_format import FileFormat, Stored
from .layout import Index
from .source import Source
from .volume_format import Container, Shape

LETTERS = {"Z": "z", "Y": "y", "X": "x", "S": "c", "C": "c", "T": "t", "Q": "z", "I": "z"}
UNITS = {"micron": "um", "µm": "um", "\\u00B5m": "um", "\\u00b5m": "um", "microns": "um"}
IMAGEJ_DTYPES = ("uint8", "uint16", "int16", "float32")
NO_OME_DTYPES = ("int64", "uint64", "float16")
OME_NO_UNIT = "reference frame"
NO_UNITS = ("pixel", "pixels", "")


class Tiff(FileFormat):
    """A file whose first series of pages of one size is read.

    It is written as ImageJ does where that says all, and else as compressed pages.
    """

    name = "TIFF"
    start = rb"II[*+]\0|MM\0[*+]"
    written = (".tiff", ".tif")

    def has_volume(self, path: Path) -> bool:
        import tifffile

        with tifffile.TiffFile(path) as tiff:
            series = tiff.series[0]
            sizes = zip(series.shape, series.axes, strict=True)
            return any(size > 1 and axis not in "YXSC" for size, axis in sizes)

    @contextmanager
    def open(self, source: Source) -> Iterator[Stored]:
        import tifffile

        from inr.raster.tiff import check_chain

        rejecter: Any = source  # one of images has more, which is not asked for
        with tifffile.TiffFile(source.path) as tiff:
            check_chain(rejecter, tiff)
            check_end(source, tiff)
            series = tiff.series[0]
            check_page(source, series.keyframe)

            def read(selection: Index) -> np.ndarray:
                source.check_count(series.shape)
                check_whole(source, tiff, series)
                out = None if series.dataoffset is None else "memmap"
                part: np.ndarray = series.asarray(out=out)[selection]
                return part

            spacing, unit = read_spacing(tiff, series)
            container = Container(self.suffix_of(source.path), spacing=spacing, unit=unit)
            count = len(tiff.series)
            remark = f"first of {count:,} series of pages is read: their sizes differ"
            notes = (remark,) if count > 1 else ()
            axes = name_axes(source, series.axes)
            yield Stored(series.shape, series.dtype, read, container, axes, notes=notes)

    def prepare(self, container: Container, shape: Shape, dtype: np.dtype) -> tuple[str, np.dtype]:
        axes, dtype = super().prepare(container, shape, dtype)
        told = container.unit if container.spacing else axes.endswith("cyx")
        big = math.prod(shape) * dtype.itemsize > CLASSIC_LIMIT
        if told and not big and not axes.endswith("c") and dtype.name in IMAGEJ_DTYPES:
            return "zcyx", dtype.newbyteorder("=")
        # Several samples of one bit are read back as others.
        dtype = np.dtype("u1") if dtype.kind == "b" and shape[3] > 1 else dtype
        return "zyx" if shape[3] == 1 else "zyxc", dtype.newbyteorder("=")

    def write(self, path: Path, array: np.ndarray, container: Container) -> None:
        import tifffile

        if container.axes == "zcyx":
            tifffile.imwrite(path, array, imagej=True, **describe_imagej(container))
            return
        channels = array.shape[3] if array.ndim == 4 else 1
        colors = 3 if channels in (3, 4) else 1
        metadata = describe_ome(array, container)
        # What OME has no name for is described by the same words in JSON.
        is_ome = metadata is not None and array.dtype.name not in NO_OME_DTYPES
        big = array.nbytes > CLASSIC_LIMIT
        with tifffile.TiffWriter(path, bigtiff=big, ome=is_ome) as writer:
            writer.write(
                array,
                photometric="rgb" if colors == 3 else "minisblack",
                planarconfig=None if channels == 1 else "contig",
                extrasamples=["unspecified"] * (channels - colors),
                compression="zlib",
                predictor={"f": 3, "b": None}.get(array.dtype.kind, 2),
                rowsperstrip=array.shape[1],
                metadata=metadata,
            )


def check_page(source: Source, page: Any) -> None:
    """Rejects a page that no decoder is there for, or whose tiles are too large."""
    import tifffile

    from inr.raster.tiff import EMBEDDED

    if page.is_tiled:
        source.check_count((page.tilelength, page.tilewidth), "pixels in one tile")
    if page.compression in tifffile.TIFF.IMAGE_COMPRESSIONS and page.compression not in EMBEDDED:
        name = getattr(page.compression, "name", page.compression)
        raise source.reject(f"is compressed with {name}", "a common compression", "Use deflate.")


def name_axes(source: Source, axes: str) -> str:
    """Our letters for the axes that the file names."""
    named = "".join(LETTERS.get(axis, "z") for axis in axes)
    if len(set(named)) < len(named) and source.axes is None:
        raise source.reject(
            f"has the axes {axes}", "one for slices, and one for channels", "Save a part of it."
        )
    return named


def check_end(source: Source, tiff: Any) -> None:
    """Rejects a file whose last page says that there is another: it is not there."""
    count = len(tiff.pages)
    if not count:
        raise source.cut("it has no page")
    form, file = tiff.tiff, tiff.filehandle
    file.seek(tiff.pages[count - 1].offset)
    (tags,) = struct.unpack(form.tagnoformat, file.read(form.tagnosize))
    file.seek(tags * form.tagsize, os.SEEK_CUR)
    following = file.read(form.offsetsize)
    if len(following) < form.offsetsize or any(following):
        raise source.cut(f"{count:,} pages are there, and the next is not")


def check_whole(source: Source, tiff: Any, series: Any) -> None:
    """Rejects a file whose pages reach beyond its end."""
    size = tiff.filehandle.size
    if series.dataoffset is not None:
        needed = series.dataoffset + series.size * series.dtype.itemsize
        if needed > size:
            raise source.cut(f"{size:,} of {needed:,} bytes are there")
        return
    whole = 0
    for page in series.pages:
        if page is not None and any(page.databytecounts):
            extents = zip(page.dataoffsets, page.databytecounts, strict=False)
            whole += all(start + length <= size for start, length in extents)
    if whole < len(series.pages):
        raise source.cut(f"{whole:,} of {len(series.pages):,} pages are there")


def read_spacing(tiff: Any, series: Any) -> tuple[Sequence[float] | None, str | None]:
    """The spacing of (x, y, z) and its unit, as ImageJ or OME write them."""
    described = tiff.ome_metadata or tiff.pages.first.description
    if "PhysicalSizeX" in described:
        return read_ome_spacing(described)
    metadata = tiff.imagej_metadata or {}
    unit = str(metadata.get("unit", ""))
    steps = []
    for tag in ("XResolution", "YResolution"):
        above, below = series.keyframe.tags.valueof(tag, (0, 1))
        steps.append(below / above if above else 0.0)
    steps.append(float(metadata.get("spacing", 0.0) or 0.0))
    if unit in NO_UNITS or min(steps[:2]) <= 0 or not np.isfinite(steps).all():
        return None, None
    x, y, z = steps
    return (x, y, abs(z) or x), UNITS.get(unit, unit)


def read_ome_spacing(text: str) -> tuple[Sequence[float] | None, str | None]:
    """The spacing of (x, y, z) and its unit in OME's description of the first image, or in JSON."""
    number = r"(\d*\.?\d+(?:[eE][+-]?\d+)?)"
    found = [re.search(rf'\bPhysicalSize{axis}"?[=:] ?"?{number}', text) for axis in "XYZ"]
    x, y, z = (float(match[1]) if match else 0.0 for match in found)
    unit = re.search(r'\bPhysicalSizeXUnit"?[=:] ?"([^"]+)"', text)
    name = unit[1] if unit else "um"
    if min(x, y) <= 0:
        return None, None
    return (x, y, z or x), None if name == OME_NO_UNIT else UNITS.get(name, name)


def describe_ome(array: np.ndarray, container: Container) -> dict[str, str | float] | None:
    """The spacing and unit by OME's names, if there is a spacing."""
    spacing, unit = container.spacing, container.unit or OME_NO_UNIT
    if spacing is None:
        return None
    metadata: dict[str, str | float] = {"axes": container.axes.upper().replace("C", "S")}
    for axis, step in zip("XYZ", spacing, strict=True):
        metadata[f"PhysicalSize{axis}"] = step
        metadata[f"PhysicalSize{axis}Unit"] = {"um": "µm"}.get(unit, unit)
    # Of the content and not of the time, so that the same volume is the same file.
    name = f"{(*array.shape, 1)[:4]} {array.dtype} {metadata}"
    return metadata | {"UUID": str(uuid.uuid5(uuid.NAMESPACE_OID, name))}


def describe_imagej(container: Container) -> dict[str, Any]:
    """The axes, spacing and unit as ImageJ reads them."""
    metadata: dict[str, Any] = {"axes": container.axes.upper()}
    if container.spacing is None:
        return {"metadata": metadata}
    x, y, z = container.spacing
    metadata |= {"spacing": z, "unit": container.unit or NO_UNITS[0]}
    return {"resolution": (1 / x, 1 / y), "metadata": metadata}
