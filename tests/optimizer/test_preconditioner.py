"""The preconditioners of Adam and Muon."""

import copy

import pytest
import torch
from torch import nn, optim

from inr.ntk import empirical_ntk
from inr.optimizer import muon
from inr.optimizer._orthogonalize import orthogonalize
from inr.optimizer._preconditioner import adam_weighting, preconditioner_roots
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


def test_with_amsgrad_it_is_read_from_the_largest_second_moments() -> None:
    model = nn.Linear(1, 1, bias=False).double()
    optimizer = optim.Adam(model.parameters(), lr=1e-3, betas=(0.9, 0.5), eps=0.0, amsgrad=True)
    for gradient in (4.0, 0.0):
        model.weight.grad = torch.full_like(model.weight, gradient)
        optimizer.step()
    # The moments were 8 and 4, of which the first was the largest.
    expected = [[((1 - 0.5**2) / 8) ** 0.5]]
    assert_close(adam_weighting(optimizer, model)["weight"], expected)


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


def test_another_optimizer_is_rejected_by_name() -> None:
    model = make("mlp")
    with pytest.raises(ValueError, match="SGD has no second moments of all parameters"):
        adam_weighting(optim.SGD(model.parameters(), lr=1e-3), model)


def test_an_optimizer_without_a_step_is_rejected() -> None:
    model = make("mlp")
    with pytest.raises(ValueError, match="Adam has no state for network"):
        adam_weighting(optim.Adam(model.parameters()), model)


def hidden_layers(shape: tuple[int, int]) -> nn.Module:
    """A matrix of that shape, between others."""
    torch.manual_seed(0)
    model = nn.Sequential(
        *(nn.Linear(2, shape[1]), nn.Tanh(), nn.Linear(shape[1], shape[0]), nn.Tanh()),
        nn.Linear(shape[0], 3),
    )
    return model.double()


@pytest.mark.parametrize("shape", [(5, 8), (8, 5), (6, 6)])
def test_muon_multiplies_its_mean_of_gradients_by_the_square_of_the_root(
    shape: tuple[int, int],
) -> None:
    model = hidden_layers(shape)
    optimizer = muon(model)
    train(model, optimizer, 3)
    weight = model[2].weight
    side, root = preconditioner_roots(optimizer, model)["2.weight"]
    mean = optimizer.state[weight]["momentum_buffer"]
    assert side == ("rows" if shape[0] <= shape[1] else "columns")
    step = root @ root @ mean if side == "rows" else mean @ root @ root
    assert_close(step, max(1, shape[0] / shape[1]) ** 0.5 * orthogonalize(mean, steps=5))


@pytest.mark.parametrize("shape", [(5, 8), (8, 5)])
def test_the_root_is_nearly_an_inverse_fourth_root_of_the_means_square(
    shape: tuple[int, int],
) -> None:
    model = hidden_layers(shape)
    optimizer = muon(model)
    train(model, optimizer, 1)
    generator = torch.Generator().manual_seed(0)
    mean = torch.randn(shape, generator=generator, dtype=torch.float64)
    optimizer.state[model[2].weight]["momentum_buffer"] = mean
    side, root = preconditioner_roots(optimizer, model)["2.weight"]
    square = mean @ mean.T if side == "rows" else mean.T @ mean
    values, vectors = torch.linalg.eigh(square)
    exact = (vectors * values**-0.25) @ vectors.T * max(1, shape[0] / shape[1]) ** 0.25
    ratios = torch.linalg.eigvalsh(root @ torch.linalg.inv(exact))
    assert_close(root, root.T)
    # What Newton-Schulz steps leave of it lies between 0.68 and 1.21.
    assert (ratios > 0.68**0.5).all() and (ratios < 1.21**0.5).all()


def test_muons_others_are_weighted_as_by_adam() -> None:
    model, twin = hidden_layers((6, 6)), hidden_layers((6, 6))
    optimizers = muon(model, lr=1e-12, adam_lr=1e-3), optim.Adam(twin.parameters(), lr=1e-3)
    for number in range(2):
        for parameter, other in zip(model.parameters(), twin.parameters(), strict=True):
            generator = torch.Generator().manual_seed(number)
            parameter.grad = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            other.grad = parameter.grad.clone()
        for optimizer in optimizers:
            optimizer.step()
    roots, weighting = (
        preconditioner_roots(optimizers[0], model),
        adam_weighting(optimizers[1], twin),
    )
    for name, (side, root) in roots.items():
        if name != "2.weight":
            assert side == "entries"
            assert_close(root.square() * 1e-12 / 1e-3, weighting[name])


def test_gradient_descent_has_no_preconditioner() -> None:
    model = make("mlp")
    with pytest.raises(ValueError, match="SGD has no second moments and orthogonalises nothing"):
        preconditioner_roots(optim.SGD(model.parameters(), lr=1e-3), model)


def test_muon_without_a_step_is_rejected() -> None:
    model = hidden_layers((6, 6))
    with pytest.raises(ValueError, match=r"Muon has no state for 0\.weight"):
        preconditioner_roots(muon(model), model)
