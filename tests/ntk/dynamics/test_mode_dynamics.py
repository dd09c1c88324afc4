"""Modes of descent against closed forms in many digits, and against SGD."""

import math
from decimal import Decimal, localcontext

import pytest
import torch
from torch import Tensor

from inr.ntk import ModeDynamics, error_factors, max_lr
from inr.ntk.dynamics.mode_dynamics import mode_factors
from tests.tolerance import assert_close

NUM_VALUES = 6
LAMBDAS = [2.0, 0.7, 1e-3, 1e-8, 1e-14, 0.0]
LONG = [0, 1, 2, 5, 64, 1000, 99_999, 100_000, 10**9]


def exact(eigenvalue: float, lr: float, momentum: float, t: int) -> tuple[float, float]:
    """ρ and g in 80 digits, from the roots of the recursion's polynomial."""
    with localcontext() as context:
        context.prec = 80
        if t == 0:
            return 1.0, 0.0
        a, beta = Decimal(2 * lr / NUM_VALUES), Decimal(momentum)
        rate = a * Decimal(eigenvalue)
        if not rate:
            # 1 + (1 + β) + ... of the velocity.
            geometric = beta * (1 - beta**t) / (1 - beta) if beta else Decimal(0)
            return 1.0, float(a * (t - geometric) / (1 - beta))
        root = ((1 + beta - rate) ** 2 - 4 * beta).sqrt()
        first, second = (1 + beta - rate + root) / 2, (1 + beta - rate - root) / 2
        # ρ_0 = 1 and ρ_1 = 1 - x.
        share = (1 - rate - second) / (first - second)
        left = share * first**t + (1 - share) * second**t
        return float(left), float((1 - left) / Decimal(eigenvalue))


def train(lrs: list[float], momentum: float) -> Tensor:
    """Errors after each step of SGD, which start at 1: ``(T, m)``."""
    values = torch.tensor(LAMBDAS, dtype=torch.float64)
    error = torch.ones(len(LAMBDAS), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([error], lr=1.0, momentum=momentum)
    history = [error.detach().clone()]
    for lr in lrs:
        optimizer.param_groups[0]["lr"] = lr
        error.grad = 2 / NUM_VALUES * values * error.detach()
        optimizer.step()
        history.append(error.detach().clone())
    return torch.stack(history)


def double(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize(("lr", "momentum"), [(0.02, 0.0), (1.2, 0.0), (2.5, 0.0), (0.02, 0.6)])
def test_factors_and_gains_are_exact_after_any_number_of_steps(lr: float, momentum: float) -> None:
    # Real roots alone: others are in the recursion's test.
    values = [v for v in LAMBDAS if (1 + momentum - lr * v / 3) ** 2 >= 4 * momentum]
    factors = mode_factors(double(values), lr, NUM_VALUES, LONG, momentum)
    expected = double([[exact(v, lr, momentum, t) for v in values] for t in LONG])  # type: ignore[arg-type]
    assert (factors.errors - expected[..., 0]).abs().max() < 1e-14
    # Relative errors, also of small factors, and of gains in modes that hardly move.
    torch.testing.assert_close(factors.errors, expected[..., 0], rtol=1e-11, atol=1e-300)
    torch.testing.assert_close(factors.gains, expected[..., 1], rtol=1e-13, atol=0)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_factors_follow_sgd_at_a_constant_rate(momentum: float, share: float) -> None:
    lr = share * (1 - momentum) * max_lr(LAMBDAS[0], NUM_VALUES, beta1=momentum)
    factors = error_factors(double(LAMBDAS), lr, NUM_VALUES, range(301), momentum)
    assert_close(factors, train([lr] * 300, momentum))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_dynamics_follow_sgd_with_a_schedule(momentum: float) -> None:
    lrs = [0.3 * (1 + math.cos(0.05 * t)) + (0.2 if t > 20 else 0) for t in range(60)]
    lrs[7] = 0.0
    modes = ModeDynamics(double(LAMBDAS), torch.ones(len(LAMBDAS)), NUM_VALUES, momentum)
    columns = torch.tensor([1.0, -3.0])
    both = ModeDynamics(double(LAMBDAS), columns.repeat(6, 1), NUM_VALUES, momentum)
    for lr, expected in zip(lrs, train(lrs, momentum)[1:], strict=True):
        before = modes.errors
        modes.step(lr)
        both.step(lr)
        assert_close(modes.errors, expected)
        assert_close(both.errors, expected[:, None] * columns.double())
        assert_close(before - lr * modes.velocity, expected)


def test_dynamics_at_a_constant_rate_are_the_factors() -> None:
    start = double([3.0, -2.0, 1.0, 1.0, 1.0, -5.0])
    modes = ModeDynamics(double(LAMBDAS), start, NUM_VALUES, 0.8)
    for _ in range(37):
        modes.step(0.4)
    assert_close(modes.errors, start * error_factors(double(LAMBDAS), 0.4, NUM_VALUES, 37, 0.8)[0])


@pytest.mark.parametrize("momentum", [0.0, 0.7])
def test_flow_is_the_limit_of_small_steps(momentum: float) -> None:
    values = double([2.0, 0.7, 1e-8, 0.0])
    flow = mode_factors(values, 0.5, NUM_VALUES, [0.5, 4.0], momentum, flow=True)
    rates = 2 * 0.5 / NUM_VALUES * values / (1 - momentum)
    assert_close(flow.errors, torch.exp(-rates * double([[0.5], [4.0]])))  # type: ignore[list-item]
    # Gains of modes that do not move are the time itself.
    ages = 2 * 0.5 / NUM_VALUES / (1 - momentum) * double([0.5, 4.0])
    assert_close(flow.gains[:, 3], ages)
    assert_close(flow.gains[:, 2], ages * (1 - ages * 1e-8 / 2))
    assert_close(flow.gains[:, 0], (1 - flow.errors[:, 0]) / 2.0)
    gaps = []
    for count in (10**4, 10**5):
        steps = mode_factors(values, 0.5 / count, NUM_VALUES, [count // 2, 4 * count], momentum)
        gaps.append((steps.errors - flow.errors).abs().max().item())
    assert gaps[0] < 1e-3
    assert gaps[0] / gaps[1] == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_the_largest_rate_is_where_factors_stop_to_fall(momentum: float) -> None:
    limit = (1 - momentum) * max_lr(LAMBDAS[0], NUM_VALUES, beta1=momentum)
    below, above = (
        error_factors(double(LAMBDAS), share * limit, NUM_VALUES, [4001, 40_001], momentum)[:, 0]
        for share in (0.9999, 1.0001)
    )
    assert below[1].abs() < 0.1 * below[0].abs() < 1
    assert above[1].abs() > 10 * above[0].abs() > 1


def test_growth_beyond_all_numbers_is_infinite() -> None:
    factors = error_factors(double([4.0, 1.0]), 1.0, 2, [3, 10**6, math.inf], 0.0)
    assert factors[0, 0] == -27
    assert factors[1:, 0].tolist() == [math.inf] * 2
    assert factors[:, 1].tolist() == [0.0] * 3


def test_at_infinity_all_is_learned_but_for_zeros() -> None:
    values = double([2.0, 1e-12, 0.0, -1e-17])
    factors = mode_factors(values, 0.1, NUM_VALUES, math.inf)
    assert factors.errors.tolist() == [[0, 0, 1, 1]]
    assert_close(factors.gains, [[0.5, 1e12, 0, 0]])
    floored = mode_factors(values, 0.1, NUM_VALUES, math.inf, floor=1e-8)
    assert floored.gains.tolist() == [[0.5, 0, 0, 0]]
    ridged = mode_factors(values, 0.1, NUM_VALUES, math.inf, ridge=0.5, floor=1e-8)
    assert_close(ridged.gains, [[0.4, 2.0, 2.0, 2.0]])
    assert_close(ridged.errors, [[0.2, 1.0, 1.0, 1.0]])
    # Modes that oscillate without end have no limit.
    assert error_factors(values, 3.0, NUM_VALUES, [math.inf])[0].tolist() == [math.inf, 0, 1, 1]
    assert error_factors(values, 3.0, NUM_VALUES, [math.inf], 0.1)[0].tolist() == [0, 0, 1, 1]
    assert error_factors(values, 3.0, NUM_VALUES, [math.inf], flow=True)[0].tolist() == [0, 0, 1, 1]


def test_eigenvalues_that_rounding_made_negative_stay() -> None:
    assert error_factors(double([-1.0]), 1.0, 2, [5, 10**6]).tolist() == [[1.0], [1.0]]
    modes = ModeDynamics(double([-1.0]), torch.ones(1), 2)
    modes.step(1.0)
    assert modes.errors.tolist() == [1.0]


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        (-1, ValueError),
        (0.5, ValueError),
        (math.nan, ValueError),
        (2.0**60, ValueError),
        ([], ValueError),
        ([[1, 2]], ValueError),
        ("ten", TypeError),
        (None, TypeError),
    ],
)
def test_other_steps_are_rejected(steps: object, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"steps is .*; expected"):
        error_factors(double(LAMBDAS), 0.1, NUM_VALUES, steps)  # type: ignore[arg-type]


def test_fractions_of_steps_are_for_flow() -> None:
    assert error_factors(double([1.0]), 1.0, 2, 0.5, flow=True).item() == pytest.approx(
        math.exp(-0.5)
    )


@pytest.mark.parametrize("momentum", [-0.1, 1.0])
def test_a_momentum_out_of_range_is_rejected(momentum: float) -> None:
    with pytest.raises(ValueError, match="momentum is"):
        error_factors(double(LAMBDAS), 0.1, NUM_VALUES, 3, momentum)
    with pytest.raises(ValueError, match="momentum is"):
        ModeDynamics(double(LAMBDAS), torch.ones(6), NUM_VALUES, momentum)


def test_errors_of_other_modes_are_rejected() -> None:
    with pytest.raises(ValueError, match="expected one row for each eigenvalue"):
        ModeDynamics(double(LAMBDAS), torch.ones(5), NUM_VALUES)


@pytest.mark.parametrize("eigenvalues", [[1.0, math.nan], [math.inf, 1.0], [[1.0, 2.0]]])
def test_other_eigenvalues_are_rejected(eigenvalues: list[float]) -> None:
    with pytest.raises(ValueError, match=r"eigenvalues .*; expected"):
        error_factors(double(eigenvalues), 0.1, NUM_VALUES, 3)
    with pytest.raises(ValueError, match=r"eigenvalues? .*; expected|expected one row"):
        ModeDynamics(double(eigenvalues), torch.ones(2), NUM_VALUES)
