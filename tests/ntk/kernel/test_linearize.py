"""The linear model that the kernel's theory is exact for."""

import pytest
import torch
from torch import nn

from inr.network import MLPNetwork, SirenNetwork
from inr.ntk import empirical_ntk, linearize, max_lr, predict
from tests.ntk.brute_force import jacobian
from tests.ntk.models import draw_points, make
from tests.tolerance import assert_close


def move(model: nn.Module) -> torch.Tensor:
    """Moves all parameters by random numbers, and returns the move as one vector."""
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


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("parameterization", ["standard", "ntk", "mean_field"])
@pytest.mark.parametrize("kind", [MLPNetwork, SirenNetwork])
def test_training_it_follows_the_prediction(
    kind: type[MLPNetwork] | type[SirenNetwork], parameterization: str, momentum: float
) -> None:
    torch.manual_seed(0)
    model = kind(2, 3, hidden_features=16, hidden_layers=2, parameterization=parameterization)
    x, x_test, y = (
        draw_points(6),
        draw_points(4, seed=1),
        draw_points(6, seed=2).repeat(1, 2)[:, :3],
    )
    model = model.double()
    kernel, cross = empirical_ntk(model, x), empirical_ntk(model, x_test, x)
    lr = 0.7 * max_lr(torch.linalg.eigvalsh(kernel)[-1].item(), y.numel())
    prediction = predict(
        kernel,
        y,
        model(x),
        lr=lr,
        steps=range(51),
        K_test=cross,
        f0_test=model(x_test),
        momentum=momentum,
    )
    linear = linearize(model)
    optimizer = torch.optim.SGD(linear.parameters(), lr=lr, momentum=momentum)
    assert prediction.test_outputs is not None
    for step in range(51):
        assert (linear(x) - prediction.outputs[step]).abs().max() < 1e-9
        assert (linear(x_test) - prediction.test_outputs[step]).abs().max() < 1e-9
        optimizer.zero_grad()
        (linear(x) - y).square().mean().backward()
        optimizer.step()
    assert prediction.losses[-1] < 0.5 * prediction.losses[0]


def test_its_parameters_are_the_models_own() -> None:
    model = make("mlp")
    assert [id(p) for p in linearize(model).parameters()] == [id(p) for p in model.parameters()]


class Tied(nn.Module):
    """Two layers with the same weights, and one that is used twice."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(2, 2), nn.Linear(2, 2)
        self.second.weight = self.first.weight
        self.again = self.second

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.again(self.second(self.first(x).tanh()).tanh())


def test_weights_that_are_used_twice_count_twice() -> None:
    model, x = Tied(), draw_points(5)
    # A conversion makes several tensors of a buffer that is used twice.
    linear = linearize(model).double()
    start, rows = model(x).detach(), jacobian(model, x)
    moved = move(model)
    assert_close(linear(x), start + (rows @ moved).view_as(start))
    assert len(list(linear.parameters())) == 3


def test_a_model_with_nothing_to_train_is_rejected() -> None:
    with pytest.raises(ValueError, match="Linear has no trainable parameters to expand in"):
        linearize(nn.Linear(2, 1).requires_grad_(False))
