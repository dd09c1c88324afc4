"""Point clouds: the surface that they lie on."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inr.mesh import Mesh, SurfaceDistance, compare_points, draw_points, sample_surface
from inr.modality._modality import Reading
from inr.modality._surface import SurfaceModality
from inr.render import evaluate
from inr.signal import PointCloudSignal

TEST_POINTS = 2**14
COMPARED_POINTS = 100_000


class PointCloudModality(SurfaceModality):
    """Measured by the field's value on the points too, which is to be 0."""

    readings = (
        Reading("surface_error", "value on the points", "{:.4g}"),
        *SurfaceModality.readings,
    )

    def measure(
        self,
        field: nn.Module,
        signal: PointCloudSignal,
        rendering: Tensor,
        *,
        thorough: bool = False,
    ) -> dict[str, float]:
        """``surface_error``, the mean size of the field's value on points of the cloud."""
        points = signal.near_surface(TEST_POINTS, seed=0).coords
        return {"surface_error": evaluate(field, points).abs().mean().item()}

    @torch.no_grad()
    def measure_batch(
        self, field: nn.Module, signal: PointCloudSignal, batch: Any
    ) -> dict[str, float]:
        on_surface = batch.coords[batch.values[:, 0] > 0]
        return {"surface_error": field(on_surface).abs().mean().item()}

    def draw_target(self, signal: PointCloudSignal, edge: int) -> np.ndarray:
        normals = signal.normals.cpu().numpy() if signal.has_normals else None
        return draw_points(signal.points.cpu().numpy(), edge, normals=normals)

    def compare(self, mesh: Mesh, signal: PointCloudSignal) -> SurfaceDistance:
        generator = np.random.default_rng(0)
        points, normals, _ = sample_surface(mesh, COMPARED_POINTS, generator)
        targets = signal.frame.to_mesh(signal.points.double().cpu().numpy())
        if not signal.has_normals:
            return compare_points(points, targets)
        return compare_points(points, targets, normals, signal.normals.double().cpu().numpy())
