"""FITS files, through astropy."""

from __future__ import annotations

import math
import re
from io import SEEK_END, BytesIO

import numpy as np

from .source import Decoded, Source


def decode(source: Source) -> Decoded:
    """Decode one plane of the first image of a FITS file, its first row at the bottom."""
    try:
        from astropy.io import fits
    except ImportError:
        raise source.need("astropy", "science") from None
    file = BytesIO(source.path.read_bytes())
    departs = re.match(rb"SIMPLE  = *F", source.start)
    if departs:
        # astropy leaves alone what departs from the standard, and most of it is an image.
        file.getbuffer()[departs.end() - 1] = ord("T")
    # Scaled by astropy, integers of 16 bits would come as float32.
    with fits.open(file, do_not_scale_image_data=True) as units:
        image = next((unit for unit in units if unit.is_image and len(unit.shape) >= 2), None)
        if image is None:
            raise source.reject(
                "has no image of two or more axes",
                "one in a standard FITS file",
                "Save it as TIFF.",
            )
        *planes, height, width = image.shape
        source.check_size(width, height)
        index, notes = source.pick(math.prod(planes), "planes")
        if isinstance(image, fits.CompImageHDU):
            source.check_count(math.prod(image.tile_shape), " in one tile")
        else:
            size = height * width * abs(image.header["BITPIX"]) // 8
            missing = image.fileinfo()["datLoc"] + (index + 1) * size - file.getbuffer().nbytes
            if missing >= size or (missing > 0 and not source.pad):
                there = max(size - missing, 0)
                raise source.cut(f"{there:,} of {size:,} bytes of pixel data are there")
            if missing > 0:
                file.seek(0, SEEK_END)
                file.write(bytes(missing))
        stored = image.section[(*np.unravel_index(index, planes), slice(None), slice(None))]
        zero, factor = image.header.get("BZERO", 0), image.header.get("BSCALE", 1)
    return Decoded(rescale(stored, zero, factor)[::-1], None, notes)


def rescale(stored: np.ndarray, zero: float, factor: float) -> np.ndarray:
    """Apply the zero and the scale of the values; the zeros that mean unsigned keep integers."""
    if (zero, factor) == (0, 1):
        return stored
    size = stored.dtype.itemsize
    if stored.dtype.kind == "i" and factor == 1 and zero == 2 ** (8 * size - 1):
        return (stored.astype(np.int64) + int(zero)).astype(f"u{size}")
    return stored.astype(np.float64) * factor + zero
