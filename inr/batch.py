"""Batches: the points that a sampler draws and a loss reads."""

from typing import NamedTuple

from jaxtyping import Float, Int
from torch import Tensor, nn


class Batch(NamedTuple):
    """Points of a signal with the values it takes there.

    Attributes:
        coords: ``(n, d)``, in the unit cube.
        values: ``(n, c)``, in the signal's normalised range.
        index: ``(n,)`` int64, flat positions in the signal's lattice; None when they are on none.
        features: ``(n, m)``, the encoding's values at the points where they are precomputed.
    """

    coords: Float[Tensor, "n d"]
    values: Float[Tensor, "n c"]
    index: Int[Tensor, " n"] | None = None  # type: ignore[assignment]  # not that of a tuple
    features: Float[Tensor, "n m"] | None = None

    def outputs_of(self, field: nn.Module) -> Tensor:
        """Outputs of a field at the points, ``(n, c)``: from their features, where they are known.

        A loss that differentiates in the coordinates calls the field itself.
        """
        return field(self.coords) if self.features is None else field(features=self.features)


class SurfaceBatch(NamedTuple):
    """Points on a surface and off it.

    Attributes:
        coords: ``(n, 3)``, in the unit cube.
        values: ``(n, 1)``, 1 on the surface and 0 off it.
        index: None: they are on no lattice.
        normals: ``(n, 3)`` unit vectors, pointing out; zero where there is none.
    """

    coords: Float[Tensor, "n 3"]
    values: Float[Tensor, "n 1"]
    index: None  # type: ignore[assignment]  # not that of a tuple
    normals: Float[Tensor, "n 3"]
