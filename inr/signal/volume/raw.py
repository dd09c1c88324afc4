"""Files of nothing but numbers, whose shape and dtype the user says."""

from __future__ import annotations

import math
import re

import numpy as np

from .job import Job
from .layout import Decoded, plan_layout
from .source import Source, join
from .volume_format import Container, byte_order

# As in bonsai_256x256x256_uint8.raw, with the fastest axis first.
NAMED = re.compile(r"(\d+)x(\d+)x(\d+).*?(u?int(?:8|16|32|64)|float(?:16|32|64))", re.IGNORECASE)


def decode(source: Source) -> Decoded:
    """Maps a file of numbers into memory."""
    if source.shape is None or source.dtype is None:
        raise source.reject(
            "has no header", "the shape and the dtype of its numbers", advise(source.name)
        )
    source.check_dtype(source.dtype)
    layout = plan_layout(source, source.shape)
    size, needed = source.path.stat().st_size, math.prod(source.shape) * source.dtype.itemsize
    if size != needed:
        raise source.reject(
            f"has {size:,} bytes",
            f"{needed:,} for {join(source.shape)} numbers of {source.dtype.name}",
            "Check shape and dtype.",
        )
    array = np.memmap(source.path, source.dtype, "r", shape=source.shape)
    suffix = source.path.suffix.lower() if source.path.suffix.lower() == ".bin" else ".raw"
    container = Container(suffix, layout.written_axes, byte_order(source.dtype))
    return Decoded(array[layout.selection], layout, container)


def advise(name: str) -> str:
    """What to type, as far as the file's name says."""
    found = NAMED.search(name)
    if not found:
        return "Use shape=[D,H,W] dtype=uint16 (big endian: '>u2')."
    x, y, z, dtype = found.groups()
    return f"By its name: shape=[{z},{y},{x}] dtype={dtype.lower()}."


def encode(job: Job) -> None:
    """Writes nothing but the numbers."""
    with job.path.open("wb") as file:
        job.write_numbers(file)
