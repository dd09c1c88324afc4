"""Products with the kernel against the kernel."""

import pytest
import torch
from torch import Tensor, nn

from inr.ntk import NTKOperator, empirical_ntk, spectrum
from tests.ntk.brute_force import brute_force_ntk, jacobian
from tests.ntk.models import ALL, draw_points, make
from tests.tolerance import assert_close

LAYOUTS = ["full", "mean", 0]


def layout(full: Tensor, num_points: int, outputs: object) -> Tensor:
    """A brute-force kernel in one of the layouts."""
    count = len(full) // num_points
    blocks = [full[o::count, o::count] for o in range(count)]
    return {"full": full, "mean": torch.stack(blocks).mean(0), 0: blocks[0]}[outputs]  # type: ignore[index]


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("method", ["auto", "contraction"])
@pytest.mark.parametrize("outputs", LAYOUTS)
@pytest.mark.parametrize("name", ALL)
def test_products_diagonal_and_dense_are_the_kernels(
    name: str, outputs: object, method: str
) -> None:
    model, x = make(name), draw_points(7)
    expected = layout(brute_force_ntk(model, x), 7, outputs)
    operator = NTKOperator(model, x, outputs=outputs, method=method, chunk_size=3)  # type: ignore[arg-type]
    assert operator.shape == expected.shape
    block = random(len(expected), 4)
    for actual, wanted in (
        (operator @ block, expected @ block),
        (operator @ block[:, 0], expected @ block[:, 0]),
        (operator.diagonal(), expected.diagonal()),
        (operator.to_dense(), expected),
    ):
        assert actual.shape == wanted.shape
        assert (actual - wanted).norm() <= 1e-10 * wanted.norm()
    assert operator.trace() == pytest.approx(expected.trace().item(), rel=1e-10)


@pytest.mark.parametrize("outputs", LAYOUTS)
def test_a_weighting_scales_each_parameter(outputs: object) -> None:
    model, x = make("trainable frequencies"), draw_points(6)
    weighting = {
        name: random(*p.shape, seed=i).abs() for i, (name, p) in enumerate(model.named_parameters())
    }
    diagonal = torch.cat([w.flatten() for w in weighting.values()])
    rows = jacobian(model, x)
    expected = layout((rows * diagonal) @ rows.T, 6, outputs)
    operator = NTKOperator(model, x, outputs=outputs, weighting=weighting, chunk_size=4)  # type: ignore[arg-type]
    block = random(len(expected), 3)
    assert_close(operator @ block, expected @ block)
    assert_close(operator.diagonal(), expected.diagonal())
    assert_close(operator.to_dense(), expected)


@pytest.mark.parametrize("method", ["auto", "contraction"])
def test_the_jacobian_multiplies_from_both_sides(method: str) -> None:
    model, x = make("a complex layer"), draw_points(6)
    rows = jacobian(model, x)
    operator = NTKOperator(model, x, method=method, chunk_size=4).jacobian_operator  # type: ignore[arg-type]
    assert operator.shape == rows.shape
    u, v = random(rows.shape[1], 3), random(rows.shape[0], 3)
    assert_close(operator.matmul(u), rows @ u)
    assert_close(operator.rmatmul(v), rows.T @ v)


@pytest.mark.parametrize("outputs", LAYOUTS)
def test_the_dual_has_the_same_eigenvalues_and_lifts_to_eigenvectors(outputs: object) -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2)).double(), draw_points(30)
    expected = layout(brute_force_ntk(model, x), 30, outputs)
    dual = NTKOperator(model, x, outputs=outputs).dual()  # type: ignore[arg-type]
    assert dual.shape[0] < len(expected)
    values, vectors = torch.linalg.eigh(dual.to_dense())
    assert_close(values[-5:], torch.linalg.eigvalsh(expected)[-5:])
    lifted = dual.lift(vectors[:, -5:])
    assert_close(expected @ lifted, values[-5:] * lifted)
    assert_close(torch.linalg.vector_norm(lifted, dim=0), torch.ones(5))


@pytest.mark.parametrize("method", ["auto", "dense", "lanczos"])
def test_the_spectrum_of_a_model_with_few_parameters_is_that_of_its_kernel(method: str) -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1)).double(), draw_points(40)
    kernel = brute_force_ntk(model, x)
    found = spectrum(NTKOperator(model, x), 4, method=method, eigenvectors=True, tolerance=1e-9)
    values, vectors = found.eigenvalues, found.eigenvectors
    assert vectors is not None
    assert_close(values, torch.linalg.eigvalsh(kernel).flip(0)[:4])
    # To the tolerance.
    assert_close(kernel @ vectors, values * vectors, looser=100)
    if found.residuals is not None:
        residuals = torch.linalg.vector_norm(kernel @ vectors - values * vectors, dim=0)
        assert_close(found.residuals, residuals)


def test_the_dual_spectrum_has_the_zeros_of_the_kernel() -> None:
    torch.manual_seed(0)
    model, x = nn.Linear(2, 1).double(), draw_points(40)
    expected = torch.linalg.eigvalsh(brute_force_ntk(model, x)).flip(0)
    found = spectrum(NTKOperator(model, x))
    assert (found.rows, len(found.eigenvalues)) == (40, 40)
    assert_close(found.eigenvalues, expected)
    assert_close(spectrum(NTKOperator(model, x), 5).eigenvalues, expected[:5])


def test_the_dual_is_taken_where_it_is_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    # 4,500 rows and 3 parameters: dense, though the kernel is never formed.
    x = draw_points(4500)
    operator = NTKOperator(nn.Linear(2, 1).double(), x)
    monkeypatch.setattr(operator, "to_dense", lambda: pytest.fail("the kernel was formed"))
    found = spectrum(operator)
    assert found.method == "dense"
    lifted = torch.cat([x, torch.ones(4500, 1)], dim=1)
    assert_close(found.eigenvalues[:3], torch.linalg.eigvalsh(lifted.T @ lifted).flip(0))


def test_the_estimated_trace_is_within_its_error() -> None:
    operator = NTKOperator(make("mlp"), draw_points(20))
    estimate = operator.estimate_trace(64)
    assert 0 < estimate.error < 0.2 * operator.trace()
    assert abs(estimate.value - operator.trace()) < 3 * estimate.error


def test_the_error_of_the_estimated_trace_is_that_of_independent_samples() -> None:
    # The variance of Hutchinson's sample is 2 (‖Θ‖² - Σ Θ_ii²).
    operator = NTKOperator(make("mlp"), draw_points(20))
    kernel = operator.to_dense()
    variance = 2 * (kernel.square().sum() - kernel.diagonal().square().sum())
    error = operator.estimate_trace(2000).error
    assert error == pytest.approx((variance / 2000).sqrt().item(), rel=0.1)


@pytest.mark.parametrize("method", ["auto", "contraction"])
def test_an_operator_keeps_the_weights_it_was_made_with(method: str) -> None:
    model, x = make("trainable frequencies"), draw_points(6)
    expected = brute_force_ntk(model, x)
    operator = NTKOperator(model, x, method=method, chunk_size=4)  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)
    assert_close(operator @ torch.eye(18, dtype=torch.float64), expected)
    assert_close(operator.to_dense(), expected)


@pytest.mark.parametrize("name", ["mlp", "trainable frequencies", "a matrix product"])
def test_nothing_holds_a_graph(name: str) -> None:
    model, x = make(name), draw_points(5)
    operator = NTKOperator(model, x, chunk_size=2)
    for tensor in (
        empirical_ntk(model, x),
        operator @ random(15, 2),
        operator.diagonal(),
        operator.to_dense(),
        operator.dual() @ random(operator.dual().shape[0], 2),
    ):
        assert not tensor.requires_grad
    assert spectrum(operator, method="quadrature").band is not None


def test_factors_that_do_not_fit_are_computed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = make("mlp"), draw_points(9)
    block = random(27, 2)
    expected = NTKOperator(model, x, chunk_size=4) @ block
    monkeypatch.setattr("inr.ntk.kernel.jacobian.CACHE_BYTES", 0)
    operator = NTKOperator(model, x, chunk_size=4)
    assert_close(operator @ block, expected)
    assert not operator.jacobian_operator._factors


def test_float32_products_are_right_to_a_hundred_thousandth() -> None:
    model, x = make("siren"), draw_points(50)
    block = random(150, 4)
    expected = NTKOperator(model, x) @ block
    product = NTKOperator(model, x, dtype=torch.float32) @ block.float()
    assert product.dtype == torch.float32
    assert (product.double() - expected).norm() <= 1e-5 * expected.norm()


def test_a_callable_has_products() -> None:
    x = draw_points(5)
    params = {"w": random(2, 3)}
    operator = NTKOperator(lambda p, x: (x @ p["w"]).sin().sum(1), x, params=params)
    rows = ((x @ params["w"]).cos()[:, None, :] * x[:, :, None]).flatten(1)
    assert_close(operator @ random(5), rows @ rows.T @ random(5))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_products_on_a_gpu_are_those_on_the_cpu() -> None:
    model, x = make("trainable frequencies"), draw_points(9)
    block = random(27, 2)
    expected = NTKOperator(model, x) @ block
    product = NTKOperator(model.cuda(), x, chunk_size=4) @ block.cuda()
    assert_close(product.cpu(), expected)
