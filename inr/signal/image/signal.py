"""An image file."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from inr.raster import native_suffix, write_raster
from inr.signal._array import narrow_integers
from inr.signal._image_display import ImageDisplay
from inr.signal._image_pixels import load_image
from inr.signal._lattice_signal import LatticeSignal


class ImageSignal(LatticeSignal):
    """An image of any bit depth, as its file has it.

    Args:
        path: Image file, of any format that its content shows.
        size: ``[H, W]`` to resize to, with anti-aliasing; None keeps the image's own.
        crop: ``[x0, y0, x1, y1]`` in pixels, upright, cut out before resizing.
        holdout: ``none``, ``alternate`` (train on even rows and columns, test on odd ones) or a
            fraction of the pixels, drawn at random: what training never sees.
        value_range: What the field sees for the darkest and the brightest pixel there can be (for
            float images: that there is).
        frame: Frame of a file with several; None is the first, with a warning.
        truncated: ``reject``, or ``pad`` to fit what is there of a file that is cut off.
        nonfinite: ``reject``, or ``zero`` to replace NaN and infinity.
        max_pixels: Most pixels; larger images are rejected before they are decoded.
        seed: Seed of the random fraction held out.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file is no image, damaged or too large, or an argument is out of range.
    """

    kind = "image"
    display = ImageDisplay()
    sample = "sample.png"

    @classmethod
    def write_array(cls, array: np.ndarray, folder: Path, rate: int | None = None) -> Path:
        """Writes ``(H, W)`` or ``(H, W, c)`` pixels."""
        pixels = narrow_integers(array)
        channels = 1 if pixels.ndim == 2 else pixels.shape[-1]
        path = folder / f"array{native_suffix(pixels.dtype, None, channels)}"
        write_raster(path, pixels)
        return path

    def __init__(
        self,
        *,
        path: str | os.PathLike[str],
        size: Sequence[int] | None = None,
        crop: Sequence[int] | None = None,
        holdout: str | float = "none",
        value_range: Sequence[float] = (0.0, 1.0),
        frame: int | None = None,
        truncated: Literal["reject", "pad"] = "reject",
        nonfinite: Literal["reject", "zero"] = "reject",
        max_pixels: int = 268_435_456,
        seed: int = 0,
    ) -> None:
        pixels, pixel_format = load_image(
            path,
            size=size,
            crop=crop,
            value_range=value_range,
            frame=frame,
            truncated=truncated,
            nonfinite=nonfinite,
            max_pixels=max_pixels,
        )
        super().__init__(
            torch.from_numpy(pixels),
            value_range=pixel_format.value_range,
            name=Path(path).stem,
            holdout=holdout,
            seed=seed,
        )
        self.pixel_format = pixel_format
        self.step = pixel_format.step
