"""Duals of activations against integrals over the plane."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from inr.network._activation import ACTIVATIONS as NETWORK_ACTIVATIONS
from inr.ntk.infinite.dual_activation import (
    ACTIVATIONS,
    dual_activation,
    hermite_dual,
    leaky_relu_dual,
    sine_dual,
)
from tests.tolerance import assert_close

Function = Callable[[Tensor], Tensor]
# (q11, q12, q22): apart, alike, opposed, independent, coincident, opposite.
PAIRS = [
    (0.8, 0.3, 0.5),
    (0.9, 0.64, 0.5),
    (1.0, -0.6, 0.4),
    (0.7, 0.0, 0.2),
    (0.6, 0.6, 0.6),
    (0.6, -0.6, 0.6),
]


def derivative(function: Function) -> Function:
    def slopes(u: Tensor) -> Tensor:
        u = u.detach().requires_grad_()
        return torch.autograd.grad(function(u).sum(), u)[0]

    return slopes


def panels(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Gauss-Legendre nodes and weights on eight panels of intervals."""
    nodes, weights = (torch.tensor(part) for part in np.polynomial.legendre.leggauss(16))
    edges = low[..., None] + (high - low)[..., None] * torch.linspace(0, 1, 9).double()
    middle, half = (edges[..., 1:] + edges[..., :-1]) / 2, (edges[..., 1:] - edges[..., :-1]) / 2
    return (middle[..., None] + half[..., None] * nodes).flatten(-2), (
        half[..., None] * weights
    ).flatten(-2)


def integrate(function: Function, q11: float, q12: float, q22: float) -> Tensor:
    """``E[f(u) f(v)]``, over v for each u, with edges at zero, where functions have kinks."""

    def split(edge: Tensor) -> tuple[Tensor, Tensor]:
        edge = edge.clamp(-12, 12)
        below, above = panels(torch.full_like(edge, -12), edge), panels(edge, 0 * edge + 12)
        points = torch.cat([below[0], above[0]], -1)
        density = torch.exp(-points.square() / 2) / math.sqrt(2 * math.pi)
        return points, density * torch.cat([below[1], above[1]], -1)

    first, first_weights = split(torch.zeros((), dtype=torch.float64))
    mean, deviation = q12 / math.sqrt(q11) * first, math.sqrt(max(q22 - q12**2 / q11, 1e-30))
    second, second_weights = split(-mean / deviation)
    inner = (second_weights * function(mean[:, None] + deviation * second)).sum(-1)
    return (first_weights * function(math.sqrt(q11) * first) * inner).sum()


def as_tensors(pair: tuple[float, float, float]) -> list[Tensor]:
    return [torch.tensor(number, dtype=torch.float64) for number in pair]


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "elu"])
def test_a_dual_is_the_mean_over_two_gaussian_numbers(
    name: str, pair: tuple[float, float, float]
) -> None:
    function = ACTIVATIONS[name].function
    values, slopes = dual_activation(name, *as_tensors(pair))
    assert_close(values, integrate(function, *pair))
    assert_close(slopes, integrate(derivative(function), *pair))


@pytest.mark.parametrize("pair", PAIRS)
def test_a_jump_of_the_second_derivative_costs_digits(pair: tuple[float, float, float]) -> None:
    function = ACTIVATIONS["elu"].function
    values, slopes = dual_activation("elu", *as_tensors(pair))
    assert values.item() == pytest.approx(integrate(function, *pair).item(), abs=1e-5)
    assert slopes.item() == pytest.approx(integrate(derivative(function), *pair).item(), abs=3e-3)


@pytest.mark.parametrize(("slope", "frequency"), [(0.3, 2.5), (-0.5, 0.4)])
def test_slopes_and_frequencies_are_heeded(slope: float, frequency: float) -> None:
    for dual, function in (
        (leaky_relu_dual(slope), lambda u: torch.where(u > 0, u, slope * u)),
        (sine_dual(frequency), lambda u: torch.sin(frequency * u)),
    ):
        values, slopes = dual(*as_tensors(PAIRS[0]))
        assert_close(values, integrate(function, *PAIRS[0]))
        assert_close(slopes, integrate(derivative(function), *PAIRS[0]))


def test_a_common_uniform_bias_spreads_the_phase_of_sines() -> None:
    frequency, bound = 3.0, 0.4
    dual = sine_dual(frequency, spread=math.sin(2 * frequency * bound) / (2 * frequency * bound))
    biases, weights = np.polynomial.legendre.leggauss(24)
    for part, wave, factor in zip(
        dual(*as_tensors(PAIRS[0])), (torch.sin, torch.cos), (1, frequency**2), strict=True
    ):
        means = [
            integrate(lambda u, b=b, w=wave: w(frequency * (u + bound * b)), *PAIRS[0])
            for b in biases
        ]
        assert_close(part, factor * (torch.tensor(weights) @ torch.stack(means)) / 2)


@pytest.mark.parametrize(("closed", "variance"), [("erf", 1.5), ("sine", 8.0), ("identity", 5.0)])
def test_quadrature_finds_the_closed_forms(closed: str, variance: float) -> None:
    q = torch.tensor([[0.3], [variance]], dtype=torch.float64)
    correlation = torch.linspace(-1, 1, 9).double()
    arguments = (q, correlation * (q * 0.5).sqrt(), torch.tensor(0.5).double())
    series = hermite_dual(ACTIVATIONS[closed].function)(*arguments)
    for part, expected in zip(series, dual_activation(closed, *arguments), strict=True):
        assert_close(part, expected.expand_as(part))


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "erf", "sine", "gelu", "tanh", "softplus"])
def test_the_derivative_of_a_dual_is_the_dual_of_the_derivative(name: str) -> None:
    # Price's theorem, also of coincident and opposite numbers, where an arc cosine is infinitely
    # steep.
    q12 = torch.tensor([-0.64, -0.3, 0.0, 0.5, 0.64], dtype=torch.float64, requires_grad=True)
    q = torch.tensor(0.64, dtype=torch.float64)
    values, slopes = dual_activation(name, q, q12, q)
    assert_close(torch.autograd.grad(values.sum(), q12)[0], slopes)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradients_of_duals_are_those_of_their_differences(name: str) -> None:
    arguments = [q.requires_grad_() for q in as_tensors(PAIRS[0])]
    assert torch.autograd.gradcheck(ACTIVATIONS[name].dual, arguments)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradients_are_finite_wherever_numbers_coincide_or_vanish(name: str) -> None:
    for pair in ((0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0.0, 0.0, 0.5), (0.0, 0.0, 0.0)):
        arguments = [q.requires_grad_() for q in as_tensors(pair)]
        total = sum(ACTIVATIONS[name].dual(*arguments))
        gradients = torch.autograd.grad(total, arguments, allow_unused=True)
        assert all(g is None or g.isfinite() for g in gradients)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_number_that_is_always_zero_has_the_derivative_at_zero(name: str) -> None:
    function = ACTIVATIONS[name].function
    zero = torch.zeros((), dtype=torch.float64)
    start = zero.clone().requires_grad_()
    slope = torch.autograd.grad(function(start), start)[0]
    # The mean of one derivative alone, as the root of its square with an independent copy.
    variance = torch.tensor(0.5, dtype=torch.float64)
    mean_slope = torch.sign(slope + 0.1) * integrate(derivative(function), 0.5, 0.0, 0.5).sqrt()
    # Rounding of the derivative of elu by its quadrature.
    looser = 1e7 if name == "elu" else 10
    assert_close(dual_activation(name, zero, zero, variance)[1], slope * mean_slope, looser=looser)
    assert_close(dual_activation(name, zero, zero, zero)[1], slope**2, looser=looser)


def test_every_activation_of_the_networks_has_its_dual() -> None:
    u = torch.linspace(-3, 3, 25).double()
    for name, function in NETWORK_ACTIVATIONS.items():
        assert torch.equal(ACTIVATIONS[name].function(u), function(u))


def test_an_unknown_activation_is_rejected() -> None:
    one = torch.ones(())
    with pytest.raises(ValueError, match="activation is 'swish'; expected one of identity, relu"):
        dual_activation("swish", one, one, one)
