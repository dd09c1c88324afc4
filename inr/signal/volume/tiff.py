"""TIFF: pages as slices, and ImageJ's and OME's stacks."""

from __future__ import annotations

import math
import os
import re
import struct
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from inr.raster.source import Source as RasterSource
from inr.raster.tiff import EMBEDDED, check_chain
from inr.raster.write import CLASSIC_LIMIT

from .job import Job
from .layout import Decoded, plan_layout
from .source import Source
from .volume_format import Container, Triple, byte_order

LETTERS = {"Z": "z", "Y": "y", "X": "x", "S": "c", "C": "c", "T": "t", "Q": "z", "I": "z"}
UNITS = {"micron": "um", "µm": "um", "\\u00B5m": "um", "\\u00b5m": "um", "microns": "um"}
IMAGEJ_DTYPES = ("uint8", "uint16", "int16", "float32")
NO_OME_DTYPES = ("int64", "uint64", "float16")
OME_NO_UNIT = "reference frame"
NO_UNITS = ("pixel", "pixels", "")


def decode(source: Source) -> Decoded:
    """Reads the first series of pages of one size."""
    terms = RasterSource(source.path, source.name, "a TIFF file", b"")
    with tifffile.TiffFile(source.path) as tiff:
        check_chain(terms, tiff)
        check_end(source, tiff)
        series = tiff.series[0]
        check_page(source, series.keyframe)
        source.check_dtype(series.dtype)
        layout = plan_layout(source, series.shape, name_axes(source, series.axes))
        source.check_count(series.shape)
        check_whole(source, tiff, series)
        array: np.ndarray = series.asarray(out=None if series.dataoffset is None else "memmap")
        spacing, unit = read_spacing(tiff, series)
        count = len(tiff.series)
    notes: tuple[str, ...] = ()
    if count > 1:
        notes = (f"first of {count:,} series of pages is read: their sizes differ",)
    container = Container(
        ".tif" if source.path.suffix.lower() == ".tif" else ".tiff",
        layout.written_axes,
        byte_order(series.dtype),
        spacing=spacing,
        unit=unit,
    )
    return Decoded(array[layout.selection], layout, container, notes)


def check_page(source: Source, page: Any) -> None:
    """Rejects a page that no decoder is there for, or whose tiles are too large."""
    if page.is_tiled:
        source.check_count((page.tilelength, page.tilewidth), "pixels in one tile")
    if page.compression in tifffile.TIFF.IMAGE_COMPRESSIONS and page.compression not in EMBEDDED:
        name = getattr(page.compression, "name", page.compression)
        raise source.reject(f"is compressed with {name}", "a common compression", "Use deflate.")


def has_volume(path: Path) -> bool:
    """Whether a file's first series of pages has more than one slice."""
    with tifffile.TiffFile(path) as tiff:
        series = tiff.series[0]
        sizes = zip(series.shape, series.axes, strict=True)
        return any(size > 1 and axis not in "YXSC" for size, axis in sizes)


def name_axes(source: Source, axes: str) -> str:
    """Our letters for the axes that the file names."""
    named = "".join(LETTERS.get(axis, "z") for axis in axes)
    if len(set(named)) < len(named) and source.axes is None:
        raise source.reject(
            f"has the axes {axes}", "one for slices, and one for channels", "Save a part of it."
        )
    return named


def check_end(source: Source, tiff: tifffile.TiffFile) -> None:
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


def check_whole(source: Source, tiff: tifffile.TiffFile, series: Any) -> None:
    """Rejects a file whose pages reach beyond its end."""
    size = tiff.filehandle.size
    if series.dataoffset is not None:
        needed = series.dataoffset + series.size * series.dtype.itemsize
        if needed > size:
            raise source.cut(f"{size:,} of {needed:,} bytes are there")
        return
    whole = sum(
        page is not None
        and any(page.databytecounts)
        and all(
            start + length <= size
            for start, length in zip(page.dataoffsets, page.databytecounts, strict=False)
        )
        for page in series.pages
    )
    if whole < len(series.pages):
        raise source.cut(f"{whole:,} of {len(series.pages):,} pages are there")


def read_spacing(tiff: tifffile.TiffFile, series: Any) -> tuple[Triple | None, str | None]:
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


def read_ome_spacing(text: str) -> tuple[Triple | None, str | None]:
    """The spacing of (x, y, z) and its unit in OME's description of the first image, or in JSON."""
    number = r"(\d*\.?\d+(?:[eE][+-]?\d+)?)"
    found = [re.search(rf'\bPhysicalSize{axis}"?[=:] ?"?{number}', text) for axis in "XYZ"]
    steps = [float(match[1]) if match else 0.0 for match in found]
    unit = re.search(r'\bPhysicalSizeXUnit"?[=:] ?"([^"]+)"', text)
    name = unit[1] if unit else "um"
    if min(steps[:2]) <= 0:
        return None, None
    x, y, z = steps
    return (x, y, z or x), None if name == OME_NO_UNIT else UNITS.get(name, name)


def encode(job: Job) -> None:
    """Writes a page for each slice: as ImageJ does where that says all, else compressed."""
    fits = job.dtype.newbyteorder("=").name in IMAGEJ_DTYPES and not has_colors(job)
    big = math.prod(job.shape) * job.dtype.itemsize > CLASSIC_LIMIT
    told = job.container.unit if job.container.spacing else job.axes.endswith("cyx")
    if fits and told and not big:
        encode_imagej(job)
    else:
        encode_pages(job, big=big)


def has_colors(job: Job) -> bool:
    """Whether channels are the samples of a pixel."""
    return job.axes.endswith("c")


def encode_pages(job: Job, *, big: bool) -> None:
    """Writes compressed pages, with channels as the samples of a pixel, and OME's spacing."""
    _, height, _, channels = job.shape
    axes = "zyx" if channels == 1 else "zyxc"
    # Several samples of one bit are read back as others.
    dtype = np.dtype("u1") if job.dtype == bool and channels > 1 else job.dtype
    job = replace(job, dtype=dtype, container=replace(job.container, axes=axes))
    pages = (page for _, part in job.parts() for page in part)
    metadata = describe_spacing(job)
    # What OME has no name for is described by the same words in JSON.
    is_ome = metadata is not None and job.dtype.newbyteorder("=").name not in NO_OME_DTYPES
    with tifffile.TiffWriter(job.path, bigtiff=big, ome=is_ome) as writer:
        writer.write(
            pages,
            shape=job.stored_shape,
            dtype=job.dtype.newbyteorder("="),
            photometric="rgb" if channels in (3, 4) else "minisblack",
            planarconfig=None if channels == 1 else "contig",
            extrasamples=["unspecified"] * (channels - (3 if channels in (3, 4) else 1)),
            compression="zlib",
            predictor={"f": 3, "b": None}.get(job.dtype.kind, 2),
            rowsperstrip=height,
            metadata=metadata,
        )


def describe_spacing(job: Job) -> dict[str, str | float] | None:
    """The spacing and unit by OME's names, if there is a spacing."""
    spacing, unit = job.container.spacing, job.container.unit or OME_NO_UNIT
    if spacing is None:
        return None
    metadata: dict[str, str | float] = {"axes": job.axes.upper().replace("C", "S")}
    for axis, step in zip("XYZ", spacing, strict=True):
        metadata[f"PhysicalSize{axis}"] = step
        metadata[f"PhysicalSize{axis}Unit"] = {"um": "µm"}.get(unit, unit)
    # Of the content and not of the time, so that the same volume is the same file.
    name = f"{job.shape} {job.dtype} {metadata}"
    return metadata | {"UUID": str(uuid.uuid5(uuid.NAMESPACE_OID, name))}


def encode_imagej(job: Job) -> None:
    """Writes a stack with the spacing and unit as ImageJ reads them."""
    spacing, unit = job.container.spacing, job.container.unit
    axes = "zyx" if job.shape[3] == 1 else "zcyx"
    job = replace(job, container=replace(job.container, axes=axes))
    height, width = job.shape[1:3]
    pages = (page for _, part in job.parts() for page in part.reshape(-1, height, width))
    metadata: dict[str, Any] = {"axes": axes.upper()}
    resolution = None
    if spacing is not None:
        metadata |= {"spacing": spacing[2], "unit": unit or NO_UNITS[0]}
        resolution = (1 / spacing[0], 1 / spacing[1])
    with tifffile.TiffWriter(job.path, imagej=True) as writer:
        writer.write(
            pages,
            shape=job.stored_shape,
            dtype=job.dtype.newbyteorder("="),
            resolution=resolution,
            metadata=metadata,
        )
