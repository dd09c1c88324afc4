"""Predictions against training that is carried out, and against regression in closed form."""

import math
from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from inr.ntk import Prediction, empirical_ntk, predict
from tests.ntk.brute_force import brute_force_ntk
from tests.ntk.planted import plant
from tests.tolerance import assert_close


class Task(NamedTuple):
    """Points with values, to train with and to test."""

    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor


class Mixed(nn.Module):
    """A linear layer whose outputs share weights by a fixed mixture."""

    mixture: Tensor

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.layer = nn.Linear(features, outputs, bias=False)
        generator = torch.Generator().manual_seed(3)
        self.register_buffer("mixture", torch.randn(outputs, outputs, generator=generator))

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) @ self.mixture


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def make_task(features: int = 9, outputs: int = 3, points: int = 6) -> Task:
    return Task(
        draw(points, features),
        draw(points, outputs, seed=1),
        draw(4, features, seed=2),
        draw(4, outputs, seed=3),
    )


def make_linear(features: int = 9, outputs: int = 3) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(features, outputs, bias=False).double()


def measure(model: nn.Module, task: Task, loss: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Outputs and losses, in training and in test points."""
    outputs, tests = model(task.x), model(task.x_test)
    errors = outputs - task.y, tests - task.y_test
    losses = [e.square().mean() if loss == "mse" else e.square().sum() / 2 for e in errors]
    return outputs, losses[0], tests, losses[1]


def train(
    model: nn.Module, task: Task, lr: float, steps: int, momentum: float = 0.0, loss: str = "mse"
) -> list[Tensor]:
    """Results of :func:`measure` before each step and after the last, one row each."""
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum)
    history = []
    for _ in range(steps + 1):
        measured = measure(model, task, loss)
        history.append([part.detach().clone() for part in measured])
        optimizer.zero_grad()
        measured[1].backward()
        optimizer.step()
    return [torch.stack(parts) for parts in zip(*history, strict=True)]


def assert_followed(prediction: Prediction, history: list[Tensor]) -> None:
    outputs, losses, tests, test_losses = history
    assert prediction.test_outputs is not None
    assert (prediction.outputs - outputs).abs().max() < 1e-10
    assert (prediction.test_outputs - tests).abs().max() < 1e-10
    assert_close(prediction.losses, losses)
    assert_close(prediction.test_losses, test_losses)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("loss", ["mse", "half_sse"])
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("kernel", ["shared", "full"])
def test_training_a_linear_model_follows_the_prediction(
    kernel: str, outputs: int, loss: str, momentum: float
) -> None:
    task, model = make_task(outputs=outputs), make_linear(outputs=outputs)
    K, K_test = task.x @ task.x.T, task.x_test @ task.x.T
    if kernel == "full":
        K, K_test = (torch.kron(k, torch.eye(outputs)) for k in (K, K_test))
    stiffness = torch.linalg.eigvalsh(K)[-1].item() * (2 / task.y.numel() if loss == "mse" else 1)
    # Near the edge of stability: without momentum, errors change their signs.
    lr = 0.9 * 2 * (1 + momentum) / stiffness
    prediction = predict(
        K,
        task.y,
        model(task.x),
        lr=lr,
        steps=range(81),
        K_test=K_test,
        f0_test=model(task.x_test),
        y_test=task.y_test,
        momentum=momentum,
        loss=loss,
    )
    history = train(model, task, lr, 80, momentum, loss)
    assert history[1][-1] < 0.5 * history[1][0]
    assert_followed(prediction, history)
    assert prediction.max_lr == pytest.approx(lr / 0.9)
    assert prediction.num_unstable == 0
    assert prediction.warning is None


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_outputs_that_share_weights_follow_the_kernel_of_all_pairs(momentum: float) -> None:
    task, model = make_task(features=4), Mixed(4, 3).double()
    K, K_test = empirical_ntk(model, task.x), empirical_ntk(model, task.x_test, task.x)
    options = {"K_test": K_test, "f0_test": model(task.x_test), "y_test": task.y_test}
    prediction = predict(
        K, task.y, model(task.x), lr=0.05, steps=range(61), momentum=momentum, **options
    )
    history = train(model, task, 0.05, 60, momentum)
    assert history[1][-1] < 0.9 * history[1][0]
    assert_followed(prediction, history)
    # Each error along an eigenvector by itself.
    errors = (history[0] - task.y).flatten(1) @ prediction.eigenvectors
    assert_close(prediction.mode_errors, errors.abs())
    vectors, values = prediction.eigenvectors, prediction.eigenvalues
    assert_close(K @ vectors, vectors * values)
    assert (values.diff() <= 0).all()


def test_a_shared_kernel_has_an_error_for_each_output() -> None:
    task, model = make_task(), make_linear()
    prediction = predict(task.x @ task.x.T, task.y, model(task.x), lr=0.1, steps=[0, 7, 20])
    outputs = train(model, task, 0.1, 20)[0][[0, 7, 20]]
    errors = torch.einsum("ni,tnc->tic", prediction.eigenvectors, outputs - task.y)
    assert_close(prediction.mode_errors, errors.abs())


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_long_training_on_hard_directions_follows_the_prediction(momentum: float) -> None:
    # Eigenvalues from 1 to 1e-14 of the largest.
    left, right = (torch.linalg.qr(draw(8, 8, seed=s)).Q for s in (5, 6))
    directions = torch.logspace(0, -7, 8, dtype=torch.float64)[:, None] * right
    # Test points in which hard directions are as faint: others amplify the rounding of K itself.
    x, x_test, y = left @ directions, draw(3, 8, seed=2) @ directions, draw(8, 1, seed=1)
    lr, steps = 1.2 * (1 - momentum), [1, 1000, 100_000]
    prediction = predict(
        x @ x.T, y, lr=lr, steps=steps, K_test=x_test @ x.T, momentum=momentum, loss="half_sse"
    )
    inputs, weights, velocity = x.numpy(), torch.zeros(8, 1).double().numpy(), 0.0
    targets, found = y.numpy(), []
    for t in range(1, steps[-1] + 1):
        velocity = momentum * velocity + inputs.T @ (inputs @ weights - targets)
        weights = weights - lr * velocity
        if t in steps:
            found.append(torch.from_numpy(weights))
    assert prediction.test_outputs is not None
    for i, learned in enumerate(found):
        assert (prediction.outputs[i] - x @ learned).abs().max() < 1e-10
        assert (prediction.test_outputs[i] - x_test @ learned).abs().max() < 1e-10


def test_flow_from_zero_is_the_formula_of_the_papers() -> None:
    task, eta = make_task(), 0.03
    K, K_test = task.x @ task.x.T, task.x_test @ task.x.T
    times = [0.0, 0.5, 10.0, 300.0]
    prediction = predict(K, task.y, lr=eta, steps=times, K_test=K_test, loss="half_sse", flow=True)
    assert prediction.test_outputs is not None
    for t, actual in zip(times, prediction.test_outputs, strict=True):
        decay = torch.linalg.matrix_exp(-eta * K * t)
        learned = torch.linalg.solve(K, (torch.eye(6, dtype=torch.float64) - decay) @ task.y)
        assert_close(actual, K_test @ learned)


def test_small_steps_tend_to_flow_and_momentum_to_its_rate() -> None:
    task = make_task()
    K = task.x @ task.x.T
    flow = predict(K, task.y, lr=0.1, steps=5.5, momentum=0.6, flow=True)
    assert_close(flow.outputs, predict(K, task.y, lr=0.25, steps=5.5, flow=True).outputs)
    gaps = [
        (predict(K, task.y, lr=0.1 / n, steps=11 * n // 2, momentum=0.6).outputs - flow.outputs)
        .abs()
        .max()
        .item()
        for n in (10**3, 10**4)
    ]
    assert gaps[0] < 1e-2
    assert gaps[0] / gaps[1] == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize("features", [9, 4])
def test_training_to_convergence_is_least_squares_of_the_shortest_move(features: int) -> None:
    task, model = make_task(features), make_linear(features)
    start = model.weight.detach().T
    move = torch.linalg.pinv(task.x) @ (task.y - task.x @ start)
    prediction = predict(
        task.x @ task.x.T,
        task.y,
        task.x @ start,
        lr=0.01,
        steps=[10**7, math.inf],
        K_test=task.x_test @ task.x.T,
        f0_test=task.x_test @ start,
    )
    assert prediction.num_null == max(0, 6 - features)
    assert prediction.test_outputs is not None
    for t in range(2):
        assert_close(prediction.outputs[t], task.x @ (start + move))
        assert_close(prediction.test_outputs[t], task.x_test @ (start + move))
    assert_close(task.x @ task.x.T @ prediction.coefficients[1], task.x @ move)
    # Directions that the data does not reach get no weight.
    null = prediction.eigenvectors[:, features:]
    assert_close(null.T @ prediction.coefficients[1], torch.zeros(len(null.T), 3))


def test_a_ridge_is_that_of_ridge_regression_and_counts_at_infinity_alone() -> None:
    task = make_task(features=4)
    K, K_test = task.x @ task.x.T, task.x_test @ task.x.T
    prediction = predict(K, task.y, lr=0.01, steps=[9, math.inf], K_test=K_test, ridge=0.7)
    # Ridge regression in the four weights.
    normal = task.x.T @ task.x + 0.7 * torch.eye(4, dtype=torch.float64)
    weights = torch.linalg.solve(normal, task.x.T @ task.y)
    assert prediction.test_outputs is not None
    assert_close(prediction.outputs[1], task.x @ weights)
    assert_close(prediction.test_outputs[1], task.x_test @ weights)
    assert_close(prediction.outputs[0], predict(K, task.y, lr=0.01, steps=9).outputs[0])


def test_null_modes_are_told_by_the_precision_of_the_kernel() -> None:
    K = plant([3.0, 1.0, 1e-3, 1e-9, 0.0])
    y = torch.ones(5)
    assert predict(K, y, lr=0.1, steps=1).num_null == 1
    rounded = predict(K.float(), y, lr=0.1, steps=math.inf)
    assert rounded.num_null == 2
    # Noise in the fourth eigenvalue is not divided by.
    assert rounded.coefficients.abs().max() < 1e4
    # Rounding grows with the rows.
    diagonal = torch.diag(torch.tensor([1.0] * 20 + [2e-15, 9e-15], dtype=torch.float64))
    assert predict(diagonal, torch.ones(22), lr=0.1, steps=1).num_null == 1
    nothing = predict(torch.zeros(5, 5), y, lr=0.1, steps=[3, math.inf])
    assert nothing.num_null == 5
    assert nothing.max_lr == math.inf
    assert nothing.outputs.abs().max() == 0


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_modes_that_grow_are_counted_and_grow(momentum: float) -> None:
    task, model = make_task(), make_linear()
    K, f0 = task.x @ task.x.T, model(task.x)
    values = torch.linalg.eigvalsh(K)
    # Between the second and the third eigenvalue.
    lr = 2 * (1 + momentum) * task.y.numel() / (values[-2] + values[-3]).item()
    prediction = predict(K, task.y, f0, lr=lr, steps=range(31), momentum=momentum)
    assert prediction.num_unstable == 2
    edge = (1 + momentum) * task.y.numel() / values[-1].item()
    assert prediction.max_lr == pytest.approx(edge)
    assert prediction.warning == (
        f"2 of 6 modes grow at lr={lr:g}; the largest stable rate is {edge:.3g}."
    )
    start, end = prediction.mode_errors[0], prediction.mode_errors[-1]
    assert (end[:2] > start[:2]).all()
    assert (end[2:] < start[2:]).all()
    outputs = train(model, task, lr, 30, momentum)[0]
    assert ((prediction.outputs - outputs).abs() <= 1e-9 * outputs.abs().amax((1, 2), True)).all()


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_largest_rate_is_sharp_in_training(momentum: float) -> None:
    task = make_task()
    limit = predict(task.x @ task.x.T, task.y, lr=1.0, steps=0, momentum=momentum).max_lr
    for share, grows in ((0.99, False), (1.01, True)):
        losses = train(make_linear(), task, share * limit, 600, momentum)[1]
        assert (losses[-1] > losses[0]).item() is grows


def test_modes_that_grow_have_no_end_but_in_flow() -> None:
    K, y = plant([5.0, 4.0, 1.0]), torch.ones(3, 1)
    options = {"lr": 1.0, "K_test": K, "y_test": y, "loss": "half_sse"}
    descent = predict(K, y, steps=[1, 10**6, math.inf], **options)  # type: ignore[arg-type]
    assert descent.num_unstable == 2
    assert descent.test_losses is not None
    # Infinities of either sign meet here.
    assert descent.outputs[2].isnan().any()
    assert descent.losses.tolist()[1:] == descent.test_losses.tolist()[1:] == [math.inf] * 2
    assert not descent.outputs[2].isfinite().any()
    # Errors without a part in these modes are learned.
    apart = predict(
        torch.diag(torch.tensor([4.0, 1.0])),
        torch.tensor([0.0, 1.0]),
        lr=1.0,
        steps=math.inf,
        loss="half_sse",
    )
    assert apart.outputs.tolist() == [[[0], [1]]]
    flow = predict(K, y, steps=[1.5, math.inf], flow=True, **options)  # type: ignore[arg-type]
    assert flow.num_unstable == 0
    assert flow.max_lr == math.inf
    assert_close(flow.outputs[1], y)


class Wide(nn.Module):
    """A hidden layer of tanh with the scales of the tangent kernel's limit."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Parameter(draw(2, width, seed=7))
        self.last = nn.Parameter(draw(width, 2, seed=8))

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x @ self.first) @ self.last / math.sqrt(len(self.last))


def test_the_wider_a_network_the_nearer_to_its_prediction() -> None:
    task = make_task(features=2, outputs=2)
    gaps = []
    for width in (64, 512, 4096):
        model = Wide(width)
        K = empirical_ntk(model, task.x)
        prediction = predict(
            K,
            task.y,
            model(task.x),
            lr=1.0,
            steps=range(41),
            K_test=empirical_ntk(model, task.x_test, task.x),
            f0_test=model(task.x_test),
        )
        _, losses, tests, _ = train(model, task, 1.0, 40)
        assert losses[-1] < 0.7 * losses[0]
        assert prediction.test_outputs is not None
        moved = (tests - tests[0]).norm()
        gaps.append(((prediction.test_outputs - tests).norm() / moved).item())
    assert gaps[2] < 0.03
    # Like one over the root of the width, or faster.
    assert gaps[0] > 2 * gaps[1] > 4 * gaps[2]


def test_a_field_at_its_first_steps_follows_the_brute_force_kernel() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 3)).double()
    task = make_task(features=2)
    prediction = predict(
        brute_force_ntk(model, task.x),
        task.y,
        model(task.x),
        lr=1e-7,
        steps=[0, 1],
        K_test=brute_force_ntk(model, task.x_test, task.x),
        f0_test=model(task.x_test),
    )
    outputs, _, tests, _ = train(model, task, 1e-7, 1)
    assert prediction.test_outputs is not None
    for predicted, found in ((prediction.outputs, outputs), (prediction.test_outputs, tests)):
        step, expected = predicted[1] - predicted[0], found[1] - found[0]
        # A step of 1e-7 is linear up to 1e-7 of it; rounding of 1e-16 is 1e-9 of it.
        assert (step - expected).norm() < 1e-5 * expected.norm()


def test_a_single_output_may_come_without_its_axis() -> None:
    task = make_task(outputs=1)
    K, K_test = task.x @ task.x.T, task.x_test @ task.x.T
    flat = predict(
        K, task.y[:, 0], lr=0.1, steps=5, K_test=K_test, y_test=task.y_test[:, 0], flow=True
    )
    columns = predict(K, task.y, lr=0.1, steps=5, K_test=K_test, y_test=task.y_test, flow=True)
    assert flat.outputs.shape == (1, 6, 1)
    assert flat.mode_errors.shape == (1, 6)
    assert_close(flat.outputs, columns.outputs)
    assert_close(flat.test_losses, columns.test_losses)


K, Y = torch.eye(6), torch.ones(3, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": "l1"}, "only squared errors are linear in the residual"),
        ({"K": torch.eye(5)}, "5 rows for 3 points with 2 outputs; expected 6 .* or 3"),
        ({"K": torch.ones(6, 5)}, r"expected \(rows, rows\)"),
        ({"K": torch.eye(6) + torch.eye(6).roll(1, 0)}, "differs from its transpose by 1"),
        ({"K": math.inf * torch.ones(6, 6)}, "not finite"),
        ({"K": -torch.eye(6)}, "the eigenvalue -1"),
        ({"y": torch.full((3, 2), math.nan)}, "expected finite numbers"),
        ({"y": torch.ones(3, 2, 1)}, "y has shape"),
        ({"f0": torch.ones(2, 3)}, "f0 has shape"),
        ({"f0": Y, "K_test": torch.ones(4, 6)}, "expected the outputs at the start"),
        ({"K_test": torch.ones(4, 5)}, "K_test has shape"),
        ({"K_test": torch.ones(5, 6)}, "K_test has shape"),
        ({"K_test": torch.full((4, 6), math.nan)}, "K_test is not finite"),
        ({"K_test": torch.ones(4, 6), "f0_test": Y}, "f0_test has shape"),
        ({"K_test": torch.ones(4, 6), "y_test": Y}, "y_test has shape"),
        ({"y_test": Y}, "without K_test"),
        ({"lr": 0.0}, "lr is"),
        ({"ridge": -1.0}, "ridge is"),
        ({"momentum": 1.0}, "momentum is"),
        ({"steps": 0.5}, "whole numbers"),
    ],
)
def test_what_does_not_fit_is_rejected(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        predict(**({"K": K, "y": Y, "lr": 0.1, "steps": 3} | arguments))  # type: ignore[arg-type]
