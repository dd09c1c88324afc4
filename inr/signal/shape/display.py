"""Shapes: what is inside of a mesh, and how far from its surface."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from inr.batch import Batch
from inr.field.file import FieldDescription
from inr.field.rendering import evaluate
from inr.mesh import Mesh, SurfaceDistance, compare_meshes, draw_mesh, iou
from inr.signal._display import Metric
from inr.signal._surface_display import SurfaceDisplay
from inr.signal._surface_extraction import SurfaceLevel

if TYPE_CHECKING:
    from inr.signal.shape.signal import ShapeSignal

TEST_POINTS = 2**18
FEWER_TEST_POINTS = 2**14
TEST_SEED = 1_000_003
COMPARED_POINTS = 100_000
EVEN_ODDS = 0.5


class ShapeDisplay(SurfaceDisplay):
    """Measured by intersection over union too."""

    metrics = (
        Metric("iou", "IoU"),
        Metric("near_iou", "IoU near the surface"),
        *SurfaceDisplay.metrics,
    )

    def measure(
        self,
        field: nn.Module,
        signal: "ShapeSignal",
        rendering: Tensor,
        *,
        thorough: bool = False,
    ) -> dict[str, float]:
        """``iou`` at points anywhere in the mesh's box, and ``near_iou`` near the surface.

        Thoroughly at 2^18 points each, and 0.01 edges of the cube from the surface, as Tancik et
        al. 2020 do.
        """
        count = TEST_POINTS if thorough else FEWER_TEST_POINTS
        generator = np.random.default_rng(TEST_SEED)
        points = {
            "iou": signal.draw_uniform(count, generator, in_box=True),
            "near_iou": signal.draw_near(count, generator),
        }
        return {key: _overlap(field, signal, some) for key, some in points.items()}

    @torch.no_grad()
    def measure_batch(
        self, field: nn.Module, signal: "ShapeSignal", batch: Batch
    ) -> dict[str, float]:
        found = signal.is_inside(field(batch.coords))
        targets = batch.values > 0.5 if signal.target == "occupancy" else batch.values < 0
        return {"iou": iou(found.cpu().numpy(), targets.cpu().numpy())}

    def find_level(
        self, field: nn.Module, form: dict[str, Any], level: float | None = None
    ) -> SurfaceLevel:
        if form["target"] == "distance":
            return SurfaceLevel(form["scale"] * (level or 0.0), "below")
        odds = EVEN_ODDS if level is None else level
        if not 0 < odds < 1:
            raise ValueError(
                f"level is {odds:g}; expected a probability of being inside, between 0 and 1."
            )
        return SurfaceLevel(math.log(odds / (1 - odds)), "above")

    def decode(self, outputs: Tensor, description: FieldDescription) -> Tensor:
        """Probabilities of being inside, or distances in units of the mesh."""
        if description.format["target"] == "occupancy":
            return outputs.sigmoid()
        return super().decode(outputs, description)

    def draw_target(self, signal: "ShapeSignal", edge: int) -> np.ndarray:
        return draw_mesh(signal.mesh, edge)

    def compare(self, mesh: Mesh, signal: "ShapeSignal") -> SurfaceDistance:
        target = Mesh(signal.frame.to_mesh(signal.mesh.vertices), signal.mesh.faces)
        return compare_meshes(mesh, target, count=COMPARED_POINTS)


def _overlap(field: nn.Module, signal: "ShapeSignal", points: np.ndarray) -> float:
    outputs = evaluate(field, torch.from_numpy(points))
    return iou(signal.is_inside(outputs)[:, 0].cpu().numpy(), signal.contains(points))
