"""The empirical kernel against its definition, in float64."""

import logging

import pytest
import torch
from torch import Tensor, nn

from inr.batch import Batch
from inr.encoding import GaussianEncoding
from inr.field import Field
from inr.loss import mse
from inr.network import MLPNetwork
from inr.ntk import empirical_ntk
from inr.optimizer import sgd
from tests.ntk.brute_force import brute_force_ntk, jacobian
from tests.ntk.models import ALL, COVERED, PARTLY, UNCOVERED, draw_points, make
from tests.tolerance import assert_close

METHODS = ["structured", "contraction"]


@pytest.mark.parametrize("method", ["auto", "contraction"])
@pytest.mark.parametrize("name", ALL)
def test_the_kernel_is_the_product_of_jacobians(name: str, method: str) -> None:
    model, x = make(name), draw_points(6)
    kernel = empirical_ntk(model, x, method=method)  # type: ignore[arg-type]
    expected = brute_force_ntk(model, x)
    assert (kernel - expected).norm() <= 1e-10 * expected.norm()


@pytest.mark.parametrize("name", ALL)
def test_float32_is_right_to_a_hundred_thousandth(name: str) -> None:
    model, x = make(name), draw_points(40)
    expected = empirical_ntk(model, x, method="contraction")
    kernel = empirical_ntk(model, x, dtype=torch.float32)
    assert kernel.dtype == torch.float32
    assert (kernel.double() - expected).norm() <= 1e-5 * expected.norm()


@pytest.mark.parametrize("name", [*COVERED, *PARTLY])
def test_structured_is_exact_for_two_sets_of_points_in_small_tiles(name: str) -> None:
    model, x, x2 = make(name), draw_points(7), draw_points(5, seed=1)
    expected = brute_force_ntk(model, x, x2)
    kernel = empirical_ntk(model, x, x2, method="structured", chunk_size=3)
    assert (kernel - expected).norm() <= 1e-10 * expected.norm()


@pytest.mark.parametrize("name", UNCOVERED)
def test_structured_rejects_a_module_without_linear_layers_by_its_name(name: str) -> None:
    model = make(name)
    with pytest.raises(ValueError, match=rf"{type(model).__name__} has none; expected method="):
        empirical_ntk(model, draw_points(4), method="structured")


def test_auto_says_what_it_picked(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="inr.ntk"):
        empirical_ntk(make("trainable frequencies"), draw_points(4))
        empirical_ntk(make("a matrix product"), draw_points(4))
    assert (
        "structured: 8 parameters of linear layers by their factors and Jacobians of "
        in (caplog.messages[0])
    )
    assert caplog.messages[1].startswith("contraction: Jacobians of weight, ")


@pytest.mark.parametrize("method", METHODS)
def test_a_second_set_of_points_gives_the_columns(method: str) -> None:
    model, x, x2 = make("mlp"), draw_points(5), draw_points(3, seed=1)
    kernel = empirical_ntk(model, x, x2, method=method)  # type: ignore[arg-type]
    assert_close(kernel, brute_force_ntk(model, x, x2))
    assert_close(empirical_ntk(model, x2, x, method=method), kernel.T)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", METHODS)
def test_layouts_are_blocks_and_the_mean_of_the_full_kernel(method: str) -> None:
    model, x, x2 = make("siren"), draw_points(5), draw_points(4, seed=1)
    full = brute_force_ntk(model, x, x2)

    def select(outputs: object) -> Tensor:
        return empirical_ntk(model, x, x2, outputs=outputs, method=method)  # type: ignore[arg-type]

    assert_close(select("full"), full)
    blocks = [full[o::3, o::3] for o in range(3)]
    for o, block in enumerate(blocks):
        assert_close(select(o), block)
    assert_close(select("mean"), (blocks[0] + blocks[1] + blocks[2]) / 3)


@pytest.mark.parametrize("chunk_size", [1, 3, 7, 100])
@pytest.mark.parametrize("outputs", ["full", "mean", 1])
@pytest.mark.parametrize("method", METHODS)
def test_chunks_have_no_seam(method: str, outputs: object, chunk_size: int) -> None:
    model, x = make("trainable frequencies"), draw_points(7)
    options = {"method": method, "outputs": outputs}
    kernel = empirical_ntk(model, x, chunk_size=chunk_size, **options)  # type: ignore[arg-type]
    assert_close(kernel, empirical_ntk(model, x, **options))  # type: ignore[arg-type]


def test_parameters_are_contracted_in_groups_without_a_seam(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, x = make("mlp"), draw_points(5)
    expected = brute_force_ntk(model, x)
    monkeypatch.setattr("inr.ntk.kernel.contraction.JACOBIAN_BYTES", 5 * 90 * 8)
    assert_close(empirical_ntk(model, x, method="contraction"), expected)


@pytest.mark.parametrize("method", METHODS)
def test_the_kernel_of_one_set_of_points_is_symmetric(method: str) -> None:
    kernel = empirical_ntk(make("mlp"), draw_points(9), method=method, chunk_size=4)  # type: ignore[arg-type]
    assert_close(kernel, kernel.T)


@pytest.mark.parametrize("outputs", ["full", "mean", 2])
@pytest.mark.parametrize("method", METHODS)
def test_a_weighting_scales_each_parameter(method: str, outputs: object) -> None:
    model, x, x2 = make("trainable frequencies"), draw_points(6), draw_points(4, seed=1)
    generator = torch.Generator().manual_seed(1)
    weighting = {
        name: torch.rand(p.shape, generator=generator, dtype=p.dtype)
        for name, p in model.named_parameters()
    }
    diagonal = torch.cat([w.flatten() for w in weighting.values()])
    full = (jacobian(model, x) * diagonal) @ jacobian(model, x2).T
    blocks = [full[o::3, o::3] for o in range(3)]
    expected = {"full": full, "mean": sum(blocks) / 3, 2: blocks[2]}[outputs]  # type: ignore[index]
    kernel = empirical_ntk(
        model,
        x,
        x2,
        outputs=outputs,  # type: ignore[arg-type]
        method=method,  # type: ignore[arg-type]
        weighting=weighting,
    )
    assert_close(kernel, expected)


def test_a_callable_is_differentiated_in_its_parameters() -> None:
    x = draw_points(5)
    params = {
        "w": torch.randn(2, 3, dtype=torch.float64),
        "unused": torch.ones(2, dtype=torch.float64),
    }
    kernel = empirical_ntk(lambda p, x: (x @ p["w"]).sin().sum(1), x, params=params)
    rows = (x @ params["w"]).cos()[:, None, :] * x[:, :, None]
    assert_close(kernel, rows.flatten(1) @ rows.flatten(1).T)


def test_a_measurement_composed_with_a_module_has_its_kernel() -> None:
    # The luminance of three outputs: Θ_luminance = Σ_op w_o w_p Θ_op.
    model, x = make("smooth"), draw_points(5)
    weights = torch.tensor([0.3, 0.6, 0.1], dtype=torch.float64)
    kernel = empirical_ntk(
        lambda params, x: torch.func.functional_call(model, params, (x,)) @ weights,
        x,
        params=dict(model.named_parameters()),
    )
    full = brute_force_ntk(model, x).view(5, 3, 5, 3)
    assert_close(kernel, torch.einsum("nomp,o,p->nm", full, weights, weights))


@pytest.mark.parametrize("method", METHODS)
def test_points_may_have_any_shape_and_outputs_more_axes(method: str) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 4))
    model = nn.Sequential(model, nn.Unflatten(1, (2, 2))).double()
    x = torch.rand(5, 2, 3, dtype=torch.float64)
    kernel = empirical_ntk(model, x, method=method)  # type: ignore[arg-type]
    assert_close(kernel, brute_force_ntk(model, x))


@pytest.mark.parametrize("method", METHODS)
def test_kernel_of_a_linear_model_is_x_xt(method: str) -> None:
    x = draw_points(5)
    model = nn.Linear(2, 1, bias=False).double()
    assert_close(empirical_ntk(model, x, method=method), x @ x.T)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", METHODS)
def test_a_bias_adds_one_and_outputs_of_a_linear_model_do_not_mix(method: str) -> None:
    x = draw_points(5)
    model = nn.Linear(2, 3).double()
    expected = torch.kron(x @ x.T + 1, torch.eye(3, dtype=torch.float64))
    assert_close(empirical_ntk(model, x, method=method), expected)  # type: ignore[arg-type]


def test_a_frozen_bias_adds_nothing() -> None:
    x = draw_points(5)
    model = nn.Linear(2, 1).double()
    model.bias.requires_grad_(False)
    assert_close(empirical_ntk(model, x), x @ x.T)


def test_frozen_frequencies_are_not_counted_and_trained_ones_are() -> None:
    x = draw_points(5)
    frozen, trained = make("mlp"), make("trainable frequencies")
    trained.load_state_dict(frozen.state_dict())
    extra = empirical_ntk(trained, x) - empirical_ntk(frozen, x)
    # Frequencies come first among the parameters.
    rows = jacobian(trained, x)[:, : 5 * 2]
    assert_close(extra, rows @ rows.T)


def test_a_gradient_step_changes_the_output_by_the_kernel() -> None:
    model, x = make("smooth"), draw_points(6)
    kernel = empirical_ntk(model, x)
    before = model(x).detach().flatten()
    residual = torch.randn(18, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rate = 1e-7
    (model(x).flatten() @ residual).backward()
    with torch.no_grad():
        for p in model.parameters():
            assert p.grad is not None
            p -= rate * p.grad
    change = (model(x).flatten() - before) / rate
    # The step is finite: relative error of its order.
    assert_close(change, -kernel @ residual, looser=1e4)


@pytest.mark.parametrize("steps", [1, 10, 200])
def test_full_batch_descent_on_a_linear_model_decays_along_eigenvectors(steps: int) -> None:
    torch.manual_seed(0)
    x, outputs = draw_points(6), 2
    encoding = GaussianEncoding(2, num_frequencies=12, scale=1.0)
    field = Field(encoding, MLPNetwork(24, outputs, hidden_layers=0)).double()
    values = torch.randn(6, outputs, dtype=torch.float64)
    kernel = empirical_ntk(field, x)
    eigenvalues, eigenvectors = torch.linalg.eigh(kernel)
    rate = 0.9 * 6 * outputs / eigenvalues.max().item()
    start = eigenvectors.T @ (field(x).detach() - values).flatten()
    optimizer = sgd(field, lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        mse(field, Batch(x, values)).backward()
        optimizer.step()
    end = eigenvectors.T @ (field(x).detach() - values).flatten()
    decay = (1 - 2 * rate * eigenvalues / (6 * outputs)) ** steps
    assert decay.min() < 0.9
    assert_close(end, decay * start)


def test_the_kernel_leaves_no_gradients_and_no_hooks() -> None:
    model = make("mlp")
    kernel = empirical_ntk(model, draw_points(4))
    assert not kernel.requires_grad
    assert all(p.grad is None for p in model.parameters())
    assert not any(m._forward_hooks for m in model.modules())


@pytest.mark.parametrize("method", METHODS)
def test_the_kernel_is_there_under_no_grad(method: str) -> None:
    model, x = make("mlp"), draw_points(4)
    expected = brute_force_ntk(model, x)
    with torch.no_grad():
        assert_close(empirical_ntk(model, x, method=method), expected)  # type: ignore[arg-type]


def test_the_dtype_of_the_model_is_that_of_the_kernel() -> None:
    model, x = make("smooth").float(), draw_points(5)
    assert empirical_ntk(model, x).dtype == torch.float32
    assert empirical_ntk(model.double(), x.float()).dtype == torch.float64
    assert empirical_ntk(model.bfloat16(), x).dtype == torch.float32


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"outputs": 3}, "outputs is 3; expected full, mean or a number below 3"),
        ({"outputs": -1}, "outputs is -1"),
        ({"outputs": "all"}, "outputs is 'all'"),
        ({"outputs": True}, "outputs is True"),
        ({"method": "magic"}, "method is 'magic'; expected one of auto, structured, contraction"),
        ({"chunk_size": 0}, "chunk_size is 0; expected 1 or more"),
        ({"dtype": torch.float16}, "dtype is torch.float16; expected torch.float32 or"),
    ],
)
def test_options_out_of_range_are_rejected(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        empirical_ntk(make("mlp"), draw_points(3), **options)  # type: ignore[arg-type]
