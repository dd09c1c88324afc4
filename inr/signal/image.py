"""An image file."""

import math
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch.nn import functional

from inr.argument import check_choice, check_count, check_numbers
from inr.raster import PixelFormat, find_range, read_raster
from inr.signal._lattice_signal import LatticeSignal


class ImageSignal(LatticeSignal):
    """An image of any bit depth, as its file has it.

    Args:
        path: The image file. Its kind is told from its content.
        size: ``[H, W]`` to resize to, with anti-aliasing; None keeps the image's own.
        crop: ``[x0, y0, x1, y1]`` in pixels, upright, cut out before resizing.
        holdout: ``none``, ``alternate`` (train on even rows and columns, test on odd ones) or a
            fraction of the pixels, drawn at random: what training never sees.
        value_range: What the field sees for the darkest and the brightest pixel there can be (for
            float images: that there is).
        frame: Of a file with several; None is the first, with a warning.
        truncated: ``refuse``, or ``pad`` to fit what is there of a file that is cut off.
        nonfinite: ``refuse``, or ``zero`` to replace NaN and infinity.
        max_pixels: Larger images are refused before they are decoded.
        seed: Of the random fraction held out.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is no image, broken, too large, or an argument is out of range.
    """

    kind = "image"

    def __init__(
        self,
        *,
        path: str | os.PathLike[str],
        size: Sequence[int] | None = None,
        crop: Sequence[int] | None = None,
        holdout: str | float = "none",
        value_range: Sequence[float] = (0.0, 1.0),
        frame: int | None = None,
        truncated: Literal["refuse", "pad"] = "refuse",
        nonfinite: Literal["refuse", "zero"] = "refuse",
        max_pixels: int = 268_435_456,
        seed: int = 0,
    ) -> None:
        lower, upper = check_numbers("value_range", value_range, "[lower, upper]")
        if not lower < upper:
            raise ValueError(f"value_range is {[lower, upper]}; expected the lower first.")
        check_choice("truncated", truncated, ("refuse", "pad"))
        check_choice("nonfinite", nonfinite, ("refuse", "zero"))
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
        pixel_format = PixelFormat(
            pixels.dtype.name, raster.bits, low, high, (float(lower), float(upper))
        )
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
        super().__init__(
            torch.from_numpy(values),
            value_range=pixel_format.value_range,
            name=Path(path).stem,
            holdout=holdout,
            seed=seed,
        )
        self.pixel_format = pixel_format
        self.step = pixel_format.step


def crop_pixels(pixels: np.ndarray, crop: Sequence[int]) -> np.ndarray:
    """The part of ``(H, W, C)`` pixels inside the box ``[x0, y0, x1, y1]``.

    Raises:
        TypeError: It is not four whole numbers.
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
