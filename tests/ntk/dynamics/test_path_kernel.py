"""The path kernel against descent that is carried out."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev

from inr.encoding import GaussianEncoding
from inr.field import Field
from inr.network import MLPNetwork
from inr.ntk import PathKernel
from inr.ntk.dynamics import path_kernel
from tests.ntk.models import draw_points
from tests.tolerance import assert_close

TEST, TRAIN = draw_points(4, seed=1), draw_points(9, seed=2)
TARGETS = torch.stack([TRAIN.sum(1).sin(), 2 * TRAIN[:, 0] - 1, TRAIN.prod(1)], dim=1)


def mse(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - targets).square().mean()


def make_model(outputs: int = 3, hidden_layers: int = 2) -> nn.Module:
    torch.manual_seed(0)
    network = MLPNetwork(
        8, outputs, hidden_features=12, hidden_layers=hidden_layers, activation="tanh"
    )
    return Field(GaussianEncoding(2, num_frequencies=4, scale=1.0), network).double()


def descend(
    model: nn.Module,
    rates: list[float],
    loss: Callable[[Tensor, Tensor], Tensor] = mse,
    path: PathKernel | None = None,
) -> PathKernel:
    """Gradient descent by torch's own optimizer, and the path kernel beside it."""
    targets = TARGETS[:, : model(TRAIN[:1]).shape[1]]
    path = path or PathKernel(model, TEST, TRAIN)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    for lr in rates:
        path.accumulate(lr, path.slopes(loss, targets))
        optimizer.param_groups[0]["lr"] = lr
        optimizer.zero_grad()
        loss(model(TRAIN), targets).backward()
        optimizer.step()
    return path


def descend_once(path: PathKernel) -> Tensor:
    path.accumulate(0.5, path.slopes(mse, TARGETS.to(path.initial)))
    return path.contributions


def test_the_sum_of_contributions_comes_to_the_field_as_the_steps_become_small() -> None:
    total, counts, errors = 2.0, (20, 40, 80, 160), []
    for count in counts:
        path = descend(make_model(), [total / count] * count)
        errors.append(path.error())
    slope = np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert slope == pytest.approx(-1, abs=0.05)
    assert errors[-1] < 5e-3


def test_a_linear_model_is_its_path_kernel_machine() -> None:
    model = make_model(hidden_layers=0)
    path = descend(model, [0.5, 0.1, 0.9, 0.4])
    assert path.error() < 1e-12
    assert_close(path.outputs, model(TEST))


def test_a_linear_model_weights_training_points_by_their_mean_slopes() -> None:
    # Domingos' coefficients depend on the test point only through the kernel, here constant.
    model, rates, slopes = make_model(outputs=1, hidden_layers=0), [0.5, 0.1, 0.9], []
    path = PathKernel(model, TEST, TRAIN)
    for lr in rates:
        slopes.append(path.slopes(mse, TARGETS[:, :1]))
        descend(model, [lr], path=path)
    mean = sum(lr * slope for lr, slope in zip(rates, slopes, strict=True)) / sum(rates)
    assert_close(path.contributions[:, 0], -mean[:, 0] * path.path_kernel)


def test_a_single_training_point_pulls_the_outputs_towards_its_value() -> None:
    model = make_model(outputs=1)
    x = TRAIN[:1]
    path = PathKernel(model, x, x)
    target = model(x).detach() + 1
    path.accumulate(0.1, path.slopes(mse, target))
    assert path.contributions.item() > 0
    path.accumulate(0.1, path.slopes(mse, target - 2))
    assert path.contributions.item() == pytest.approx(0, abs=1e-12)


def test_contributions_are_those_of_jacobians(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path_kernel, "CHUNK", 4)
    model, rates = make_model(), [0.3, 1.1, 0.7]
    path = PathKernel(model, TEST, TRAIN)
    initial = model(TEST).detach()
    contributions, kernels = torch.zeros(4, 3, 9).double(), torch.zeros(4, 9).double()
    weights = [0.5, 1.0, 4.0]
    for lr in rates:
        params = {name: p.detach().clone() for name, p in model.named_parameters()}
        rows = []
        for points in (TEST, TRAIN):
            derivatives = jacrev(lambda p, x=points: functional_call(model, p, (x,)))(params)
            rows.append(torch.cat([part.flatten(2) for part in derivatives.values()], dim=2))
        values = functional_call(model, params, (TRAIN,))
        for a in range(4):
            for i in range(9):
                for o in range(3):
                    for p in range(3):
                        kernel = rows[0][a, o] @ rows[1][i, p]
                        slope = 2 * weights[p] * (values[i, p] - TARGETS[i, p]) / 27
                        contributions[a, o, i] -= lr * kernel * slope
                        if o == p:
                            kernels[a, i] += lr * kernel / 3
        descend(
            model,
            [lr],
            lambda outputs, targets: (
                torch.tensor(weights).double() * (outputs - targets).square()
            ).mean(),
            path,
        )
    assert_close(path.contributions, contributions)
    assert_close(path.path_kernel, kernels)
    assert_close(path.initial, initial)
    assert_close(path.outputs, initial + contributions.sum(-1))


def test_the_error_is_relative_to_what_was_learned() -> None:
    model = make_model()
    path = PathKernel(model, TEST, TRAIN)
    assert path.error() == 0
    # All three outputs move by 0.2, and the contributions say that the first did by 0.5.
    with torch.no_grad():
        model.network.output.bias += 0.2  # type: ignore[union-attr, operator]
    path.contributions[:, 0, 3] = 0.5
    expected = np.sqrt((0.3**2 + 2 * 0.2**2) / (3 * 0.2**2))
    assert path.error() == pytest.approx(expected, rel=1e-9)


def test_a_path_goes_on_from_its_state() -> None:
    rates = [0.4, 0.8, 0.2, 0.6]
    whole = descend(make_model(), rates)
    model = make_model()
    first = descend(model, rates[:2])
    state = first.state_dict()
    kept = copy.deepcopy(state)
    resumed = copy.deepcopy(model)
    descend(model, rates[2:], path=first)
    second = PathKernel(resumed, TEST, TRAIN)
    second.load_state_dict(state)
    descend(resumed, rates[2:], path=second)
    for path in (first, second):
        assert torch.equal(path.contributions, whole.contributions)
        assert torch.equal(path.path_kernel, whole.path_kernel)
        assert torch.equal(path.outputs, whole.outputs)
    # Continuing from a state does not change it.
    assert all(torch.equal(state[name], part) for name, part in kept.items())


def test_the_model_is_left_as_it_is() -> None:
    model = make_model()
    path = PathKernel(model, TEST, TRAIN)
    mse(model(TRAIN), TARGETS).backward()
    before = [(p.detach().clone(), p.grad.clone()) for p in model.parameters()]  # type: ignore[union-attr]
    state = torch.get_rng_state()
    path.accumulate(0.5, path.slopes(mse, TARGETS))
    for parameter, (value, gradient) in zip(model.parameters(), before, strict=True):
        assert torch.equal(parameter, value)
        assert parameter.grad is not None and torch.equal(parameter.grad, gradient)
    assert torch.equal(torch.get_rng_state(), state)


def test_it_is_computed_in_the_dtype_of_the_model_or_another() -> None:
    model = make_model().float()
    assert descend_once(PathKernel(model, TEST, TRAIN)).dtype == torch.float32
    contributions = descend_once(PathKernel(model, TEST, TRAIN, dtype=torch.float64))
    assert contributions.dtype == torch.float64
    expected = descend_once(PathKernel(copy.deepcopy(model).double(), TEST, TRAIN))
    assert_close(contributions, expected)


def test_what_does_not_fit_is_rejected() -> None:
    path = PathKernel(make_model(), TEST, TRAIN)
    with pytest.raises(ValueError, match=r"slopes have shape \(9, 1\); expected \(9, 3\)"):
        path.accumulate(0.1, torch.zeros(9, 1))
    with pytest.raises(ValueError, match="lr is -1"):
        path.accumulate(-1.0, torch.zeros(9, 3))
    other = PathKernel(make_model(), TEST[:2], TRAIN)
    with pytest.raises(ValueError, match=r"have shape \(2, 3, 9\); expected \(4, 3, 9\)"):
        path.load_state_dict(other.state_dict())
