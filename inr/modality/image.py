"""Images."""

import os
from dataclasses import asdict
from typing import Any

import matplotlib
import torch
from torch import Tensor, nn

from inr.field_file import FieldDescription
from inr.lattice import Region
from inr.metric import ssim
from inr.modality._exhibit import Exhibit, Picture
from inr.modality._image_file import (
    SUFFIXES,
    native_image_suffix,
    pixel_format_of,
    write_image,
)
from inr.modality._lattice import LatticeModality, similarity
from inr.modality._modality import Reading
from inr.modality._units import Units, count_cells, growth
from inr.raster import PixelFormat
from inr.signal import ImageSignal, LatticeSignal

TITLE = "target | reconstruction | error"


class ImageModality(LatticeModality):
    """Measured by PSNR and SSIM, shown beside the target, written at the target's depth."""

    readings = (*LatticeModality.readings, Reading("ssim", "SSIM"))
    suffixes = SUFFIXES

    def format_of(self, signal: ImageSignal) -> dict[str, Any]:
        return asdict(signal.pixel_format)

    def units(self, description: FieldDescription) -> Units:
        factor = growth(pixel_format_of(description))
        return Units("pixel values", factor, count_cells(description, "pixel", "pixel"))

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
    ) -> list[Exhibit]:
        """Target, reconstruction and error side by side."""
        row = compare_images(
            signal.values.view_as(rendering),
            rendering,
            signal.value_range,
            error_scale=error_scale,
            max_pixels=max_pixels,
        )
        return [Picture(TITLE, row.numpy())]

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


def compare_images(
    target: Tensor,
    values: Tensor,
    value_range: tuple[float, float],
    *,
    error_scale: float,
    max_pixels: int,
) -> Tensor:
    """Target, reconstruction and error beside each other, thinned: ``(h, 3 w + gaps, 3)`` bytes.

    Args:
        target: ``(H, W, c)``.
        values: Likewise; clipped to the range.
        value_range: What is shown darkest and brightest.
        error_scale: The error, as a share of the range, that is shown brightest.
        max_pixels: Of one of the three, at most.
    """
    stride = 1
    while target[::stride, ::stride, 0].numel() > max_pixels:
        stride += 1
    lower, upper = value_range
    shown = [
        (part[::stride, ::stride].float().cpu().clamp(lower, upper) - lower) / (upper - lower)
        for part in (target, values)
    ]
    error = (shown[1] - shown[0]).abs().mean(-1) / error_scale
    heat = matplotlib.colormaps["magma"](error.clamp(0, 1).numpy())[..., :3]
    panels = [*(displayed(part) for part in shown), torch.from_numpy(heat).float()]
    gap = torch.ones(len(heat), 4, 3)
    row = [panels[0], gap, panels[1], gap, panels[2]]
    return (torch.cat(row, dim=1) * 255).round().byte()


def displayed(values: Tensor) -> Tensor:
    """``(H, W, C)`` values on [0, 1] as RGB, with alpha over white and other channels left out."""
    channels = values.shape[-1]
    color = values[..., :1].expand(*values.shape[:-1], 3) if channels < 3 else values[..., :3]
    if channels in (2, 4):
        alpha = values[..., -1:]
        color = alpha * color + (1 - alpha)
    return color.clamp(0, 1)
