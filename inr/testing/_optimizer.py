"""Promises of optimizers."""

import copy
import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn, optim

from inr.testing._require import require, require_rejection

MakeOptimizer = Callable[..., optim.Optimizer]


def optimizer_checks() -> tuple[Callable[[MakeOptimizer], None], ...]:
    """Checks of what every optimizer promises.

    Each takes a function of a module, with the option ``lr``, that makes an optimizer of it.
    """
    return (
        trains_trainable_parameters_alone,
        moves_against_the_gradient,
        goes_on_from_its_state_dict,
        rejects_rates_that_are_not_positive,
    )


class _Weights(nn.Module):
    """A trained matrix and vector, and a frozen vector."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 2)).double()
        self.frozen = nn.Parameter(torch.ones(3, dtype=torch.float64), requires_grad=False)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in self.layers.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator).double())

    def set_gradients(self, seed: int) -> None:
        """Gives every parameter, also the frozen one, a random gradient."""
        generator = torch.Generator().manual_seed(seed)
        for parameter in self.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator).double()

    def values(self) -> list[Tensor]:
        """The parameters at present."""
        return [parameter.detach().clone() for parameter in self.parameters()]


def trains_trainable_parameters_alone(make: MakeOptimizer) -> None:
    """The optimizer holds each trainable parameter once, and no other."""
    module = _Weights()
    module.set_gradients(0)
    optimizer = make(module, lr=0.1)
    held = [id(p) for group in optimizer.param_groups for p in group["params"]]
    require(
        sorted(held) == sorted(id(p) for p in module.layers.parameters()),
        make,
        f"holds {len(held)} parameters; expected the 6 trainable ones, each once",
    )
    before = module.values()
    optimizer.step()
    moved = [not torch.equal(a, b) for a, b in zip(before, module.values(), strict=True)]
    names = [name for name, _ in module.named_parameters()]
    trained = [name for name, is_moved in zip(names, moved, strict=True) if is_moved]
    require(
        trained == [name for name in names if name != "frozen"],
        make,
        f"steps {', '.join(trained) or 'nothing'}; expected all but frozen",
    )


def moves_against_the_gradient(make: MakeOptimizer) -> None:
    """A first step of every parameter has a negative product with its gradient."""
    module = _Weights()
    module.set_gradients(0)
    before = module.values()
    make(module, lr=0.1).step()
    for (name, parameter), start in zip(module.named_parameters(), before, strict=True):
        if parameter.requires_grad:
            assert parameter.grad is not None
            product = (parameter.grad * (parameter.detach() - start)).sum().item()
            require(product < 0, make, f"moves {name} along its gradient; expected against it")


def goes_on_from_its_state_dict(make: MakeOptimizer) -> None:
    """With the state of another optimizer, the next step is that of the other."""
    module = _Weights()
    optimizer = make(module, lr=0.1)
    for step in range(3):
        module.set_gradients(step)
        optimizer.step()
    twin = copy.deepcopy(module)
    resumed = make(twin, lr=0.1)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for each, its in ((module, optimizer), (twin, resumed)):
        each.set_gradients(3)
        its.step()
    require(
        all(torch.equal(a, b) for a, b in zip(module.values(), twin.values(), strict=True)),
        make,
        "makes another step after its state is loaded; expected all of its state there",
    )


def rejects_rates_that_are_not_positive(make: MakeOptimizer) -> None:
    """A learning rate of zero, below zero or of NaN raises ``ValueError``."""
    for lr in (0.0, -1.0, math.nan):
        require_rejection(make, partial(make, _Weights(), lr=lr), "lr", lr)
