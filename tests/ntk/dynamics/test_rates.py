"""Rates against descent that is carried out."""

import math

import pytest
import torch
from torch import Tensor

from inr.ntk.dynamics.rates import decay_rates, log_decays, max_lr, steps_to_learn
from tests.tolerance import assert_close

NUM_VALUES = 12
LAMBDAS = torch.tensor([5.0, 2.0, 0.3, 0.01], dtype=torch.float64)


def descend(lr: float, steps: int, beta1: float = 0.0) -> Tensor:
    """Errors of the modes of a mean squared error, each 1 at first."""
    error, mean = torch.ones(len(LAMBDAS), dtype=torch.float64), torch.zeros(len(LAMBDAS))
    for _ in range(steps):
        gradient = 2 / NUM_VALUES * LAMBDAS * error
        mean = beta1 * mean + (1 - beta1) * gradient
        error = error - lr * mean
    return error


@pytest.mark.parametrize("beta1", [0.0, 0.5, 0.9])
def test_the_largest_rate_is_where_the_first_mode_stops_decaying(beta1: float) -> None:
    limit = max_lr(5.0, NUM_VALUES, beta1=beta1)
    assert descend(0.99 * limit, 3000, beta1).abs().max() < 1
    assert descend(1.01 * limit, 3000, beta1).abs().max() > 10


@pytest.mark.parametrize("momentum", [0.5, 0.9])
def test_the_largest_rate_of_a_sum_of_gradients_is_that_of_their_average_times_their_share(
    momentum: float,
) -> None:
    limit = max_lr(5.0, NUM_VALUES, momentum=momentum)
    # The sum is the average divided by 1 - β.
    assert descend(0.99 * limit / (1 - momentum), 3000, momentum).abs().max() < 1
    assert descend(1.01 * limit / (1 - momentum), 3000, momentum).abs().max() > 10
    with pytest.raises(ValueError, match="momentum is 1; expected a number from 0 to below 1"):
        max_lr(5.0, NUM_VALUES, momentum=1)


def test_a_kernel_of_zeros_has_no_largest_rate() -> None:
    assert max_lr(0.0, NUM_VALUES) == math.inf


def test_a_step_takes_off_its_share() -> None:
    assert_close(1 - decay_rates(LAMBDAS, 0.7, NUM_VALUES), descend(0.7, 1))


def test_the_logarithm_falls_as_that_of_the_errors() -> None:
    assert_close(log_decays(LAMBDAS, 0.7, NUM_VALUES), -descend(0.7, 9).abs().log() / 9)
    # Includes a small rate, whose digits must stay, and rates that overshoot.
    small = log_decays(torch.tensor([6e-18], dtype=torch.float64), 1.0, NUM_VALUES)
    assert small.item() == pytest.approx(1e-18, rel=1e-12)
    overshooting = log_decays(torch.tensor([9.0, 18.0]).double(), 1.0, NUM_VALUES)
    assert_close(overshooting, [math.log(2), -math.log(2)])


def test_the_steps_to_learn_leave_a_hundredth() -> None:
    lr = 0.5
    steps = steps_to_learn(LAMBDAS, lr, NUM_VALUES)
    factors = 1 - lr * 2 / NUM_VALUES * LAMBDAS
    assert_close(factors.abs() ** steps, torch.full((4,), 0.01, dtype=torch.float64))
    # The slowest, carried out.
    count = math.ceil(steps[-1].item())
    assert descend(lr, count)[-1] <= 0.01 < descend(lr, count - 1)[-1]


def test_modes_that_overshoot_are_learned_by_the_size_of_their_factor() -> None:
    # A factor of -1/2.
    steps = steps_to_learn(torch.tensor([9.0], dtype=torch.float64), 1.0, NUM_VALUES, fraction=0.5)
    assert_close(steps, [1.0])


def test_modes_that_stay_or_grow_are_never_learned() -> None:
    steps = steps_to_learn(torch.tensor([0.0, -1e-3, 12.0, 13.0]), 1.0, NUM_VALUES)
    assert steps.tolist() == [math.inf] * 4
    assert steps_to_learn(torch.tensor([6.0]), 1.0, NUM_VALUES).tolist() == [0.0]


@pytest.mark.parametrize("fraction", [0.0, 1.0, 99.0])
def test_a_fraction_out_of_range_is_rejected(fraction: float) -> None:
    with pytest.raises(ValueError, match="expected a number between 0 and 1"):
        steps_to_learn(LAMBDAS, 1.0, NUM_VALUES, fraction=fraction)


@pytest.mark.parametrize("beta1", [-0.1, 1.0])
def test_a_momentum_out_of_range_is_rejected(beta1: float) -> None:
    with pytest.raises(ValueError, match=r"beta1 is .*; expected a number from 0 to below 1"):
        max_lr(1.0, NUM_VALUES, beta1=beta1)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_largest_rate_of_sgd_is_without_the_factor_of_the_average(momentum: float) -> None:
    limit = (1 - momentum) * max_lr(5.0, NUM_VALUES, beta1=momentum)
    for factor, grows in ((0.99, False), (1.01, True)):
        error = torch.ones(1, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.SGD([error], lr=factor * limit, momentum=momentum)
        for _ in range(1000):
            error.grad = 2 / NUM_VALUES * 5.0 * error.detach()
            optimizer.step()
        assert (error.abs().item() > 10) is grows


def test_descent_on_a_mean_squared_error_decays_at_the_rates_of_its_kernel() -> None:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(4, 6, generator=generator, dtype=torch.float64)
    target = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    weight = torch.zeros(6, 3, dtype=torch.float64, requires_grad=True)
    # The kernel is the same for every output, and so is their mean.
    values, vectors = torch.linalg.eigh(inputs @ inputs.T)
    lr = 0.9 * max_lr(values[-1].item(), target.numel())
    optimizer = torch.optim.SGD([weight], lr=lr)
    for _ in range(5):
        optimizer.zero_grad()
        (inputs @ weight - target).square().mean().backward()
        optimizer.step()
    error = vectors.T @ (inputs @ weight - target).detach()
    factors = (1 - decay_rates(values, lr, target.numel())) ** 5
    assert factors.min() < 0
    assert_close(error, -factors[:, None] * (vectors.T @ target))
