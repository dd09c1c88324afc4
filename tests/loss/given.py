"""A field of given values, to measure losses on."""

import torch
from torch import Tensor, nn

from inr.batch import Batch


class GivenField(nn.Module):
    """Its values are given; its coordinates must be the batch's."""

    def __init__(self, coords: Tensor, values: Tensor) -> None:
        super().__init__()
        self.coords, self.values = coords, nn.Parameter(values)

    def forward(self, coords: Tensor) -> Tensor:
        assert coords is self.coords
        return self.values


def draw_case() -> tuple[GivenField, Batch]:
    """Random values and targets, for 9 points of 3 outputs."""
    generator = torch.Generator().manual_seed(0)
    coords = torch.rand(9, 2, generator=generator, dtype=torch.float64)
    prediction, values = torch.randn(2, 9, 3, generator=generator, dtype=torch.float64)
    return GivenField(coords, prediction), Batch(coords, values)


def make_case(prediction: list[float], values: list[float]) -> tuple[GivenField, Batch]:
    """Given values and targets of one output."""
    coords = torch.zeros(len(values), 1, dtype=torch.float64)
    field = GivenField(coords, torch.tensor(prediction, dtype=torch.float64)[:, None])
    return field, Batch(coords, torch.tensor(values, dtype=torch.float64)[:, None])
