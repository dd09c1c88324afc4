"""The promises of optimizers, and that their checks name an optimizer that breaks one."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn, optim

from inr.optimizer import sgd
from inr.testing import optimizer_checks
from tests.members import members
from tests.optimizer.descent import START, Weights

MakeOptimizer = Callable[..., optim.Optimizer]


@pytest.mark.parametrize("check", optimizer_checks())
@pytest.mark.parametrize("member", members("optimizer"))
def test_every_optimizer_keeps_the_contract(
    member: MakeOptimizer, check: Callable[[MakeOptimizer], None]
) -> None:
    check(member)


@pytest.mark.parametrize("member", members("optimizer"))
def test_a_vector_is_stepped_as_far_as_adam_would(member: MakeOptimizer) -> None:
    module = Weights()
    module.trained.grad = torch.ones(3, dtype=torch.float64)
    member(module, lr=0.1).step()
    # Muon leaves a vector to Adam, at Adam's rate.
    assert (module.trained < START - 0.004).all()


def greedy(module: nn.Module, *, lr: float) -> optim.Optimizer:
    """Holds parameters that are not trained."""
    sgd(module, lr=lr)
    return optim.SGD(module.parameters(), lr=lr)


class Climbing(optim.SGD):
    """Goes up the gradient."""

    def __init__(self, module: nn.Module, *, lr: float) -> None:
        super().__init__(sgd(module, lr=lr).param_groups)
        self.param_groups[0]["maximize"] = True


class Forgetful(optim.SGD):
    """Has a momentum that its state dict leaves out."""

    def __init__(self, module: nn.Module, *, lr: float) -> None:
        super().__init__(sgd(module, lr=lr, momentum=0.9).param_groups)

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "state": {}}


def tolerant(module: nn.Module, *, lr: float) -> optim.Optimizer:
    """Takes any learning rate."""
    return optim.SGD([p for p in module.parameters() if p.requires_grad], lr=abs(lr))


BROKEN = [
    (greedy, "trains_trainable_parameters_alone", "holds 7 parameters; expected the 6 trainable"),
    (Climbing, "moves_against_the_gradient", "moves layers.0.weight along its gradient"),
    (Forgetful, "goes_on_from_its_state_dict", "makes another step after its state is loaded"),
    (tolerant, "rejects_rates_that_are_not_positive", "takes lr=0.0; expected ValueError"),
]


def test_every_check_has_an_optimizer_that_breaks_its_promise() -> None:
    assert [check.__name__ for check in optimizer_checks()] == [name for _, name, _ in BROKEN]


@pytest.mark.parametrize(("broken", "name", "sentence"), BROKEN)
def test_the_check_names_a_broken_promise(broken: MakeOptimizer, name: str, sentence: str) -> None:
    for check in optimizer_checks():
        if check.__name__ != name:
            check(broken)
        else:
            with pytest.raises(AssertionError, match=rf"^{broken.__name__} .*{sentence}"):  # type: ignore[attr-defined]
                check(broken)
