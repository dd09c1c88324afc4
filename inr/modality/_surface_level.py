"""Which value a field has on a surface, and on which side is inside."""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from inr.modality._mesh_file import Inside
from inr.render import evaluate

EVEN_ODDS = 0.5
# Edge of the cube in the units of a signed distance that is learnt from points (loss=siren_sdf).
SPAN = 2.0
CELLS = 16


class SurfaceLevel(NamedTuple):
    """A level set of a field's outputs.

    Attributes:
        value: On the surface.
        inside: Which side of it is inside.
    """

    value: float
    inside: Inside


def find_surface_level(
    field: nn.Module, kind: str, form: dict[str, Any], level: float | None = None
) -> SurfaceLevel:
    """What a surface is in terms of the field's outputs.

    Points without normals, or with normals that point inwards, do not say which side is outside,
    and the field may have taken the other one: outside is where the cube ends.

    Args:
        field: ``(n, 3) -> (n, 1)``.
        kind: ``shape`` or ``point_cloud``.
        form: What its description says of the kind.
        level: A probability of being inside, of an occupancy; of a distance, how far outside, in
            the units of what was fitted. None is the surface itself.

    Raises:
        ValueError: It is no probability.
    """
    if form["target"] == "occupancy":
        odds = EVEN_ODDS if level is None else level
        if not 0 < odds < 1:
            raise ValueError(
                f"--level is {odds:g}; expected a probability of being inside, between 0 and 1."
            )
        return SurfaceLevel(math.log(odds / (1 - odds)), "above")
    distance = form["scale"] * (level or 0.0)
    if kind != "point_cloud":
        return SurfaceLevel(distance, "below")
    distance *= SPAN
    is_turned = (evaluate(field, cube_faces()) < 0).float().mean() > 0.5
    return SurfaceLevel(0.0 - distance, "above") if is_turned else SurfaceLevel(distance, "below")


def cube_faces() -> Tensor:
    """Points spread over the six faces of the unit cube, ``(n, 3)``."""
    centres = (torch.arange(CELLS, dtype=torch.float64) + 0.5) / CELLS
    ends = torch.tensor([0.0, 1.0], dtype=torch.float64)
    faces = [torch.cartesian_prod(ends, centres, centres).roll(axis, 1) for axis in range(3)]
    return torch.cat(faces)
