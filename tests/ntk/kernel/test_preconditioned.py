"""The kernel of an optimizer's steps, as the plain kernel of a module."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn, optim

from inr.ntk import (
    NTKOperator,
    empirical_ntk,
)
from inr.ntk.kernel.preconditioned import PreconditionedModule
from inr.optimizer import adam_weighting, muon, precondition
from inr.optimizer._preconditioner import RootBlock
from tests.ntk.brute_force import brute_force_ntk, jacobian, real
from tests.ntk.models import ALL, draw_points, make, make_mlp
from tests.tolerance import assert_close


def draw_roots(model: nn.Module) -> dict[str, RootBlock]:
    """Positive semidefinite blocks: matrices in turn by rows, by columns and by entries."""
    generator = torch.Generator().manual_seed(3)
    roots = {}
    for number, (name, parameter) in enumerate(model.named_parameters()):
        if not parameter.requires_grad:
            continue
        shape = real(parameter).shape
        side = ("rows", "columns", "entries")[number // 2 % 3]
        if parameter.ndim != 2 or parameter.is_complex() or side == "entries":
            root = torch.rand(shape, generator=generator, dtype=torch.float64)
            roots[name] = RootBlock("entries", root)
        else:
            size = shape[0] if side == "rows" else shape[1]
            factor = torch.randn(size, size, generator=generator, dtype=torch.float64)
            roots[name] = RootBlock(side, factor @ factor.T / size)  # type: ignore[arg-type]
    return roots


def matrix_of(block: RootBlock, parameter: Tensor) -> Tensor:
    """S of one parameter, as a matrix on its flattened numbers."""
    if block.side == "entries":
        return torch.diag(block.root.flatten())
    rows, columns = (torch.eye(size, dtype=torch.float64) for size in parameter.shape)
    if block.side == "rows":
        return torch.kron(block.root, columns)
    return torch.kron(rows, block.root)


def preconditioned_brute_force(model: nn.Module, x: Tensor) -> Tensor:
    """J S Sᵀ Jᵀ."""
    roots = draw_roots(model)
    trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
    root = torch.block_diag(*(matrix_of(roots[name], p) for name, p in trained.items()))
    rows = jacobian(model, x) @ root
    return rows @ rows.T


# PyTorch copies no pruned module.
@pytest.mark.parametrize("name", [name for name in ALL if name != "a pruned weight"])
def test_the_modules_kernel_is_j_p_jt(name: str) -> None:
    model, x = make(name), draw_points(5)
    module = PreconditionedModule(model, draw_roots(model))
    assert_close(empirical_ntk(module, x), preconditioned_brute_force(model, x))


@pytest.mark.parametrize("name", ["smooth", "skips", "siren", "a layer used twice"])
@pytest.mark.parametrize(
    "options", [{"method": "contraction"}, {"outputs": "mean"}, {"outputs": 1}]
)
def test_whatever_the_way_and_the_outputs(name: str, options: dict[str, Any]) -> None:
    model, x = make(name), draw_points(5)
    kernel = preconditioned_brute_force(model, x).view(5, 3, 5, 3)
    expected = {
        None: kernel.reshape(15, 15),
        "mean": torch.einsum("nomo->nm", kernel) / 3,
        1: kernel[:, 1, :, 1],
    }[options.get("outputs")]
    module = PreconditionedModule(model, draw_roots(model))
    assert_close(empirical_ntk(module, x, **options), expected)


def test_products_with_it_are_those_of_the_matrix() -> None:
    model, x = make("smooth"), draw_points(5)
    operator = NTKOperator(PreconditionedModule(model, draw_roots(model)), x)
    kernel = preconditioned_brute_force(model, x)
    assert_close(operator @ torch.eye(15, dtype=torch.float64), kernel)
    assert_close(operator.diagonal(), kernel.diagonal())


def test_matrices_that_are_multiplied_on_a_side_need_no_jacobians() -> None:
    model = make("smooth")
    roots = draw_roots(model)
    plan = NTKOperator(PreconditionedModule(model, roots), draw_points(5)).plan
    assert len(plan.layers) == sum(block.side != "entries" for block in roots.values()) > 0


@pytest.mark.parametrize("name", ["smooth", "a weight used twice", "a complex layer"])
def test_its_parameters_move_those_of_the_module_through_the_root(name: str) -> None:
    model, x = make(name), draw_points(5)
    roots = draw_roots(model)
    module = PreconditionedModule(model, roots)
    assert torch.equal(module(x), model(x))
    with torch.no_grad():
        for (part, parameter), moving in zip(model.named_parameters(), module.moving, strict=True):
            moving += 0.1 * torch.randn_like(moving)
            change = real(moving - parameter)
            moved = matrix_of(roots[part], parameter) @ change.flatten()
            real(parameter).add_(moved.view_as(change))
    assert_close(module(x), model(x))


def test_the_module_it_is_made_of_is_left_as_it_is() -> None:
    model, x = make("partly frozen"), draw_points(5)
    before = {name: (p.clone(), p.requires_grad) for name, p in model.named_parameters()}
    expected = brute_force_ntk(model, x)
    empirical_ntk(PreconditionedModule(model, draw_roots(model)), x)
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, before[name][0])
        assert parameter.requires_grad == before[name][1]
        assert parameter.grad is None
    assert_close(empirical_ntk(model, x), expected)


def test_of_adam_it_is_the_weighted_kernel() -> None:
    model, x = make("a complex layer"), draw_points(5)
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    (model(x) - 1).square().mean().backward()
    optimizer.step()
    expected = empirical_ntk(model, x, weighting=adam_weighting(optimizer, model))
    assert_close(empirical_ntk(precondition(model, optimizer), x), expected)


def make_tall() -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(
        *(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 9), nn.Tanh(), nn.Linear(9, 3)),
    )
    return model.double()


@pytest.mark.parametrize("kind", ["wide", "tall", "ntk"])
def test_a_small_step_of_muon_moves_outputs_by_its_kernel(kind: str) -> None:
    torch.manual_seed(0)
    makers = {
        "wide": lambda: make_mlp(activation="tanh"),
        "tall": make_tall,
        "ntk": lambda: make_mlp(activation="tanh", parameterization="ntk"),
    }
    model, x = makers[kind]().double(), draw_points(6, seed=2)
    # Under ntk the first layer has a rate of its own.
    options = {"momentum": 0.0, "beta1": 0.0, "nesterov": False, "first_layer": True}
    optimizer = muon(model, lr=0.01, adam_lr=2e-3, **options)

    def step() -> None:
        optimizer.zero_grad()
        (model(x) - 1).square().mean().backward()
        optimizer.step()

    for _ in range(3):
        step()
    for group in optimizer.param_groups:
        group["lr"] *= 1e-6
    before = model(x).detach()
    rows = jacobian(model, x)
    weights = torch.cat([p.detach().flatten() for p in model.parameters()])
    step()
    moved = torch.cat([p.detach().flatten() for p in model.parameters()]) - weights
    # The preconditioner is that of the step, and the Jacobian that of the weights before it.
    at_start = precondition(model, optimizer)
    with torch.no_grad():
        for (name, start), moving in zip(
            at_start.origin.named_parameters(), at_start.moving, strict=True
        ):
            start.sub_(_part(moved, model, name))
            moving.copy_(start)
    gradient = (2 / before.numel() * (before - 1)).flatten()
    lr = optimizer.param_groups[0]["lr"]
    # The steps have all digits but those lost in the addition to the weights.
    assert_close(rows @ moved / lr, -empirical_ntk(at_start, x) @ gradient, looser=1e2)
    change = (model(x).detach() - before).flatten()
    # Differences of outputs of order 1.
    assert_close(change / lr, rows @ moved / lr, looser=1e5)


def _part(flat: Tensor, model: nn.Module, name: str) -> Tensor:
    """The part of a flat vector that belongs to a parameter."""
    sizes = [p.numel() for p in model.parameters()]
    named = dict(zip(dict(model.named_parameters()), flat.split(sizes), strict=True))
    return named[name].view_as(model.get_parameter(name))
