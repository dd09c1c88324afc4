"""The kernel of what Adam steps."""

import copy

import pytest
import torch
from torch import nn, optim

from inr.ntk import empirical_ntk
from inr.ntk.preconditioner import adam_weighting
from tests.ntk.brute_force import jacobian
from tests.ntk.models import draw_points, make
from tests.tolerance import assert_close


def train(model: nn.Module, optimizer: optim.Optimizer, steps: int) -> None:
    x = draw_points(6, seed=2)
    for _ in range(steps):
        optimizer.zero_grad()
        (model(x) - 1).square().mean().backward()
        optimizer.step()


def assert_stepped_as_the_kernel_says(model: nn.Module, optimizer: optim.Optimizer) -> None:
    """Of a step with a learning rate of 1e-8 in the first group."""
    x = draw_points(6, seed=2)
    before = model(x).detach()
    stepped = copy.deepcopy(model)
    train(model, optimizer, 1)
    kernel = empirical_ntk(stepped, x, weighting=adam_weighting(optimizer, model))
    gradient = 2 / before.numel() * (before - 1)
    change = (model(x).detach() - before).flatten() / 1e-8
    # Differences of outputs over 1e-8 keep some seven digits.
    assert_close(change, -kernel @ gradient.flatten(), looser=1e3)


@pytest.mark.parametrize("kind", [optim.Adam, optim.AdamW])
def test_a_step_without_momentum_moves_outputs_by_the_preconditioned_kernel(
    kind: type[optim.Adam],
) -> None:
    model = make("smooth")
    optimizer = kind(model.parameters(), lr=1e-3, betas=(0.0, 0.99), weight_decay=0.0)
    train(model, optimizer, 5)
    # A step so small that the outputs change linearly.
    optimizer.param_groups[0]["lr"] = 1e-8
    assert_stepped_as_the_kernel_says(model, optimizer)


def test_the_weighting_is_read_from_the_second_moments() -> None:
    model, x = make("trainable frequencies"), draw_points(4)
    optimizer = optim.Adam(model.parameters(), lr=1e-3, betas=(0.9, 0.95), eps=1e-6)
    train(model, optimizer, 3)
    weighting = adam_weighting(optimizer, model)
    diagonal = torch.cat(
        [
            1 / ((optimizer.state[p]["exp_avg_sq"] / (1 - 0.95**3)).sqrt() + 1e-6).flatten()
            for p in model.parameters()
        ]
    )
    rows = jacobian(model, x)
    assert_close(empirical_ntk(model, x, weighting=weighting), (rows * diagonal) @ rows.T)


def test_groups_count_by_their_share_of_the_first_ones_rate() -> None:
    model = make("smooth")
    *first, last = model.parameters()
    groups = [{"params": first, "lr": 1e-3}, {"params": [last], "lr": 4e-3}]
    optimizer = optim.Adam(groups, betas=(0.0, 0.99))
    train(model, optimizer, 5)
    for group, lr in zip(optimizer.param_groups, (1e-8, 4e-8), strict=True):
        group["lr"] = lr
    assert_stepped_as_the_kernel_says(model, optimizer)


def test_a_schedule_that_has_come_down_to_zero_leaves_the_shares() -> None:
    model = make("smooth")
    *first, last = model.parameters()
    groups = [{"params": first, "lr": 1e-3}, {"params": [last], "lr": 4e-3}]
    optimizer = optim.Adam(groups)
    schedule = optim.lr_scheduler.LambdaLR(optimizer, lambda step: float(step < 1))
    train(model, optimizer, 1)
    before = adam_weighting(optimizer, model)
    schedule.step()
    assert optimizer.param_groups[1]["lr"] == 0
    after = adam_weighting(optimizer, model)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_complex_parameters_are_weighted_in_both_parts() -> None:
    model, x = make("a complex layer"), draw_points(4)
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    train(model, optimizer, 2)
    diagonal = torch.cat([w.flatten() for w in adam_weighting(optimizer, model).values()])
    rows = jacobian(model, x)
    assert len(diagonal) == rows.shape[1]
    kernel = empirical_ntk(model, x, weighting=adam_weighting(optimizer, model))
    assert_close(kernel, (rows * diagonal) @ rows.T)


def test_another_optimizer_is_refused_by_name() -> None:
    model = make("mlp")
    with pytest.raises(ValueError, match="SGD has no second moments; expected Adam"):
        adam_weighting(optim.SGD(model.parameters(), lr=1e-3), model)


def test_an_optimizer_without_a_step_is_refused() -> None:
    model = make("mlp")
    with pytest.raises(ValueError, match="Adam has no state for network"):
        adam_weighting(optim.Adam(model.parameters()), model)
