"""Kernels of infinite width of this package's fields against wide ones."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inr.encoding import GaussianEncoding, IdentityEncoding
from inr.field import Field
from inr.field.infinite_ntk import infinite_ntk_of, read_layers
from inr.network import MLPNetwork, Network, SirenNetwork
from inr.network._initialization import INITIALIZATIONS
from inr.ntk.infinite.dual_activation import ACTIVATIONS
from inr.ntk.infinite.infinite import infinite_ntk
from inr.ntk.infinite.uniform_weights import sobol_moments, uniform_sine_moments
from inr.ntk.kernel.empirical import empirical_ntk
from tests.ntk.models import draw_points
from tests.tolerance import assert_close

PARAMETERIZATIONS = ("standard", "ntk", "mean_field")
NETWORKS: dict[str, Callable[..., Network]] = {
    "torch": lambda **options: MLPNetwork(2, 1, hidden_layers=2, **options),
    "he": lambda **options: MLPNetwork(2, 1, hidden_layers=2, initialization="he", **options),
    "glorot": lambda **options: MLPNetwork(
        2, 1, hidden_layers=2, initialization="glorot", activation="sine", **options
    ),
    "sine": lambda **options: MLPNetwork(2, 1, hidden_layers=2, activation="sine", **options),
    "skips": lambda **options: MLPNetwork(
        2, 1, hidden_layers=3, skips=(1, 2), activation="gelu", **options
    ),
    "siren": lambda **options: SirenNetwork(
        2, 1, hidden_layers=3, omega=6.0, hidden_omega=3.0, **options
    ),
}


def make(name: str, width: int, seed: int = 0, **options: Any) -> Field:
    torch.manual_seed(seed)
    network = NETWORKS[name](hidden_features=width, **options)
    return Field(IdentityEncoding(2), network).double()


def distance(kernel: Tensor, expected: Tensor) -> float:
    """Relative, in the Frobenius norm."""
    return (torch.linalg.norm(kernel - expected) / torch.linalg.norm(expected)).item()


# The last bias, exact at any width, is a third of the standard kernel of "torch" with 64 units and
# a thirtieth with 1,024: the error relative to all of it falls more slowly.
@pytest.mark.parametrize(
    ("name", "parameterization"), [("torch", "ntk"), ("he", "standard"), ("siren", "standard")]
)
def test_kernels_of_networks_approach_theirs_as_one_over_the_root_of_the_width(
    name: str, parameterization: str
) -> None:
    x, options = draw_points(10), {"parameterization": parameterization}
    widths, errors = [64, 128, 256, 512, 1024], []
    for width in widths:
        expected = infinite_ntk_of(make(name, width, **options), x).ntk
        kernels = [empirical_ntk(make(name, width, seed, **options), x) for seed in range(12)]
        squares = [distance(kernel, expected) ** 2 for kernel in kernels]
        errors.append(math.sqrt(np.mean(squares)))
    slope = np.polyfit(np.log(widths), np.log(errors), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.1)
    assert errors[-1] < 4 / math.sqrt(1024)


@pytest.mark.parametrize("parameterization", PARAMETERIZATIONS)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_mean_over_initialisations_is_the_kernel_of_infinite_width(
    name: str, parameterization: str
) -> None:
    x = draw_points(8)
    kernels = torch.stack(
        [
            empirical_ntk(make(name, 256, seed, parameterization=parameterization), x)
            for seed in range(24)
        ]
    )
    expected = infinite_ntk_of(make(name, 256, parameterization=parameterization), x).ntk
    error = torch.linalg.norm(kernels.mean(0) - expected)
    chance = torch.linalg.norm(kernels.std(0)) / math.sqrt(len(kernels))
    # A share of 1/n is not of the limit.
    assert error < 2.5 * chance + torch.linalg.norm(expected) / 256
    assert chance < 0.05 * torch.linalg.norm(expected)


@pytest.mark.parametrize("parameterization", PARAMETERIZATIONS)
@pytest.mark.parametrize("name", NETWORKS)
def test_layers_are_read_as_they_are_initialised(name: str, parameterization: str) -> None:
    network = make(name, 400, parameterization=parameterization).network
    linears = [m for m in network.modules() if isinstance(m, nn.Linear)]
    linears.sort(key=lambda linear: linear is network.output)
    layers, first = read_layers(network)  # type: ignore[arg-type]
    assert (first is None) == (name in ("he", "glorot"))
    for number, (layer, linear) in enumerate(zip(layers, linears, strict=True)):
        assert layer.weight_rate == pytest.approx(linear.weight_scale**2)  # type: ignore[operator]
        assert layer.bias_rate == pytest.approx(linear.bias_scale**2)  # type: ignore[operator]
        assert layer.width == linear.out_features
        assert layer.skip == (name == "skips" and number in (1, 2))
        weights = linear.weight_scale * linear.weight.detach()  # type: ignore[operator]
        # Four deviations of a variance that is estimated from so many numbers.
        noise = 4 * math.sqrt(2 / weights.numel())
        assert weights.square().mean().item() == pytest.approx(layer.weight_variance, rel=noise)
        biases = linear.bias_scale * linear.bias.detach()  # type: ignore[operator]
        if layer is not layers[-1] and name not in ("sine", "siren"):
            noise = 4 * math.sqrt(2 / biases.numel())
            assert biases.square().mean().item() == pytest.approx(layer.bias_variance, rel=noise)


@pytest.mark.parametrize(
    ("name", "parameterization"),
    [("torch", "mean_field"), ("glorot", "ntk"), ("siren", "standard")],
)
def test_outputs_of_many_networks_have_the_covariance_that_is_told(
    name: str, parameterization: str
) -> None:
    x, options = draw_points(5), {"parameterization": parameterization}
    fields = [make(name, 96, seed, **options) for seed in range(300)]
    outputs = torch.stack([field(x)[:, 0].detach() for field in fields])
    expected = infinite_ntk_of(fields[0], x).nngp
    # Deviation of the mean of that many products of two Gaussian numbers.
    variance = expected.diagonal()
    chance = ((variance[:, None] * variance + expected.square()) / len(fields)).sqrt()
    scores = (outputs.T @ outputs / len(fields) - expected) / chance
    assert scores.abs().max() < 3.5


@pytest.mark.parametrize("name", ["torch", "glorot", "siren"])
def test_the_kernel_of_the_last_layer_is_the_conjugate_kernel(name: str) -> None:
    x = draw_points(6)
    trained = make(name, 64, trainable="last_layer")
    kernels = infinite_ntk_of(trained, x)
    layer = read_layers(trained.network)[0][-1]  # type: ignore[arg-type]
    # Outputs are sums of features, each weighed by a random number or by a step of training.
    features = (kernels.nngp - layer.bias_variance) / layer.weight_variance
    assert_close(kernels.ntk, features + 1)
    assert_close(kernels.nngp, infinite_ntk_of(make(name, 64), x).nngp)
    wide = make(name, 1024, trainable="last_layer")
    # Of one initialisation: four over the root of the width.
    assert distance(empirical_ntk(wide, x), infinite_ntk_of(wide, x).ntk) < 4 / math.sqrt(1024)


def test_the_first_layer_of_a_relu_network_learns_on_the_circle_as_in_closed_form() -> None:
    angles = 2 * math.pi * torch.arange(32).double() / 32
    circle = torch.stack([angles.cos(), angles.sin()], dim=1)
    apart = (angles[:, None] - angles).abs()
    apart = torch.minimum(apart, 2 * math.pi - apart)
    # Twice the kernel of Basri et al. 2019: the last layer's weights have the variance 2/n.
    expected = 2 * torch.cos(apart) * (math.pi - apart) / (2 * math.pi)
    torch.manual_seed(0)
    network = MLPNetwork(2, 1, hidden_layers=1, hidden_features=8192, initialization="he")
    network.requires_grad_(False)
    network.hidden[0].weight.requires_grad_(True)  # type: ignore[union-attr]
    assert_close(infinite_ntk_of(network, circle).ntk, expected)
    assert distance(empirical_ntk(network.double(), circle), expected) < 0.03


@pytest.mark.parametrize("parameterization", PARAMETERIZATIONS)
def test_he_networks_are_those_of_the_recursion_with_a_variance_of_two(
    parameterization: str,
) -> None:
    x = draw_points(5)
    encoding = GaussianEncoding(2, num_frequencies=6, scale=3.0).double()
    network = MLPNetwork(
        12,
        3,
        hidden_features=50,
        activation="softplus",
        initialization="he",
        parameterization=parameterization,
    )
    if parameterization == "ntk":
        # Where the recursion's biases have the factor 0.
        for layer in (*network.hidden, network.output):
            layer.bias.requires_grad_(False)  # type: ignore[union-attr]
    expected = infinite_ntk(
        encoding(x),
        hidden_layers=3,
        hidden_features=50,
        activation="softplus",
        parameterization=parameterization,
        weight_std=math.sqrt(2),
        bias_std=0.0,
    )
    for kernels in (
        infinite_ntk_of(Field(encoding, network), x),
        infinite_ntk_of(network, encoding(x)),
    ):
        # The networks' weights begin with that variance, where the recursion has it as a factor.
        assert_close(kernels.ntk, expected.ntk / (2 if parameterization == "ntk" else 1))
        assert_close(kernels.nngp, expected.nngp)


def test_present_weights_and_a_linearisation_change_nothing() -> None:
    x = draw_points(4)
    for name in ("torch", "siren"):
        expected = infinite_ntk_of(make(name, 32), x)
        trained = make(name, 32, parameterization="standard")
        for parameter in trained.parameters():
            parameter.data.fill_(7.0)
        for field in (trained, make(name, 32, linearized=True), trained.float()):
            for part, whole in zip(infinite_ntk_of(field, x), expected, strict=True):
                assert torch.equal(part, whole)


def test_phases_of_an_encoding_are_computed_in_double_precision() -> None:
    encoding = GaussianEncoding(2, num_frequencies=6, scale=50.0)
    field, x = Field(encoding, MLPNetwork(12, 1, initialization="he")), draw_points(4).float()
    single = infinite_ntk_of(field, x)
    assert encoding.frequencies.dtype == torch.float32
    assert_close(single.ntk, infinite_ntk_of(field.double(), x.double()).ntk)


def test_a_network_without_hidden_layers_is_a_linear_map() -> None:
    x = draw_points(4)
    for parameterization, weight in (("standard", 1.0), ("ntk", 0.5), ("mean_field", 0.5)):
        network = MLPNetwork(2, 1, hidden_layers=0, parameterization=parameterization)
        kernels = infinite_ntk_of(network, x)
        assert_close(kernels.ntk, weight * x @ x.T + 1)
        assert_close(kernels.nngp, (x @ x.T + 1) / 6)


@pytest.mark.parametrize(("name", "chunk_size"), [("torch", 3), ("siren", 2), ("skips", 4)])
def test_tiles_and_batches_are_parts_of_the_whole(name: str, chunk_size: int) -> None:
    field, x, x2 = make(name, 32), draw_points(5), draw_points(4, seed=1)
    whole = infinite_ntk_of(field, x, x2)
    tiled = infinite_ntk_of(field, x, x2, chunk_size=chunk_size)
    joint = infinite_ntk_of(field, torch.cat([x, x2]), chunk_size=chunk_size)
    batched = infinite_ntk_of(field, torch.stack([x2[:3], x[:3]]), x2)
    for part in range(2):
        assert_close(tiled[part], whole[part])
        assert_close(joint[part][:5, 5:], whole[part])
        assert_close(batched[part][1], whole[part][:3])


@pytest.mark.parametrize("name", ["torch", "siren"])
def test_gradients_in_the_coordinates_are_those_of_differences(name: str) -> None:
    field = make(name, 8, activation="gelu") if name == "torch" else make(name, 8)
    points = [draw_points(2).requires_grad_(), draw_points(1, seed=1).requires_grad_()]
    assert torch.autograd.gradcheck(lambda a, b: infinite_ntk_of(field, a, b), points)
    coincident = draw_points(2).requires_grad_()
    kernel = infinite_ntk_of(field, coincident).ntk
    assert torch.autograd.grad(kernel.sum(), coincident)[0].isfinite().all()


def legendre_units(count: int, *bounds: float) -> tuple[Tensor, Tensor]:
    """Uniform numbers within bounds, and their weights, by Gauss-Legendre quadrature."""
    nodes, weights = (torch.tensor(part) for part in np.polynomial.legendre.leggauss(count))
    units = torch.cartesian_prod(*(bound * nodes for bound in bounds))
    units = units.reshape(-1, len(bounds))
    shares = torch.cartesian_prod(*[weights / 2] * len(bounds)).reshape(-1, len(bounds))
    return units, shares.prod(-1)


@pytest.mark.parametrize("kind", ["sine", "tanh"])
def test_uniform_weights_are_integrated_over_their_cube(kind: str) -> None:
    x1, x2 = 2 * draw_points(4) - 1, 2 * draw_points(3, seed=1) - 1
    units, weights = legendre_units(40, 0.8, 0.8, 0.3)
    if kind == "sine":
        frequency, looser = 5.0, 1.0
        gram, slopes = uniform_sine_moments(frequency, 0.8, 0.3)(x1, x2)
        function: Callable[[Tensor], Tensor] = lambda u: torch.sin(frequency * u)  # noqa: E731
    else:
        # The error of that many points, relative to 1e-9.
        looser = 2e4
        gram, slopes = sobol_moments(torch.tanh, 2, 0.8, 0.3)(x1, x2)
        function = torch.tanh

    def products(left: Tensor, right: Tensor, *, of_slopes: bool = False) -> Tensor:
        parts = []
        for x in (left, right):
            u = (x @ units[:, :2].T + units[:, 2]).requires_grad_()
            values = function(u)
            parts.append(torch.autograd.grad(values.sum(), u)[0] if of_slopes else values.detach())
        return (weights * parts[0]) @ parts[1].T

    assert_close(gram.cross, products(x1, x2), looser=looser)
    assert_close(gram.left[:, 0], products(x1, x1).diagonal(), looser=looser)
    assert_close(gram.right[0], products(x2, x2).diagonal(), looser=looser)
    assert_close(slopes, products(x1, x2, of_slopes=True), looser=looser)


@pytest.mark.parametrize("name", ["sine", "siren"])
def test_later_sines_share_the_phase_of_their_uniform_bias(name: str) -> None:
    # Narrow, so that biases of ±1/√12 are not small.
    field = make(name, 12)
    frequency = 3.0 if name == "siren" else 1.0
    layer = read_layers(field.network)[0][1]  # type: ignore[arg-type]
    covariance = torch.tensor([[0.5, 0.2], [0.2, 0.3]], dtype=torch.float64)
    nodes, weights = (torch.tensor(part) for part in np.polynomial.hermite_e.hermegauss(40))
    pairs = torch.cartesian_prod(nodes, nodes) @ torch.linalg.cholesky(covariance).T
    chances = torch.cartesian_prod(weights, weights).prod(-1) / (2 * math.pi)
    biases, shares = legendre_units(20, 1 / math.sqrt(12))
    phases = frequency * (pairs[:, None] + biases)
    assert layer.dual is not None and layer.bias_variance == 0
    computed = layer.dual(covariance[0, 0], covariance[0, 1], covariance[1, 1])
    for part, wave, factor in zip(computed, (torch.sin, torch.cos), (1, frequency), strict=True):
        products = (factor * wave(phases)).prod(-1)
        assert_close(part, chances @ products @ shares)


@pytest.mark.parametrize("in_features", [1, 4, 12])
def test_few_uniform_weights_of_kinked_activations_are_known_within_a_percent(
    in_features: int,
) -> None:
    generator = torch.Generator().manual_seed(0)
    x = 2 * torch.rand(6, in_features, generator=generator, dtype=torch.float64) - 1
    bound = 1 / math.sqrt(in_features)
    gram, slopes = sobol_moments(torch.relu, in_features, bound, bound)(x, x)
    # Ordinary Monte Carlo, with 64 times as many units.
    units = bound * (
        2 * torch.rand(2**20, in_features + 1, generator=generator, dtype=torch.float64) - 1
    )
    values = torch.relu(x @ units[:, :-1].T + units[:, -1])
    expected = values @ values.T / len(units)
    signs = values.sign()
    assert (gram.cross - expected).abs().max() < 0.01 * expected.max()
    assert (slopes - signs @ signs.T / len(units)).abs().max() < 0.01


def test_every_initialisation_and_activation_is_known() -> None:
    x = draw_points(3)
    for initialization in INITIALIZATIONS:
        network = MLPNetwork(2, 1, hidden_features=4, initialization=initialization)
        assert infinite_ntk_of(network, x).ntk.isfinite().all()
    for activation in set(ACTIVATIONS) - {"erf"}:
        network = MLPNetwork(2, 1, hidden_features=4, hidden_layers=1, activation=activation)
        assert infinite_ntk_of(network, x).ntk.isfinite().all()


def test_fields_without_a_limit_are_rejected() -> None:
    x = draw_points(3)
    squashed = MLPNetwork(2, 1, output_activation="sigmoid")
    with pytest.raises(ValueError, match="output_activation is 'sigmoid', behind which the kernel"):
        infinite_ntk_of(squashed, x)
    encoding = GaussianEncoding(2, num_frequencies=4, trainable=True)
    field = Field(encoding, MLPNetwork(8, 1))
    with pytest.raises(ValueError, match=r"GaussianEncoding is trained, .* requires_grad_"):
        infinite_ntk_of(field, x)
    encoding.requires_grad_(False)
    assert infinite_ntk_of(field, x).ntk.isfinite().all()
    with pytest.raises(TypeError, match="the network is Linear, whose initialisation is not known"):
        infinite_ntk_of(nn.Linear(2, 1), x)
    with pytest.raises(ValueError, match="x1 has 2 features; expected the 8 of the network"):
        infinite_ntk_of(field.network, x)
