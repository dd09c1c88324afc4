"""The sinusoidal network against numpy and against the theorem it is initialised by."""

import math

import numpy as np
import pytest
import torch

from inr.network import SirenNetwork
from tests.tolerance import assert_close


def preactivations(
    network: SirenNetwork, features: np.ndarray
) -> tuple[list[np.ndarray], np.ndarray]:
    """Arguments of every sine, and the output, by the docstring's formula."""
    omegas = [network.omega] + len(network.hidden) * [network.hidden_omega]
    arguments, hidden = [], features
    for omega, layer in zip(omegas, (network.first, *network.hidden), strict=True):
        weight, bias = (p.detach().numpy() for p in layer.parameters())
        arguments.append(omega * (hidden @ weight.T + bias))
        hidden = np.sin(arguments[-1])
    weight, bias = (p.detach().numpy() for p in network.output.parameters())
    return arguments, hidden @ weight.T + bias


@pytest.mark.parametrize("hidden_layers", [1, 2, 4])
def test_values_follow_the_formula(hidden_layers: int) -> None:
    torch.manual_seed(0)
    network = SirenNetwork(
        2, 3, hidden_features=8, hidden_layers=hidden_layers, omega=20.0, hidden_omega=7.0
    ).double()
    features = 2 * torch.rand(9, 2, dtype=torch.float64) - 1
    arguments, values = preactivations(network, features.numpy())
    assert len(arguments) == hidden_layers
    assert_close(network(features), values)


def test_weights_start_within_the_bounds_of_the_paper() -> None:
    torch.manual_seed(0)
    network = SirenNetwork(50, 40, hidden_features=300, hidden_layers=3, hidden_omega=15.0)
    bounds = [(network.first, 1 / 50)]
    bounds += [(layer, math.sqrt(6 / 300) / 15) for layer in (*network.hidden, network.output)]
    for layer, bound in bounds:
        largest = layer.weight.abs().max().item()
        assert 0.99 * bound < largest <= bound
        # A uniform law's deviation is its bound over √3; its standard error is below 1/√(2n).
        deviation = layer.weight.detach().std().item() * math.sqrt(3) / bound
        assert abs(deviation - 1) < 5 / math.sqrt(2 * layer.weight.numel())


@pytest.mark.parametrize("hidden_omega", [10.0, 30.0])
def test_hidden_preactivations_are_normal_with_the_variance_of_the_theory(
    hidden_omega: float,
) -> None:
    torch.manual_seed(0)
    network = SirenNetwork(
        1, 1, hidden_features=1024, hidden_layers=5, hidden_omega=hidden_omega
    ).double()
    for layer in network.hidden:
        # The theorem of the paper's supplement 1.3 is without the biases.
        torch.nn.init.zeros_(layer.bias)
    features = torch.linspace(-1, 1, 400, dtype=torch.float64)[:, None]
    arguments, _ = preactivations(network, features.numpy())
    # Var = n · 2/n · E[h²]: 1 after arcsine activations, 1 - exp(-2v) after sines of N(0, v).
    variance = 1.0
    for layer, argument in enumerate(arguments[1:]):
        # Finite width makes the variance a random walk over layers, a few per cent at 1024.
        assert abs(argument.var() / variance - 1) < 0.1, layer
        # The share within one deviation is 0.683 for a normal law, 0.577 for a uniform one.
        assert abs((np.abs(argument) < argument.std()).mean() - 0.683) < 0.02, layer
        variance = 1 - math.exp(-2 * variance)


def test_first_activations_are_arcsine_distributed() -> None:
    torch.manual_seed(0)
    network = SirenNetwork(1, 1, hidden_features=1024, hidden_layers=1).double()
    features = torch.linspace(-1, 1, 400, dtype=torch.float64)[:, None]
    activations = np.sin(preactivations(network, features.numpy())[0][0])
    # P(|sin| < t) = 2 asin(t) / π when the phase covers periods evenly.
    for threshold in (0.2, 0.5, 0.9):
        expected = 2 * math.asin(threshold) / math.pi
        # Phases of at most ±30 rad (plus a bias) do not cover a whole number of periods.
        assert abs((np.abs(activations) < threshold).mean() - expected) < 0.05


def test_omega_is_the_highest_frequency_of_the_first_layer() -> None:
    torch.manual_seed(0)
    network = SirenNetwork(1, 1, hidden_features=200, hidden_layers=1, omega=30.0).double()
    points = torch.zeros(1, 1, dtype=torch.float64, requires_grad=True)
    phases = network.omega * network.first(points)
    slopes = torch.stack([torch.autograd.grad(p, points, retain_graph=True)[0] for p in phases[0]])
    assert 29 < slopes.abs().max() <= 30


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"omega": 0.0}, "omega is 0.0; expected a finite number above 0"),
        ({"hidden_omega": -1.0}, "hidden_omega is -1.0"),
        ({"hidden_layers": 0}, "hidden_layers is 0; expected 1 or more"),
        ({"hidden_features": 0}, "hidden_features is 0"),
    ],
)
def test_options_out_of_range_are_rejected(options: dict[str, float], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        SirenNetwork(2, 1, **options)  # type: ignore[arg-type]
