"""A module in coordinates in which a preconditioned step is a plain gradient step."""

import copy
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from inr.taylor import shared_names


class RootBlock(NamedTuple):
    """The positive semidefinite square root of a preconditioner's block for one parameter.

    Attributes:
        side: How the root multiplies the parameter: ``entries`` one by one, ``rows`` as a matrix
            from the left, ``columns`` as a matrix from the right.
        root: For ``entries``, a tensor of the parameter's shape (a complex parameter has a last
            axis for its two parts). For a parameter ``(..., r, c)``, a symmetric matrix
            ``(..., r, r)`` for ``rows`` or ``(..., c, c)`` for ``columns``.
    """

    side: Literal["entries", "rows", "columns"]
    root: Tensor


class PreconditionedModule(nn.Module):
    r"""The function of a module at θ = θ₀ + S (θ' - θ₀), with the parameters θ'.

    θ' begins at θ₀, where the values are the module's own. The plain tangent kernel there is
    J S Sᵀ Jᵀ. Functions that take a module take this one like any other.

    Args:
        module: A module ``(n, ...) -> (n, ...)``, whose present parameters are θ₀. It is copied.
        roots: S = Sᵀ by name of the trainable parameters.
    """

    def __init__(self, module: nn.Module, roots: Mapping[str, RootBlock]) -> None:
        super().__init__()
        trained = {name: p for name, p in module.named_parameters() if p.requires_grad}
        sources = shared_names(module)
        self._sources = {name: first for name, first in sources.items() if first in trained}
        self._sides = [roots[name].side for name in trained]
        self._names = list(trained)
        self.origin = copy.deepcopy(module).requires_grad_(False)
        self.moving = nn.ParameterList(p.detach().clone() for p in trained.values())
        for number, name in enumerate(trained):
            self.register_buffer(f"root_{number}", roots[name].root)

    def forward(self, x: Tensor) -> Tensor:
        """The module's values at points, with the moved parameters."""
        starts = dict(self.origin.named_parameters())
        changes = {
            name: _Change(starts[name], parameter, side, getattr(self, f"root_{number}"))
            for number, (name, parameter, side) in enumerate(
                zip(self._names, self.moving, self._sides, strict=True)
            )
        }
        moved = {name: change.moved() for name, change in changes.items()}
        weights = {name: moved[first] for name, first in self._sources.items()}
        with _Factoring({id(moved[name]): change for name, change in changes.items()}):
            values: Tensor = functional_call(self.origin, weights, (x,), tie_weights=False)
        return values


class _Change(NamedTuple):
    """The map from a trained parameter θ' to the module's parameter θ."""

    start: Tensor
    moving: Tensor
    side: str
    root: Tensor

    def moved(self) -> Tensor:
        """The module's parameter."""
        change = self.moving - self.start
        if self.side == "rows":
            change = self.root @ change
        elif self.side == "columns":
            change = change @ self.root
        elif change.is_complex():
            change = torch.view_as_complex(self.root * torch.view_as_real(change))
        else:
            change = self.root * change
        return self.start + change

    def linear(self, inputs: Tensor, bias: Tensor | None) -> Tensor:
        """``functional.linear`` with the module's weight, by products with the trained one."""
        inner = inputs @ self.root if self.side == "columns" else inputs
        change = functional.linear(inner, self.moving) - functional.linear(inner, self.start)
        if self.side == "rows":
            change = change @ self.root
        return functional.linear(inputs, self.start, bias) + change


class _Factoring(TorchFunctionMode):
    """Multiplies by trained matrices directly, which structured kernels require of a layer.

    Args:
        changes: Changes by ``id`` of the module's parameters.
    """

    def __init__(self, changes: Mapping[int, _Change]) -> None:
        super().__init__()
        self._changes = changes

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is functional.linear:
            given = dict(zip(("input", "weight", "bias"), args, strict=False)) | (kwargs or {})
            change = self._changes.get(id(given["weight"]))
            if change is not None and change.side != "entries":
                return change.linear(given["input"], given.get("bias"))
        return func(*args, **(kwargs or {}))
