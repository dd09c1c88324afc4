"""Volumes."""

import os
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor, nn

from inr.field.file import FieldDescription
from inr.field.rendering import render_slabs
from inr.lattice import Region
from inr.mesh import Mesh
from inr.metric import ssim_3d
from inr.progress import with_bar
from inr.raster import PixelFormat
from inr.signal._display import Metric
from inr.signal._lattice_display import LatticeDisplay, similarity
from inr.signal._lattice_signal import LatticeSignal
from inr.signal._picture import colored, compare_images, stack
from inr.signal._preview import PicturePreview, Preview
from inr.signal._surface_extraction import extract_field
from inr.signal._units import Edge, Units, growth, zero_of
from inr.signal.volume.surface import PhysicalField, to_world
from inr.signal.volume.volume_format import Container, VolumeFormat
from inr.signal.volume.write import SUFFIXES, write_slabs

if TYPE_CHECKING:
    from inr.signal.volume.signal import VolumeSignal

TITLE = "target | reconstruction | error: slices z, y, x and maximum"


class VolumeDisplay(LatticeDisplay):
    """Measured by PSNR and SSIM, shown by slices, written in the format that came in."""

    metrics = (*LatticeDisplay.metrics, Metric("ssim", "SSIM"))
    suffixes = tuple(SUFFIXES)
    has_surface = True

    def format_of(self, signal: "VolumeSignal") -> dict[str, Any]:
        return asdict(signal.volume_format)

    def units(self, description: FieldDescription) -> Units:
        form = VolumeFormat.from_plain(description.format)
        steps, unit = voxel_edges(form.container)
        cells = description.lattice[::-1]
        edges = [Edge(count * step, unit) for count, step in zip(cells, steps, strict=True)]
        container, pixels = form.container, form.pixel_format
        zero = container.intercept + container.slope * zero_of(pixels)
        return Units("voxel values", container.slope * growth(pixels), edges, zero)

    def restore(self, values: np.ndarray, description: FieldDescription) -> np.ndarray:
        return VolumeFormat.from_plain(description.format).restore(values)

    def pixel_format(self, description: FieldDescription) -> PixelFormat:
        return VolumeFormat.from_plain(description.format).pixel_format

    def measure(
        self,
        field: nn.Module,
        signal: LatticeSignal,
        rendering: Tensor,
        *,
        thorough: bool = False,
    ) -> dict[str, float]:
        """PSNR of all and of parts, what is exact, and thoroughly ``ssim`` over the volume."""
        metrics = super().measure(field, signal, rendering, thorough=thorough)
        if not thorough:
            return metrics
        return metrics | similarity(ssim_3d, rendering, signal)

    def show(
        self,
        field: nn.Module,
        signal: "VolumeSignal",
        rendering: Tensor,
        *,
        error_scale: float,
        max_pixels: int,
        thorough: bool = False,
    ) -> list[Preview]:
        """The middle slices along z, y and x and the greatest values along z, below each other."""
        views = zip(project(signal.values.view_as(rendering)), project(rendering), strict=True)
        rows = [
            compare_images(
                colored(target),
                colored(found),
                signal.value_range,
                error_scale=error_scale,
                max_pixels=max_pixels // 4,
            )
            for target, found in views
        ]
        return [PicturePreview(TITLE, stack(rows).numpy())]

    def native_suffix(self, description: FieldDescription) -> str:
        return VolumeFormat.from_plain(description.format).container.suffix

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
        """Writes voxels, slab by slab, with spacing and place in the world as they were."""
        form = VolumeFormat.from_plain(description.format)
        shape = size or description.lattice
        if (shape, region) != (description.lattice, None):
            lower, upper = region or (3 * (0.0,), 3 * (1.0,))
            container = form.container.resampled(description.lattice, shape, lower, upper)
            form = replace(form, container=container)
        depth, height, width = shape
        slabs = with_bar(render_slabs(field, shape, region=region), depth, shown=progress)
        write_slabs(
            path,
            (depth, height, width, description.out_features),
            map(form.restore, slabs),
            form,
        )

    def extract_surface(
        self,
        field: nn.Module,
        description: FieldDescription,
        shape: tuple[int, int, int],
        level: float | None = None,
        *,
        progress: bool = False,
    ) -> Mesh:
        form = VolumeFormat.from_plain(description.format)
        physical = PhysicalField(field, form)
        middle = sum(physical.ends) / 2 if level is None else level
        mesh = extract_field(physical, shape, middle, "above", progress=progress)
        return to_world(mesh, description.lattice, form)


def voxel_edges(container: Container) -> tuple[list[float], str]:
    """Distances of neighbouring voxels along x, y and z, and what they are in."""
    known = []
    if container.affine is not None:
        known.append(np.linalg.norm(np.array(container.affine)[:3, :3], axis=0).tolist())
    if container.spacing is not None:
        known.append(list(container.spacing))
    for steps in known:
        if min(steps) > 0 and np.isfinite(steps).all():
            return steps, container.unit or "unit of length"
    return [1.0, 1.0, 1.0], "voxel"


def project(values: Tensor) -> list[Tensor]:
    """The middle slices along z, y and x, and the maximum along z, of ``(D, H, W, c)`` values."""
    depth, height, width = values.shape[:3]
    return [
        values[depth // 2],
        values[:, height // 2],
        values[:, :, width // 2],
        values.amax(0),
    ]
