"""Pixels of an image file as values to fit: cropped, normalised and resized."""

import math
import os
import warnings
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch.nn import functional

from inr.argument import check_choice, check_count, check_numbers, check_range
from inr.raster import PixelFormat, find_range, read_raster


def load_image(
    path: str | os.PathLike[str],
    *,
    size: Sequence[int] | None = None,
    crop: Sequence[int] | None = None,
    value_range: Sequence[float] = (0.0, 1.0),
    frame: int | None = None,
    truncated: Literal["reject", "pad"] = "reject",
    nonfinite: Literal["reject", "zero"] = "reject",
    max_pixels: int = 268_435_456,
) -> tuple[np.ndarray, PixelFormat]:
    """Values of an image file, and what they mean as pixels.

    Args:
        path: Image file.
        size: ``[H, W]`` to resize to; None keeps the image's own.
        crop: ``[x0, y0, x1, y1]`` in pixels, upright, cut out before resizing.
        value_range: Values of the darkest and the brightest pixel.
        frame: Number of the frame, of a file with several; None is the first, with a warning.
        truncated: Whether a file that is cut off is rejected, or padded.
        nonfinite: Whether NaN and infinity are rejected, or replaced by zero.
        max_pixels: Most pixels of an image; larger ones are rejected before they are decoded.

    Shape:
        ``(H, W, C)``, float32 or float64.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file is no image, broken or too large, or an argument is out of range.
    """
    value_limits = check_range("value_range", value_range)
    check_choice("truncated", truncated, ("reject", "pad"))
    check_choice("nonfinite", nonfinite, ("reject", "zero"))
    check_count("max_pixels", max_pixels)
    if frame is not None:
        check_count("frame", frame, minimum=0)
    raster = read_raster(
        path, frame=frame, truncated=truncated, nonfinite=nonfinite, max_pixels=max_pixels
    )
    for note in raster.notes:
        warnings.warn(note, stacklevel=2)
    pixels = raster.pixels if crop is None else crop_pixels(raster.pixels, crop)
    # Of what is fitted: the range of floats and of signed numbers is that of the data.
    low, high = find_range(pixels, raster.bits)
    pixel_format = PixelFormat(pixels.dtype.name, raster.bits, low, high, value_limits)
    values = pixel_format.normalize(pixels)
    if size is not None:
        check_numbers("size", size, "[H, W]")
        if math.prod(size) > max_pixels:
            raise ValueError(f"size is {list(size)}; expected at most max_pixels={max_pixels}.")
        resized = resize_values(values, size)
        if pixel_format.bits == 1:
            pixel_format = pixel_format.as_displayable()
        # Through the pixels' own depth: the resized image is one that a file could hold.
        values = pixel_format.normalize(pixel_format.restore(resized))
    return values, pixel_format


def crop_pixels(pixels: np.ndarray, crop: Sequence[int]) -> np.ndarray:
    """The part of ``(H, W, C)`` pixels inside the box ``[x0, y0, x1, y1]``.

    Raises:
        TypeError: ``crop`` is not four whole numbers.
        ValueError: The box is empty or reaches beyond the image.
    """
    height, width = pixels.shape[:2]
    check_numbers("crop", crop, "[x0, y0, x1, y1]")
    x0, y0, x1, y1 = (check_count("crop", edge, minimum=0) for edge in crop)
    if not (x0 < x1 <= width and y0 < y1 <= height):
        raise ValueError(
            f"crop is {list(crop)}; expected [x0, y0, x1, y1] inside an image {width} wide and "
            f"{height} high."
        )
    return pixels[y0:y1, x0:x1]


def resize_values(values: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """``(H, W, C)`` float values at another size, by bicubic interpolation with anti-aliasing.

    Raises:
        TypeError: ``size`` is not two whole numbers.
        ValueError: One is not positive.
    """
    check_numbers("size", size, "[H, W]")
    height, width = (check_count("size", n) for n in size)
    image = torch.from_numpy(values).permute(2, 0, 1)[None]
    resized = functional.interpolate(
        image, (height, width), mode="bicubic", antialias=True, align_corners=False
    )
    return resized[0].permute(1, 2, 0).numpy()
