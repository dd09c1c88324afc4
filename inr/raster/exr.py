"""OpenEXR, through its own package, an extra: imageio reads it as 8 bits (`test_imageio_loses`)."""

from __future__ import annotations

import numpy as np

from .quiet import muted
from .source import Decoded, Source

# Channel sets from the richest down; the first whose names are all there is read.
CHANNELS = (("R", "G", "B", "A"), ("R", "G", "B"), ("Y", "A"), ("Y",))


def decode(source: Source) -> Decoded:
    """Decode one part of an OpenEXR file: its colour or luminance, and its alpha."""
    try:
        import OpenEXR
    except ImportError:
        raise source.need("OpenEXR", "hdr") from None
    path = str(source.path)
    with muted():
        headers = OpenEXR.File(path, header_only=True).parts
    index, notes = source.pick(len(headers), "parts")
    least, most = headers[index].header["dataWindow"]
    width, height = (int(b) - int(a) + 1 for a, b in zip(least, most, strict=True))
    source.check_size(width, height)
    with muted():
        parts = OpenEXR.File(path, separate_channels=True).parts
    if len(parts) <= index:
        raise ValueError("its pixels do not decode")
    channels = {name: channel.pixels for name, channel in parts[index].channels.items()}
    names = next((names for names in CHANNELS if channels.keys() >= set(names)), ())
    if not names and len(channels) == 1:
        names = tuple(channels)
    if not names or "RY" in channels:
        raise source.reject(
            f"has the channels {', '.join(channels)}", "R, G, B or Y", "Rename them so."
        )
    left = sorted(set(channels) - set(names))
    if left:
        notes += (f"channels left out: {', '.join(left)}",)
    if "A" in names:
        notes += ("colours are premultiplied by alpha and kept as stored",)
    return Decoded(np.stack([channels[name] for name in names], axis=-1), None, notes)
