"""Reading and writing files of volumes with all of their data."""

from .formats import is_volume
from .read import Volume, read_volume
from .volume_format import Container, VolumeFormat
from .write import SUFFIXES, write_slabs, write_volume

__all__ = [
    "SUFFIXES",
    "Container",
    "Volume",
    "VolumeFormat",
    "is_volume",
    "read_volume",
    "write_slabs",
    "write_volume",
]
