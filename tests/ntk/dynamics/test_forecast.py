"""A forecast against real training of what it is exact for."""

import copy

import pytest
import torch
from torch import Tensor, nn

from inr.ntk import Forecast, empirical_ntk, linearize
from inr.optimizer import adam_weighting
from tests.ntk.models import make
from tests.tolerance import assert_close

RATES = [0.1, 0.1, 0.05, 0.2, 0.2, 0.15, 0.1, 0.3]


def draw(n: int, seed: int) -> Tensor:
    return torch.rand(n, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def descend(model: nn.Module, x: Tensor, y: Tensor, rates: list[float], momentum: float) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=momentum)
    for lr in rates:
        optimizer.param_groups[0]["lr"] = lr
        optimizer.zero_grad()
        (model(x) - y).square().mean().backward()
        optimizer.step()


@pytest.mark.parametrize("momentum", [0.0, 0.8])
def test_training_a_linearized_field_is_as_forecast_at_each_rate(momentum: float) -> None:
    field, x, elsewhere = make("smooth"), draw(7, 0), draw(5, 1)
    y = torch.sin(3 * draw(7, 2).repeat(1, 2)[:, : field(x).shape[1]])
    forecast = Forecast(field, x, y, elsewhere=elsewhere, momentum=momentum)
    model = linearize(field)
    descend(model, x, y, RATES, momentum)
    for lr in RATES:
        forecast.step(lr)
    residual = model(x) - y
    assert_close(forecast.mode_errors, forecast.project(residual))
    assert_close(forecast.restore(forecast.mode_errors), residual)
    assert_close(forecast.loss, residual.square().mean())
    # Through a division by eigenvalues down to 1e-4 of the largest.
    assert_close(forecast.outputs(), model(elsewhere), looser=1e2)


def test_without_other_points_it_forecasts_the_training_points() -> None:
    field, x = make("smooth"), draw(6, 0)
    y = torch.zeros_like(field(x))
    forecast = Forecast(field, x, y)
    assert_close(forecast.outputs(), field(x))
    for lr in RATES:
        forecast.step(lr)
    assert_close(forecast.outputs(), y + forecast.restore(forecast.mode_errors))


def test_the_limit_is_the_smallest_move_of_the_parameters_that_fits() -> None:
    field, x, elsewhere = make("smooth"), draw(6, 0), draw(4, 1)
    y = torch.cos(field(x).detach())
    forecast = Forecast(field, x, y, elsewhere=elsewhere)
    rows = [jacobian(field, points) for points in (x, elsewhere)]
    move = torch.linalg.pinv(rows[0]) @ (y - field(x)).flatten()
    expected = field(elsewhere) + (rows[1] @ move).view(4, -1)
    # Through a division by eigenvalues down to 2e-4 of the largest.
    assert_close(forecast.limit(), expected, looser=1e2)


def jacobian(field: nn.Module, x: Tensor) -> Tensor:
    parameters = list(field.parameters())
    rows = []
    for value in field(x).flatten():
        slopes = torch.autograd.grad(value, parameters, retain_graph=True)
        rows.append(torch.cat([s.flatten() for s in slopes]))
    return torch.stack(rows)


def test_modes_without_eigenvalue_stay_and_are_counted() -> None:
    """Five points of a line with two parameters."""
    field, x = nn.Linear(2, 1, bias=False).double(), draw(5, 0)
    y = torch.ones(5, 1, dtype=torch.float64)
    elsewhere = draw(4, 1)
    forecast = Forecast(field, x, y, elsewhere=elsewhere)
    assert forecast.num_null == 3
    before = forecast.mode_errors
    for lr in RATES:
        forecast.step(lr)
    assert torch.equal(forecast.mode_errors[2:], before[2:])
    solution = torch.linalg.lstsq(x, y).solution
    assert_close(forecast.limit(), elsewhere @ solution)
    assert_close(Forecast(field, x, y).limit(), x @ solution)


def test_a_weighting_is_that_of_the_preconditioned_kernel() -> None:
    field, x = make("smooth"), draw(6, 0)
    y = torch.zeros_like(field(x)).detach()
    optimizer = torch.optim.Adam(field.parameters(), lr=1e-3)
    (field(x) - y).square().mean().backward()
    optimizer.step()
    weighting = adam_weighting(optimizer, field)
    elsewhere = draw(3, 1)
    kernel = empirical_ntk(field, x, weighting=weighting)
    cross = empirical_ntk(field, elsewhere, x, weighting=weighting)
    forecast = Forecast(field, x, y, elsewhere=elsewhere, weighting=weighting)
    assert_close(forecast.eigenvalues, torch.linalg.eigvalsh(kernel).flip(0), looser=1e3)
    forecast.step(1e-3)
    residual = (field(x) - y).flatten()
    stepped = residual - 1e-3 * 2 / residual.numel() * kernel @ residual
    assert_close(forecast.restore(forecast.mode_errors).flatten(), stepped)
    moved = field(elsewhere).flatten() - 1e-3 * 2 / residual.numel() * cross @ residual
    # Through a division by eigenvalues down to 1e-4 of the largest.
    assert_close(forecast.outputs().flatten(), moved, looser=1e2)


def test_a_forecast_goes_on_from_its_state() -> None:
    field, x = make("smooth"), draw(6, 0)
    y = torch.zeros_like(field(x))
    whole, first, second = (Forecast(copy.deepcopy(field), x, y, momentum=0.9) for _ in range(3))
    for lr in RATES:
        whole.step(lr)
    for lr in RATES[:4]:
        first.step(lr)
    second.load_state_dict(first.state_dict())
    for lr in RATES[4:]:
        second.step(lr)
    assert_close(second.mode_errors, whole.mode_errors)


def test_values_of_another_shape_are_rejected() -> None:
    with pytest.raises(ValueError, match=r"values have shape \(4, 1\); expected \(4, 2\)"):
        Forecast(nn.Linear(2, 2).double(), draw(4, 0), torch.zeros(4, 1))
