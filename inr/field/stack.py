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
    """Fields that begin as copies of one field and are trained together.

    An optimizer that treats each number by itself, or each of the F matrices of ``(F, r, c)`` by
    itself, steps each field as if it were alone.

    Args:
        field: Field that all fields begin as. It is copied.
        size: Number F of fields.

    Attributes:
        field: Field whose trained parameters have the shape ``(F, ...)``. All fields share the
            others.

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
        """A copy of one field, with parameters of its own.

        Args:
            number: Index of the field.
        """
        return _with_parameters(self.field, lambda p: p[number].clone())

    def parameters_by_name(self) -> dict[str, nn.Parameter]:
        """The stacked parameters, by their names in the field."""
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
    """``function(field, ...)`` for each of F fields, stacked.

    Args:
        field: Module with these parameters. All fields share its other parameters.
        parameters: Tensors ``(F, ...)`` by name, with the parameters of each field.
        function: Function of a field with its parameters, and of the field's entries of
            ``columns``. ``torch.func.vmap`` maps it; random draws in it are the same for all.
        columns: Tensors ``(F, ...)`` of further arguments.

    Returns:
        The results, stacked to ``(F, ...)``.
    """
    call = _Call(field, function)
    names = {n: first for n, first in shared_names(field).items() if first in parameters}

    def apply(weights: dict[str, Tensor], *columns: Tensor) -> Tensor:
        placed = {f"field.{name}": weights[first] for name, first in names.items()}
        result: Tensor = functional_call(call, placed, columns, tie_weights=False)
        return result

    weights = dict(parameters)
    if all(len(tensor) == 1 for tensor in (*weights.values(), *columns)):
        # A single field needs no vmap.
        return apply({n: w[0] for n, w in weights.items()}, *(c[0] for c in columns))[None]
    with StackedLinears():
        result: Tensor = vmap(apply, randomness="same")(weights, *columns)
    return result


class _Call(nn.Module):
    """A function of a field as a module, whose parameters ``functional_call`` can replace."""

    def __init__(self, field: nn.Module, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.field = field
        self.function = function

    def forward(self, *columns: Tensor) -> Tensor:
        return self.function(self.field, *columns)


def _with_parameters(field: nn.Module, change: Callable[[Tensor], Tensor]) -> nn.Module:
    """A copy of a field with changed values of the trained parameters."""
    changed: dict[int, Any] = {
        id(p): nn.Parameter(change(p.detach())) for p in field.parameters() if p.requires_grad
    }
    return copy.deepcopy(field, changed)
