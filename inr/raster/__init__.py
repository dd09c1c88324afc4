"""Readers and writers of raster image files, with all of their data."""

from .pixel_format import PixelFormat
from .raster import Raster, find_range
from .read import read_raster
from .write import native_suffix, write_raster, write_tiff_tiles

__all__ = [
    "PixelFormat",
    "Raster",
    "find_range",
    "native_suffix",
    "read_raster",
    "write_raster",
    "write_tiff_tiles",
]
