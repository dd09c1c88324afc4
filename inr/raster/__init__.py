"""Reading and writing raster image files with all of their data."""

from .pixel_format import PixelFormat
from .raster import Raster
from .read import read_raster
from .write import native_suffix, write_raster, write_tiff_tiles

__all__ = [
    "PixelFormat",
    "Raster",
    "native_suffix",
    "read_raster",
    "write_raster",
    "write_tiff_tiles",
]
