"""Radiance HDR, through imagecodecs: imageio reads it as 8 bits (`test_imageio_loses`)."""

from __future__ import annotations

import re

import imagecodecs
import numpy as np

from .source import Decoded, Source

RESOLUTION = re.compile(rb"\n\n([+-])([XY]) (\d{1,10}) ([+-])([XY]) (\d{1,10})\n")


def decode(source: Source) -> Decoded:
    """Decode a Radiance picture into (H, W, 3) float32 radiance."""
    data = source.path.read_bytes()
    found = RESOLUTION.search(data)
    if not found or found[2] == found[5]:
        raise source.cut("its header has no resolution")
    if b"xyze" in data[: found.start()]:
        raise source.reject("holds XYZ colours", "RGB", "Convert it with ra_xyze -r.")
    down, axis, rows, across, _, columns = found.groups()
    height, width = int(rows), int(columns)
    source.check_size(width, height)
    _, notes = source.pick(1)
    # The decoder knows only the commonest header, so it is given that, whatever the file's own.
    plain = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n" % (height, width)
    pixels = np.zeros((height, width, 3), np.float32)
    try:
        imagecodecs.rgbe_decode(plain + data[found.end() :], out=pixels)
    except imagecodecs.RgbeError:
        there = int(np.count_nonzero(pixels.any(axis=(1, 2))))
        if not source.pad:
            raise source.cut(f"{there:,} of {height:,} rows are there") from None
    except ValueError:
        # Bytes behind the last row do no harm.
        pass
    if axis == b"X":
        pixels, down, across = pixels.swapaxes(0, 1), across, down
    vertical = 1 if down == b"-" else -1
    horizontal = 1 if across == b"+" else -1
    return Decoded(pixels[::vertical, ::horizontal], None, notes)
