"""Fields that are made of another field."""

import warnings
from collections.abc import Mapping

import torch
from torch import Tensor, nn


class SliceField(nn.Module):
    """A field with some of its coordinates held: such as a plane through a volume.

    Args:
        field: ``(n, d) -> (n, c)``.
        held: Values by the coordinate's number: 0 is x.

    Shape:
        ``(n, d - len(held)) -> (n, c)``, the other coordinates in their order.
    """

    def __init__(self, field: nn.Module, held: Mapping[int, float]) -> None:
        super().__init__()
        self.field = field
        self.held = dict(sorted(held.items()))

    def forward(self, coords: Tensor) -> Tensor:
        columns = list(coords.unbind(-1))
        for number, value in self.held.items():
            columns.insert(number, torch.full_like(coords[..., 0], value))
        return self.field(torch.stack(columns, dim=-1))


class GradientField(nn.Module):
    """The derivatives of a field in its coordinates, by forward differentiation.

    Args:
        field: ``(n, d) -> (n, c)``.

    Shape:
        ``(n, d) -> (n, c d)``: of the first output in x, in y, ..., then of the next. Per unit of
        coordinate.
    """

    def __init__(self, field: nn.Module) -> None:
        super().__init__()
        self.field = field

    def forward(self, coords: Tensor) -> Tensor:
        directions = torch.eye(coords.shape[-1], dtype=coords.dtype, device=coords.device)
        with warnings.catch_warnings():
            # PyTorch's own, where it prepares forward differentiation.
            warnings.simplefilter("ignore", DeprecationWarning)
            columns = [
                torch.func.jvp(self.field, (coords,), (direction.expand_as(coords),))[1]
                for direction in directions
            ]
        return torch.stack(columns, dim=-1).flatten(-2)
