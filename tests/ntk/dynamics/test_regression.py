"""Regression with kernels against brute force, against training, and against closed forms."""

import logging
import math

import pytest
import torch
from torch import Tensor, nn

import inr.ntk.dynamics.regression
from inr.field.rendering import render
from inr.lattice import lattice_points
from inr.ntk import KernelRegressor, predict
from tests.ntk.brute_force import brute_force_ntk, jacobian
from tests.ntk.models import draw_points, make
from tests.tolerance import assert_close

MODELS = ["mlp", "siren", "one output", "partly frozen", "a complex layer", "a function of its own"]


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def regress(model: nn.Module, x: Tensor, y: Tensor, x_test: Tensor, ridge: float) -> Tensor:
    """The definition: a linear solve with the kernel of all pairs of outputs."""
    K, K_test = brute_force_ntk(model, x), brute_force_ntk(model, x_test, x)
    errors = (y - model(x).detach()).flatten()
    weights = torch.linalg.solve(K + ridge * torch.eye(len(K), dtype=K.dtype), errors)
    start = model(x_test).detach()
    return start + (K_test @ weights).view_as(start)


@pytest.mark.parametrize("method", ["dense", "cg"])
@pytest.mark.parametrize("name", MODELS)
def test_a_fitted_module_is_kernel_regression(name: str, method: str) -> None:
    model, x, x_test = make(name), draw_points(7), draw_points(5, seed=1)
    y = draw(*model(x).shape)
    regressor = KernelRegressor(model, ridge=0.3, method=method, tolerance=1e-13, chunk_size=3)
    expected = regress(model, x, y, x_test, 0.3)
    assert_close(regressor.fit(x, y).predict(x_test), expected)
    assert (regressor(x) - y).norm() < 0.9 * (model(x) - y).norm()


def test_without_a_ridge_it_reaches_all_values() -> None:
    model, x, x_test = make("mlp"), draw_points(4), draw_points(5, seed=1)
    y = draw(4, 3)
    regressor = KernelRegressor(model).fit(x, y)
    assert regressor.prediction is not None
    assert regressor.prediction.num_null == 0
    # The kernel's condition number times the table's.
    assert_close(regressor.predict(x), y, looser=100)
    assert_close(regressor.predict(x_test), regress(model, x, y, x_test, 0.0), looser=100)


@pytest.mark.parametrize("method", ["dense", "cg"])
@pytest.mark.parametrize(("momentum", "flow"), [(0.0, False), (0.9, False), (0.0, True)])
def test_after_some_steps_it_is_the_prediction(method: str, momentum: float, flow: bool) -> None:
    model, x, x_test = make("mlp"), draw_points(9), draw_points(5, seed=1)
    y, K = draw(9, 3), brute_force_ntk(model, x)
    # Below the rate that diverges, which a rounding of the kernel moves.
    lr = 0.9 * (1 - momentum) * 27 / torch.linalg.eigvalsh(K)[-1].item()
    options = {"lr": lr, "steps": 150.5 if flow else 150, "momentum": momentum, "flow": flow}
    expected = predict(
        K,
        y,
        model(x),
        K_test=brute_force_ntk(model, x_test, x),
        f0_test=model(x_test),
        **options,  # type: ignore[arg-type]
    )
    regressor = KernelRegressor(model, method=method, tolerance=1e-12, **options).fit(x, y)  # type: ignore[arg-type]
    assert_close(regressor.predict(x_test), expected.test_outputs[0])  # type: ignore[index]
    assert_close(regressor.predict(x), expected.outputs[0])
    if method == "dense":
        assert regressor.prediction is not None
        assert_close(regressor.prediction.losses, (regressor(x) - y).square().mean()[None])


@pytest.mark.parametrize("method", ["dense", "cg"])
def test_training_a_linear_model_for_long_arrives_there(method: str) -> None:
    torch.manual_seed(0)
    model = nn.Linear(4, 2).double()
    x, y, x_test = draw(9, 4), draw(9, 2, seed=1), draw(6, 4, seed=2)
    # More values than parameters: some errors cannot be learned.
    some = KernelRegressor(model, lr=0.2, steps=30, momentum=0.5, method=method).fit(x, y)
    ever = KernelRegressor(model, lr=0.2, method=method, tolerance=1e-13).fit(x, y)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.5)
    for step in range(2000):
        if step == 30:
            assert_close(some.predict(x_test), model(x_test))
        optimizer.zero_grad()
        (model(x) - y).square().mean().backward()
        optimizer.step()
    assert_close(ever.predict(x_test), model(x_test))
    design = torch.cat([x, torch.ones(9, 1)], dim=1)
    learned = torch.linalg.lstsq(design, y).solution
    assert_close(ever.predict(x_test), torch.cat([x_test, torch.ones(6, 1)], dim=1) @ learned)


@pytest.mark.parametrize("method", ["dense", "cg"])
def test_a_kernel_without_full_rank_gives_the_shortest_move(method: str) -> None:
    torch.manual_seed(0)
    # Two linear layers are redundant: 15 parameters make six independent moves.
    model = nn.Sequential(nn.Linear(2, 3, bias=False), nn.Linear(3, 3, bias=False)).double()
    x, y, x_test = draw(20, 2), draw(20, 3, seed=1), draw(5, 2, seed=2)
    move = torch.linalg.pinv(jacobian(model, x), rtol=1e-9) @ (y - model(x)).detach().flatten()
    expected = model(x_test) + (jacobian(model, x_test) @ move).view(5, 3)
    regressor = KernelRegressor(model, method=method, tolerance=1e-14).fit(x, y)
    assert_close(regressor.predict(x_test), expected)
    if method == "dense":
        assert regressor.prediction is not None
        assert regressor.prediction.num_null == 60 - 6


def rbf(x: Tensor, x2: Tensor) -> Tensor:
    return torch.exp(-((x[:, None] - x2[None]) ** 2).sum(2) / 0.3)


def test_a_kernel_in_closed_form_is_the_mean_of_a_gaussian_process() -> None:
    x, y, x_test = draw_points(12), draw(12, 2), draw_points(5, seed=1)
    precision = torch.linalg.inv(rbf(x, x) + 0.05 * torch.eye(12, dtype=torch.float64))
    regressor = KernelRegressor(rbf, ridge=0.05, chunk_size=2).fit(x, y)
    assert_close(regressor.predict(x_test), rbf(x_test, x) @ precision @ y)
    # Each output by itself, and the mean over all of them.
    trained = KernelRegressor(rbf, lr=2.0, steps=40).fit(x, y)
    expected = predict(rbf(x, x), y, lr=2.0, steps=40, K_test=rbf(x_test, x))
    assert_close(trained.predict(x_test), expected.test_outputs[0])  # type: ignore[index]
    alone = KernelRegressor(rbf, lr=1.0, steps=40).fit(x, y[:, 0]).predict(x_test)
    assert_close(trained.predict(x_test)[:, 0], alone[:, 0])


def test_a_fitted_regressor_is_a_field_of_any_size() -> None:
    model, x = make("mlp").float(), draw_points(7).float()
    regressor = KernelRegressor(model, ridge=0.1, chunk_size=16).fit(x, draw(7, 3))
    picture = render(regressor, (9, 11))
    assert picture.shape == (9, 11, 3)
    points = lattice_points((9, 11), torch.arange(99), dtype=torch.float32)
    whole = KernelRegressor(model, ridge=0.1).fit(x, draw(7, 3))
    assert_close(picture.flatten(0, 1), whole.predict(points))


@pytest.mark.parametrize("name", ["mlp", "a function of its own"])
def test_it_is_evaluated_in_inference_mode(name: str) -> None:
    model, x = make(name), draw_points(7)
    with torch.inference_mode():
        points = draw_points(5, seed=1)
        regressor = KernelRegressor(model, ridge=0.1).fit(x, draw(7, 3))
        values = regressor.predict(points)
    assert_close(regressor.predict(points.clone()), values)


def test_what_becomes_of_the_module_later_does_not_count() -> None:
    model, x, x_test = make("mlp"), draw_points(7), draw_points(5, seed=1)
    regressor = KernelRegressor(model, ridge=0.1).fit(x, draw(7, 3))
    before = regressor.predict(x_test)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    assert_close(regressor.predict(x_test), before)
    assert (regressor.fit(x, draw(7, 3)).predict(x_test) - before).norm() > 0.01


def test_many_rows_go_by_products(monkeypatch: pytest.MonkeyPatch) -> None:
    model, x, y, looks = make("mlp"), draw_points(7), draw(7, 3), []
    few = KernelRegressor(model, ridge=0.1).fit(x, y)
    assert few.prediction is not None
    assert few.move is None
    monkeypatch.setattr(inr.ntk.dynamics.regression, "EXACT_ROWS", 20)
    many = KernelRegressor(model, ridge=0.1, progress=lambda *look: looks.append(look)).fit(x, y)
    assert many.prediction is None
    assert many.move is not None
    assert looks[-1] == (many.move.iterations, many.move.residual)
    # To the default tolerance.
    assert (many.predict(x) - few.predict(x)).abs().max() < 1e-6
    assert KernelRegressor(rbf).fit(x, y).prediction is not None


def test_cg_that_stops_early_says_so(caplog: pytest.LogCaptureFixture) -> None:
    model, x = make("mlp"), draw_points(20)
    with caplog.at_level(logging.WARNING, logger="inr.ntk"):
        regressor = KernelRegressor(model, method="cg", max_iterations=5).fit(x, draw(20, 3))
    assert regressor.move is not None
    assert regressor.move.iterations == 5
    assert "cg stopped after 5 iterations with the residual" in caplog.text


def test_modes_that_grow_are_reported_or_rejected(caplog: pytest.LogCaptureFixture) -> None:
    model, x, y = make("mlp"), draw_points(7), draw(7, 3)
    limit = 21 / torch.linalg.eigvalsh(brute_force_ntk(model, x))[-1].item()
    with caplog.at_level(logging.WARNING, logger="inr.ntk"):
        KernelRegressor(model, lr=0.99 * limit, steps=9).fit(x, y)
        KernelRegressor(model, lr=0.99 * limit, method="cg").fit(x, y)
        assert not caplog.text
        grown = KernelRegressor(model, lr=1.01 * limit, steps=9).fit(x, y)
    assert grown.prediction is not None
    assert grown.prediction.num_unstable == 1
    assert f"1 of 21 modes grow at lr={1.01 * limit:g}" in caplog.text
    with pytest.raises(ValueError, match="leave lr out for kernel regression"):
        KernelRegressor(model, lr=1.01 * limit).fit(x, y)
    for steps in (9, math.inf):
        with pytest.raises(ValueError, match="which cg cannot follow"):
            KernelRegressor(model, lr=1.01 * limit, steps=steps, method="cg").fit(x, y)
    with pytest.raises(ValueError, match=f"expected at most {1.5 * limit:.3g}"):
        KernelRegressor(model, lr=1.6 * limit, momentum=0.5, method="cg").fit(x, y)
    KernelRegressor(model, lr=1.4 * limit, momentum=0.5, method="cg").fit(x, y)
    # Without a rate there is no limit on it.
    KernelRegressor(model, lr=1.01 * limit, flow=True).fit(x, y)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 10}, "lr is None for steps=10"),
        ({"steps": [1, 2], "lr": 0.1}, "expected one number"),
        ({"steps": 10, "lr": 0.1, "ridge": 1.0}, "ridge is 1.0 for steps=10"),
        ({"method": "exact"}, "method is 'exact'"),
        ({"ridge": -1.0}, "ridge is"),
        ({"lr": -1.0}, "lr is"),
        ({"momentum": 1.0}, "momentum is"),
        ({"chunk_size": 0}, "chunk_size is"),
    ],
)
def test_options_that_contradict_each_other_are_rejected(
    options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        KernelRegressor(nn.Linear(2, 1), **options)  # type: ignore[arg-type]


def test_what_does_not_fit_is_rejected() -> None:
    with pytest.raises(ValueError, match="method is cg for a kernel"):
        KernelRegressor(rbf, method="cg")
    regressor = KernelRegressor(nn.Linear(2, 3))
    with pytest.raises(ValueError, match=r"call fit\(x, y\) first"):
        regressor.predict(torch.zeros(1, 2))
    with pytest.raises(ValueError, match=r"expected \(4, c\)"):
        regressor.fit(torch.zeros(4, 2), torch.zeros(3, 3))
    with pytest.raises(ValueError, match=r"expected \(4, 3\)"):
        regressor.fit(torch.zeros(4, 2), torch.zeros(4))
    with pytest.raises(ValueError, match="y has infinities or NaN; expected finite values"):
        regressor.fit(torch.zeros(4, 2), torch.full((4, 3), math.nan))
    with pytest.raises(ValueError, match="x has no points"):
        regressor.fit(torch.zeros(4, 2), torch.zeros(4, 3)).predict(torch.zeros(0, 2))
