"""The linear model that the kernel's theory is exact for."""

import pytest
import torch
from torch import nn

from inr.ntk import empirical_ntk, linearize
from tests.ntk.brute_force import jacobian
from tests.ntk.models import draw_points, make
from tests.tolerance import assert_close


def move(model: nn.Module) -> torch.Tensor:
    """Moves all parameters somewhere else; returns by how much, in one vector."""
    moves = []
    with torch.no_grad():
        for parameter in model.parameters():
            moves.append(torch.randn_like(parameter))
            parameter += moves[-1]
    return torch.cat([m.flatten() for m in moves])


@pytest.mark.parametrize("name", ["smooth", "mlp", "trainable frequencies"])
def test_it_is_linear_in_the_parameters_with_the_jacobian_of_the_start(name: str) -> None:
    model, x = make(name), draw_points(6)
    start, rows = model(x).detach(), jacobian(model, x)
    linear = linearize(model)
    torch.manual_seed(0)
    moved = move(model)
    assert_close(linear(x), start + (rows @ moved).view_as(start))


@pytest.mark.parametrize("name", ["smooth", "mlp"])
def test_its_kernel_stays_that_of_the_start(name: str) -> None:
    model, x = make(name), draw_points(6)
    kernel, linear = empirical_ntk(model, x), linearize(model)
    move(model)
    assert_close(empirical_ntk(linear, x), kernel)


def test_its_parameters_are_the_models_own() -> None:
    model = make("mlp")
    assert [id(p) for p in linearize(model).parameters()] == [id(p) for p in model.parameters()]


def test_a_model_with_nothing_to_train_is_refused() -> None:
    with pytest.raises(ValueError, match="Linear has no trainable parameters to expand in"):
        linearize(nn.Linear(2, 1).requires_grad_(False))
