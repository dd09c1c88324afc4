"""The display of images."""

import os
from dataclasses import asdict
from typing import Any

import numpy as np
from torch import Tensor, nn

from inr.field.file import FieldDescription
from inr.lattice import Region
from inr.metric import ssim
from inr.raster import PixelFormat
from inr.signal._display import Metric
from inr.signal._image_file import SUFFIXES, native_image_suffix, pixel_format_of, write_image
from inr.signal._lattice_display import LatticeDisplay, similarity
from inr.signal._lattice_signal import LatticeSignal
from inr.signal._picture import TITLE, compare_images
from inr.signal._preview import PicturePreview, Preview
from inr.signal._units import Units, count_cells, growth, zero_of


class ImageDisplay(LatticeDisplay):
    """Measured by PSNR and SSIM, shown beside the target, written at the target's depth."""

    metrics = (*LatticeDisplay.metrics, Metric("ssim", "SSIM"))
    suffixes = SUFFIXES

    def format_of(self, signal: Any) -> dict[str, Any]:
        return asdict(signal.pixel_format)

    def units(self, description: FieldDescription) -> Units:
        pixels, edges = pixel_format_of(description), count_cells(description, "pixel", "pixel")
        return Units("pixel values", growth(pixels), edges, zero_of(pixels))

    def restore(self, values: np.ndarray, description: FieldDescription) -> np.ndarray:
        return pixel_format_of(description).restore(values)

    def measure(
        self,
        field: nn.Module,
        signal: LatticeSignal,
        rendering: Tensor,
        *,
        thorough: bool = False,
    ) -> dict[str, float]:
        """PSNR of all and of parts, what is exact, and ``ssim``."""
        metrics = super().measure(field, signal, rendering, thorough=thorough)
        return metrics | similarity(ssim, rendering, signal)

    def show(
        self,
        field: nn.Module,
        signal: LatticeSignal,
        rendering: Tensor,
        *,
        error_scale: float,
        max_pixels: int,
        thorough: bool = False,
    ) -> list[Preview]:
        """Target, reconstruction and error side by side."""
        row = compare_images(
            signal.values.view_as(rendering),
            rendering,
            signal.value_range,
            error_scale=error_scale,
            max_pixels=max_pixels,
        )
        return [PicturePreview(TITLE, row.numpy())]

    def pixel_format(self, description: FieldDescription) -> PixelFormat:
        return pixel_format_of(description)

    def native_suffix(self, description: FieldDescription) -> str:
        return native_image_suffix(description)

    def write(
        self,
        path: str | os.PathLike[str],
        field: nn.Module,
        description: FieldDescription,
        *,
        size: tuple[int, ...] | None = None,
        region: Region | None = None,
        progress: bool = False,
    ) -> None:
        write_image(path, field, description, size=size, region=region, progress=progress)
