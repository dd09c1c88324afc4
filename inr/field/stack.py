"""Many fields of one architecture at once."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call, vmap

from inr.argument import check_count
from inr.field.stacked_linear import StackedLinears
from inr.taylor import shared_names


class FieldStack(nn.Module):
    """Fields that begin as copies of one, with parameters that are trained together.

    Optimizers that step each number by itself, or the matrices of ``(F, r, c)`` each by itself,
    step each field as if it were alone.

    Args:
        field: What all begin as. It is copied.
        size: F, how many.

    Attributes:
        field: The field with trained parameters of shape ``(F, ...)``. Everything that is not
            trained is there once.

    Shape:
        ``(n, d) -> (n, F·c)``: the outputs of the first field, then those of the next.

    Example:
        >>> import torch
        >>> stack = FieldStack(nn.Linear(2, 3), 5)
        >>> stack(torch.rand(7, 2)).shape
        torch.Size([7, 15])
        >>> stack.member(4).weight.shape
        torch.Size([3, 2])
    """

    def __init__(self, field: nn.Module, size: int) -> None:
        super().__init__()
        self.size = check_count("size", size)
        self.field = _with_parameters(field, lambda p: p.expand(size, *p.shape).clone())

    def member(self, number: int) -> nn.Module:
        """A copy of one field, with gradients of its own."""
        return _with_parameters(self.field, lambda p: p[number].clone())

    def parameters_by_name(self) -> dict[str, nn.Parameter]:
        """The stacked ones, by their names in the field."""
        return {name: p for name, p in self.field.named_parameters() if p.requires_grad}

    def forward(self, coords: Tensor) -> Tensor:
        """Values of all fields at points: ``(n, d) -> (n, F·c)``."""
        values = map_fields(self.field, self.parameters_by_name(), lambda field: field(coords))
        return values.movedim(0, -2).flatten(-2)


def map_fields(
    field: nn.Module,
    parameters: Mapping[str, Tensor],
    function: Callable[..., Tensor],
    *columns: Tensor,
) -> Tensor:
    """``function(field, ...)`` of each of some fields, stacked.

    Args:
        field: A module with these parameters; what others it has are all fields'.
        parameters: ``(F, ...)`` each, by name.
        function: Takes the field with one's parameters, and what it has in the columns. It is
            mapped by ``torch.func.vmap``; its random draws are the same for all.
        columns: ``(F, ...)`` each.

    Returns:
        ``(F, ...)``.
    """
    call = _Call(field, function)
    names = {n: first for n, first in shared_names(field).items() if first in parameters}

    def apply(weights: dict[str, Tensor], *columns: Tensor) -> Tensor:
        placed = {f"field.{name}": weights[first] for name, first in names.items()}
        result: Tensor = functional_call(call, placed, columns, tie_weights=False)
        return result

    weights = dict(parameters)
    if all(len(tensor) == 1 for tensor in (*weights.values(), *columns)):
        # One alone needs no map.
        return apply({n: w[0] for n, w in weights.items()}, *(c[0] for c in columns))[None]
    with StackedLinears():
        result: Tensor = vmap(apply, randomness="same")(weights, *columns)
    return result


class _Call(nn.Module):
    """A function of a field as a module, whose parameters can be replaced for a call."""

    def __init__(self, field: nn.Module, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.field = field
        self.function = function

    def forward(self, *columns: Tensor) -> Tensor:
        return self.function(self.field, *columns)


def _with_parameters(field: nn.Module, change: Callable[[Tensor], Tensor]) -> nn.Module:
    """A copy with other values of the parameters that are trained."""
    changed: dict[int, Any] = {
        id(p): nn.Parameter(change(p.detach())) for p in field.parameters() if p.requires_grad
    }
    return copy.deepcopy(field, changed)
