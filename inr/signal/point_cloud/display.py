"""Point clouds: the surface that they lie on."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from inr.field.rendering import evaluate
from inr.mesh import Mesh, SurfaceDistance, compare_points, draw_points, sample_surface
from inr.signal._display import Metric
from inr.signal._surface_display import SurfaceDisplay
from inr.signal._surface_extraction import SurfaceLevel

if TYPE_CHECKING:
    from inr.signal.point_cloud.signal import PointCloudSignal

TEST_POINTS = 2**14
COMPARED_POINTS = 100_000
CELLS = 16


class PointCloudDisplay(SurfaceDisplay):
    """Measured by the field's value on the points too, which is to be 0."""

    metrics = (
        Metric("surface_error", "value on the points", "{:.4g}"),
        *SurfaceDisplay.metrics,
    )
    # That of the loss siren_sdf, whose cube is [-1, 1]^3.
    span = 2.0

    def measure(
        self,
        field: nn.Module,
        signal: "PointCloudSignal",
        rendering: Tensor,
        *,
        thorough: bool = False,
    ) -> dict[str, float]:
        """``surface_error``, the mean size of the field's value on points of the cloud."""
        points = signal.near_surface(TEST_POINTS, seed=0).coords
        return {"surface_error": evaluate(field, points).abs().mean().item()}

    @torch.no_grad()
    def measure_batch(
        self, field: nn.Module, signal: "PointCloudSignal", batch: Any
    ) -> dict[str, float]:
        on_surface = batch.coords[batch.values[:, 0] > 0]
        return {"surface_error": field(on_surface).abs().mean().item()}

    def find_level(
        self, field: nn.Module, form: dict[str, Any], level: float | None = None
    ) -> SurfaceLevel:
        """The level set of the distance, with the outside where the cube ends.

        Points without normals, or with normals that point inwards, do not say which side is
        outside, and the field may have taken the other one.
        """
        distance = self.span * form["scale"] * (level or 0.0)
        is_turned = (evaluate(field, cube_faces()) < 0).float().mean() > 0.5
        if is_turned:
            return SurfaceLevel(0.0 - distance, "above")
        return SurfaceLevel(distance, "below")

    def draw_target(self, signal: "PointCloudSignal", edge: int) -> np.ndarray:
        normals = signal.normals.cpu().numpy() if signal.has_normals else None
        return draw_points(signal.points.cpu().numpy(), edge, normals=normals)

    def compare(self, mesh: Mesh, signal: "PointCloudSignal") -> SurfaceDistance:
        generator = np.random.default_rng(0)
        points, normals, _ = sample_surface(mesh, COMPARED_POINTS, generator)
        targets = signal.frame.to_mesh(signal.points.double().cpu().numpy())
        if not signal.has_normals:
            return compare_points(points, targets)
        return compare_points(points, targets, normals, signal.normals.double().cpu().numpy())


def cube_faces() -> Tensor:
    """Points spread over the six faces of the unit cube, ``(n, 3)``."""
    centres = (torch.arange(CELLS, dtype=torch.float64) + 0.5) / CELLS
    ends = torch.tensor([0.0, 1.0], dtype=torch.float64)
    faces = [torch.cartesian_prod(ends, centres, centres).roll(axis, 1) for axis in range(3)]
    return torch.cat(faces)
