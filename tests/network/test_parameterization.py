"""The three regimes of wide networks, by their purposes."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from inr.network import MLPNetwork, Network, SirenNetwork
from inr.ntk import empirical_ntk, max_lr
from inr.optimizer import adam, adamw, sgd
from tests.tolerance import assert_close

WIDTHS = (64, 256, 1024)
KINDS: list[type[Network]] = [MLPNetwork, SirenNetwork]


def make(
    kind: Callable[..., Network], parameterization: str, width: int = 64, **options: object
) -> Network:
    """Its weights are drawn in float64, so that regimes agree to its last digits."""
    torch.manual_seed(width)
    torch.set_default_dtype(torch.float64)
    try:
        return kind(4, 2, hidden_features=width, parameterization=parameterization, **options)
    finally:
        torch.set_default_dtype(torch.float32)


def points() -> Tensor:
    x = torch.randn(12, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return 2 * x / torch.linalg.vector_norm(x, dim=1, keepdim=True)


def targets() -> Tensor:
    return torch.sin(3 * points()[:, :2])


def slope(widths: tuple[int, ...], values: list[float]) -> float:
    """Of the straight line through logarithms."""
    x, y = torch.tensor(widths).double().log(), torch.tensor(values).double().log()
    return (((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()).item()


@pytest.mark.parametrize("options", [{}, {"hidden_layers": 1}, {"hidden_layers": 3, "skips": (1,)}])
def test_ntk_starts_as_the_same_function_as_standard(options: dict[str, object]) -> None:
    x = points()
    for kind in KINDS if "skips" not in options else KINDS[:1]:
        assert_close(make(kind, "ntk", **options)(x), make(kind, "standard", **options)(x))


@pytest.mark.parametrize("kind", KINDS)
def test_mean_field_starts_as_standard_over_the_root_of_the_width(kind: type[Network]) -> None:
    x = points()
    for width in (16, 64):
        standard = make(kind, "standard", width)(x)
        assert_close(make(kind, "mean_field", width)(x), standard / math.sqrt(width))


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_counts_each_factor_twice(kind: type[Network]) -> None:
    """The kernel is the sum over layers of s² times the kernel of the effective weights."""
    x = points()
    network = make(kind, "mean_field", 16)
    kernel = torch.zeros(24, 24, dtype=torch.float64)
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    plain = make(kind, "standard", 16)
    with torch.no_grad():
        for layer, twin in zip(layers, filter(is_linear, plain.modules()), strict=True):
            twin.weight.copy_(layer.weight_scale * layer.weight)
            twin.bias.copy_(layer.bias_scale * layer.bias)
    for layer, twin in zip(layers, filter(is_linear, plain.modules()), strict=True):
        for scale, parameter in ((layer.weight_scale, twin.weight), (layer.bias_scale, twin.bias)):
            plain.requires_grad_(False)
            parameter.requires_grad_(True)
            kernel += scale**2 * empirical_ntk(plain, x)
    assert_close(empirical_ntk(network, x), kernel)


def is_linear(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear)


@pytest.mark.parametrize(
    ("parameterization", "expected"), [("standard", -1.0), ("ntk", 0.0), ("mean_field", 0.0)]
)
def test_the_largest_stable_rate_transfers_across_width(
    parameterization: str, expected: float
) -> None:
    rates = []
    for width in WIDTHS:
        network = make(MLPNetwork, parameterization, width, initialization="he")
        kernel = empirical_ntk(network, points())
        rates.append(max_lr(torch.linalg.eigvalsh(kernel)[-1].item(), 24))
    # The kernel of one network of 64 neurons is some 10 % off its mean.
    assert abs(slope(WIDTHS, rates) - expected) < 0.1


def drift(parameterization: str, width: int) -> float:
    """How far the kernel moves while gradient descent learns, relative to where it began."""
    network = make(MLPNetwork, parameterization, width, hidden_layers=2, initialization="he")
    before = empirical_ntk(network, points())
    optimizer = sgd(network, lr=0.6 / width if parameterization == "standard" else 0.1)
    start = loss = (network(points()) - targets()).square().mean()
    for _ in range(100):
        optimizer.zero_grad()
        loss = (network(points()) - targets()).square().mean()
        loss.backward()
        optimizer.step()
    assert loss < 0.3 * start
    change = empirical_ntk(network, points()) - before
    return (change.norm() / before.norm()).item()


@pytest.mark.parametrize("parameterization", ["standard", "ntk"])
def test_the_kernel_of_a_wide_network_stays(parameterization: str) -> None:
    drifts = [drift(parameterization, width) for width in WIDTHS]
    # Theory says between -1/2 and -1, by the order of the first change that does not vanish.
    assert -1.1 < slope(WIDTHS, drifts) < -0.45


def test_under_mean_field_the_kernel_moves_whatever_the_width() -> None:
    drifts = [drift("mean_field", width) for width in WIDTHS]
    assert abs(slope(WIDTHS, drifts)) < 0.15
    assert min(drifts) > 0.5


@pytest.mark.parametrize("parameterization", ["ntk", "mean_field"])
def test_a_step_of_adam_transfers_across_width(parameterization: str) -> None:
    moves = {"standard": [], parameterization: []}
    for kind, found in moves.items():
        for width in WIDTHS:
            network = make(MLPNetwork, kind, width, initialization="he")
            before = network(points()).detach()
            optimizer = adam(network, lr=1e-4)
            (network(points()) - targets()).square().mean().backward()
            optimizer.step()
            found.append((network(points()) - before).square().mean().sqrt().item())
    # Weights that all move by the learning rate add up: faster than the width.
    assert slope(WIDTHS, moves["standard"]) > 0.7
    assert abs(slope(WIDTHS, moves[parameterization])) < 0.2


def make_with_biases_alone(parameterization: str, width: int) -> Network:
    """Of its hidden layers."""
    network = make(MLPNetwork, parameterization, width, hidden_layers=2, initialization="he")
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name.startswith("hidden") and name.endswith("bias"))
    return network


@pytest.mark.parametrize("parameterization", ["ntk", "mean_field"])
def test_hidden_biases_count_the_same_at_every_width(parameterization: str) -> None:
    traces, moves = [], []
    for width in WIDTHS:
        network = make_with_biases_alone(parameterization, width)
        traces.append(empirical_ntk(network, points()).trace().item())
        before = network(points()).detach()
        optimizer = adam(network, lr=1e-4)
        (network(points()) - targets()).square().mean().backward()
        optimizer.step()
        moves.append((network(points()) - before).square().mean().sqrt().item())
    assert abs(slope(WIDTHS, traces)) < 0.1
    assert abs(slope(WIDTHS, moves)) < 0.2


def test_adam_under_mean_field_has_the_rates_of_standard_at_width_256() -> None:
    network = make(MLPNetwork, "mean_field", 256, hidden_layers=2)
    rates = {
        id(p): group["lr"] for group in adam(network, lr=1e-3).param_groups for p in group["params"]
    }
    for layer in (*network.hidden, network.output):
        assert_close(rates[id(layer.weight)] * layer.weight_scale, 1e-3)
        assert_close(rates[id(layer.bias)] * layer.bias_scale, 1e-3)


@pytest.mark.parametrize("parameterization", ["standard", "ntk", "mean_field"])
def test_weight_decay_takes_the_same_share_of_every_layer(parameterization: str) -> None:
    network = make(MLPNetwork, parameterization, 64)
    before = [p.detach().clone() for p in network.parameters()]
    optimizer = adamw(network, lr=0.1, weight_decay=0.2)
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for parameter, start in zip(network.parameters(), before, strict=True):
        assert_close(parameter, (1 - 0.1 * 0.2) * start)


def test_another_regime_is_rejected() -> None:
    with pytest.raises(ValueError, match="parameterization is 'mup'; expected one of standard"):
        MLPNetwork(2, 1, parameterization="mup")
