"""EXIF orientations, and the turns that make images upright."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

TAG = 0x0112


def orient(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn an image upright.

    Args:
        pixels: (H, W, ...) array as stored.
        orientation: EXIF orientation, 1 to 8: the sides of the picture at which the stored first
            row and first column lie.

    Returns:
        A view of `pixels`; orientations 5 to 8 swap its height and width.
    """
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def check_orientation(value: object) -> tuple[int, tuple[str, ...]]:
    """Accept an orientation from a file, which may hold anything.

    Returns:
        An orientation from 1 to 8, and a warning where the file's own is none of these.
    """
    if isinstance(value, int) and 1 <= value <= 8:
        return value, ()
    # Many cameras write 0 for "unknown", which needs no warning.
    if value in (None, 0):
        return 1, ()
    return 1, (f"orientation {value!r} is not one of 1 to 8 and is ignored",)


def read_orientation(image: Image.Image) -> tuple[int, tuple[str, ...]]:
    """Read the EXIF orientation of an image opened by Pillow.

    Returns:
        An orientation from 1 to 8, and a warning where the EXIF block is broken.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            # Pillow only warns of a block that ends too early.
            warnings.simplefilter("error")
            if "exif" in image.info:
                # Opening a JPEG has parsed it once already and kept silent about its errors.
                Image.Exif().load(image.info["exif"])
            # PNG's own override decodes all pixels first.
            return check_orientation(Image.Image.getexif(image).get(TAG))
    except Exception:
        return 1, ("EXIF block is broken and is ignored",)
