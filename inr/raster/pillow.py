"""Formats of 8 bits, through Pillow: imageio drops transparency (`test_imageio_loses`)."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from .orientation import read_orientation
from .source import Decoded, Source

LOCK = threading.Lock()


@contextmanager
def settings(source: Source) -> Iterator[None]:
    """Put Pillow's global limits on the source's terms while the block runs."""
    with LOCK:
        kept = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
        # Pillow rejects above twice its limit.
        Image.MAX_IMAGE_PIXELS = max((source.max_pixels + 1) // 2, 1)
        ImageFile.LOAD_TRUNCATED_IMAGES = source.pad and source.fillable
        try:
            yield
        except Image.DecompressionBombError as error:
            found = re.search(r"\d+", str(error))
            source.check_count(int(found[0]) if found else 0)
            raise
        finally:
            Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = kept


def decode(source: Source) -> Decoded:
    """Decode an image of a format whose samples Pillow keeps whole."""
    try:
        form = source.kind.replace(" ", "")
        with settings(source), Image.open(source.path, formats=(form,)) as image:
            return decode_image(source, image)
    except UnidentifiedImageError:
        raise source.broken(", or one of a rare kind") from None


def decode_image(source: Source, image: Image.Image) -> Decoded:
    """Decode the frame that is asked for."""
    source.check_size(*image.size)
    index, notes = source.pick(getattr(image, "n_frames", 1))
    image.seek(index)
    source.check_size(*image.size)
    sizes = len(image.info.get("sizes", ()))
    if sizes > 1:
        notes += (f"largest of {sizes} icon sizes is read",)
    orientation, broken = read_orientation(image)
    image.load()
    pixels, converted = to_array(image)
    return Decoded(pixels, None, notes + broken + converted, orientation)


def to_array(image: Image.Image) -> tuple[np.ndarray, tuple[str, ...]]:
    """Take the pixels of a loaded Pillow image in a colour model that a raster has.

    Returns:
        (H, W) or (H, W, C) array, and a warning where the colours had to be converted.
    """
    mode = image.mode
    if image.has_transparency_data:
        target = "LA" if mode in ("1", "L", "LA", "La") else "RGBA"
    else:
        target = mode if mode in ("1", "L", "I;16", "I", "F") else "RGB"
    plain = mode == target or mode in ("1", "L", "P", "PA", "RGB", "RGBX")
    notes = () if plain else (f"converted from {mode} to {target}, without its colour profile",)
    return np.asarray(image if mode == target else image.convert(target)), notes
