"""TIFF of any depth, through tifffile, and the colour models that it leaves as stored."""

from __future__ import annotations

import math
from dataclasses import replace
from io import BytesIO

import numpy as np
import tifffile
from PIL import Image, UnidentifiedImageError
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC, TiffPage

from . import pillow
from .color import lab_to_rgb, map_palette, separate_to_rgb
from .orientation import TAG, check_orientation
from .source import Decoded, Source

REDUCED, MASK = 1, 4
# Compressions that are image files of their own, by the name of Pillow's reader of their headers.
EMBEDDED: dict[int, str] = {
    COMPRESSION.JPEG: "JPEG",
    COMPRESSION.JPEG_2000_LOSSY: "JPEG2000",
    COMPRESSION.APERIO_JP2000_RGB: "JPEG2000",
    COMPRESSION.APERIO_JP2000_YCBC: "JPEG2000",
    COMPRESSION.JPEG2000: "JPEG2000",
    COMPRESSION.WEBP: "WEBP",
}
PLAIN = (PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB, PHOTOMETRIC.MASK)


def decode(source: Source) -> Decoded:
    """Decode one page of a TIFF file."""
    with tifffile.TiffFile(source.path) as tiff:
        check_chain(source, tiff)
        pages = list_pages(tiff)
        if not pages:
            raise source.cut("it has no page")
        # ImageJ puts images one behind the other under a single page.
        images = (tiff.imagej_metadata or {}).get("images", 1)
        if len(tiff.pages) > 1 or tiff.series[0].size <= tiff.pages[0].size:
            images = 1
        index, notes = source.pick(len(pages) if images == 1 else images, "pages")
        page = pages[index if images == 1 else 0]
        check_page(source, page)
        orientation, odd = check_orientation(page.tags.valueof(TAG, 1))
        if page.photometric == PHOTOMETRIC.YCBCR and page.compression not in EMBEDDED:
            # tifffile leaves subsampled colour to others; Pillow also turns the image upright.
            place = list(tiff.pages).index(page)
            image = pillow.decode(replace(source, frame=place))
            return replace(image, notes=notes + image.notes, orientation=1)
        if images == 1:
            pixels = read_samples(source, page)
        else:
            stack: np.ndarray = tiff.series[0].asarray(out="memmap")
            pixels = stack.reshape(images, *page.shaped)[index]
        # The planes or the samples of a pixel are 1: those of several are its channels.
        pixels = np.moveaxis(pixels[:, 0], 0, -2).reshape(*page.shaped[2:4], -1)
        pixels, bits, converted = convert(source, page, pixels)
        notes += odd + converted
        return Decoded(pixels, bits, notes, orientation)


def check_chain(source: Source, tiff: tifffile.TiffFile) -> None:
    """Reject a file whose pages lead back to an earlier one: it would have no end."""
    seen: set[int] = set()
    for page in tiff.pages:
        if page.offset in seen:
            raise source.reject(
                "has pages that lead in a circle", "a TIFF that ends", "Re-save it."
            )
        seen.add(page.offset)


def list_pages(tiff: tifffile.TiffFile) -> list[TiffPage]:
    """List the pages that are images in their own right, not thumbnails or masks of others."""
    pages = [page for page in tiff.pages if isinstance(page, TiffPage)]
    return [page for page in pages if not page.subfiletype & (REDUCED | MASK)] or pages


def check_page(source: Source, page: TiffPage) -> None:
    """Reject a page that is too large, or no raster image, by its header alone."""
    source.check_size(page.imagewidth, page.imagelength)
    if page.is_tiled:
        source.check_count(page.tilewidth * page.tilelength, " in one tile")
    if page.imagedepth > 1:
        raise source.reject(
            f"is a volume of {page.imagedepth} slices", "an image", "Save its slices as pages."
        )
    inks = 5 if page.photometric == PHOTOMETRIC.SEPARATED else 4
    if page.samplesperpixel > inks:
        raise source.reject(
            f"has {page.samplesperpixel} channels", "1 to 4", "Split it into images of 1 to 4."
        )
    if page.compression in tifffile.TIFF.IMAGE_COMPRESSIONS and page.compression not in EMBEDDED:
        name = getattr(page.compression, "name", page.compression)
        raise source.reject(f"is compressed with {name}", "a common compression", "Use deflate.")
    if page.dtype is None or page.dtype.kind == "c":
        kind = "unknown" if page.dtype is None else page.dtype.name
        raise source.reject(
            f"holds {kind} pixels of {page.bitspersample} bits",
            "integers or floats",
            "Convert it to float32.",
        )


def read_samples(source: Source, page: TiffPage) -> np.ndarray:
    """Decode the strips or tiles of a page into (planes, 1, H, W, samples) as stored."""
    size = page.parent.filehandle.size
    extents = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    count = math.prod(page.chunked)
    if len(page.chunked) == 2:
        # Planes of an unknown configuration are left out of the count, and would stay unset.
        count *= page.shaped[0]
    whole = [start + length <= size for start, length in extents[:count]]
    if not source.pad:
        if sum(whole) < count or not any(length for _, length in extents):
            raise source.cut(f"{sum(whole):,} of {count:,} strips or tiles are there")
        for start, length in extents if page.compression in EMBEDDED else ():
            check_segment(source, page, read_extent(page, start, length))
        return page.asarray(squeeze=False)
    return gather_segments(source, page, extents[:count])


def read_extent(page: TiffPage, start: int, length: int) -> bytes:
    """Read the bytes of a strip or tile, as many as are there."""
    file = page.parent.filehandle
    file.seek(start)
    return file.read(length)


def check_segment(source: Source, page: TiffPage, data: bytes) -> None:
    """Reject a strip or tile whose own header claims more pixels than allowed."""
    form = EMBEDDED.get(page.compression)
    if not form or not data:
        return
    try:
        with pillow.settings(source), Image.open(BytesIO(data), formats=(form,)) as image:
            source.check_count(image.width * image.height, " in one strip or tile")
    except UnidentifiedImageError:
        raise source.cut("a strip or tile has a broken header") from None


def gather_segments(source: Source, page: TiffPage, extents: list[tuple[int, int]]) -> np.ndarray:
    """Decode every strip or tile that is sound and leave zeros for the rest.

    Returns:
        (planes, 1, H, W, samples) array.
    """
    pixels = np.zeros(page.shaped, page.dtype)
    most = math.prod(page.chunks) * pixels.itemsize
    sound = 0
    for index, (start, length) in enumerate(extents):
        data = read_extent(page, start, length)
        if not data:
            continue
        if page.compression == COMPRESSION.NONE:
            data = data.ljust(min(length, most), b"\0")
        try:
            check_segment(source, page, data)
            segment, (plane, _, top, left, _), _ = page.decode(
                data, index, jpegtables=page.jpegtables, jpegheader=page.jpegheader
            )
        except Exception:
            continue
        if segment is None:
            continue
        room = pixels[plane, 0, top:, left:]
        segment = segment[0, : room.shape[0], : room.shape[1]]
        room[: segment.shape[0], : segment.shape[1]] = segment
        sound += 1
    if not sound:
        raise ValueError("no strip or tile is sound")
    return pixels


def convert(
    source: Source, page: TiffPage, pixels: np.ndarray
) -> tuple[np.ndarray, int | None, tuple[str, ...]]:
    """Bring samples to grey or RGB, brighter being larger.

    Returns:
        (H, W, C) array, its significant bits, and warnings of what was done.
    """
    photometric = page.photometric
    bits = page.bitspersample if isinstance(page.bitspersample, int) else None
    notes = describe_alpha(page)
    if photometric == PHOTOMETRIC.MINISWHITE:
        return *invert(pixels, bits), notes
    if photometric == PHOTOMETRIC.PALETTE and page.colormap is not None:
        return map_palette(pixels[..., 0], page.colormap), 8, notes
    unsigned = pixels.dtype.kind == "u" and pixels.dtype.itemsize <= 2
    if photometric == PHOTOMETRIC.SEPARATED and unsigned and pixels.shape[2] >= 4:
        note = "converted from CMYK to RGB, without its colour profile"
        return separate_to_rgb(pixels), bits, (*notes, note)
    if photometric in (PHOTOMETRIC.CIELAB, PHOTOMETRIC.ICCLAB) and unsigned:
        rgb = lab_to_rgb(pixels[..., :3], offset=photometric == PHOTOMETRIC.ICCLAB)
        return rgb, bits, (*notes, "converted from CIE Lab to sRGB")
    if photometric not in PLAIN and page.compression not in EMBEDDED:
        name = getattr(photometric, "name", photometric)
        notes += (f"photometric interpretation {name} is kept as stored",)
    return pixels, bits, notes


def invert(pixels: np.ndarray, bits: int | None) -> tuple[np.ndarray, int | None]:
    """Turn samples whose zero is white into samples whose zero is black."""
    if pixels.dtype.kind == "f":
        return -pixels, None
    if pixels.dtype.kind == "u" and bits:
        return pixels.dtype.type(2**bits - 1) - pixels, bits
    return ~pixels, bits


def describe_alpha(page: TiffPage) -> tuple[str, ...]:
    """Warn of extra channels that are not plain alpha."""
    if EXTRASAMPLE.ASSOCALPHA in page.extrasamples:
        return ("colours are premultiplied by alpha and kept as stored",)
    if EXTRASAMPLE.UNSPECIFIED in page.extrasamples:
        return ("channel of unspecified meaning is kept as stored",)
    return ()
