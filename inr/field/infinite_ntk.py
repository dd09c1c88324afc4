"""Infinite-width kernels of fields, from the initialisation of their networks."""

import copy
import math
from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor, nn

from inr.network import MLPNetwork, SirenNetwork
from inr.ntk.infinite.dual_activation import ACTIVATIONS, sine_dual
from inr.ntk.infinite.infinite import (
    InfiniteKernel,
    Moments,
    WideLayer,
    check_features,
    propagate,
    tile_kernels,
)
from inr.ntk.infinite.uniform_weights import sinc, sobol_moments, uniform_sine_moments

# With more inputs, taking a sum of uniform weights as Gaussian errs less than quasi-Monte Carlo.
FEW_FEATURES = 12


class Draw(NamedTuple):
    """The distribution of a layer's initial weights and biases, as the layer uses them.

    Attributes:
        weight_variance: Variance of a weight.
        bias_variance: Variance of a bias.
        uniform: Whether the distribution is uniform; it is Gaussian otherwise.
    """

    weight_variance: float
    bias_variance: float
    uniform: bool

    @property
    def weight_bound(self) -> float:
        """Bound of uniform weights."""
        return math.sqrt(3 * self.weight_variance)

    @property
    def bias_bound(self) -> float:
        """Bound of uniform biases."""
        return math.sqrt(3 * self.bias_variance)

    def divide(self, factor: float) -> "Draw":
        """The distribution with variances divided by a factor."""
        return Draw(self.weight_variance / factor, self.bias_variance / factor, self.uniform)


def infinite_ntk_of(
    field: nn.Module, x1: Tensor, x2: Tensor | None = None, *, chunk_size: int | None = None
) -> InfiniteKernel:
    """Kernels of a field, or a network, in the limit of infinitely wide hidden layers.

    They depend on the network's initialisation, not on its present weights. The relative distance
    of :func:`empirical_ntk` at an initialisation from them is about 1/√width. The sums are over the
    parameters that require gradients, with the factors of the network's parameterisation. A
    linearised network has the same kernels.

    Uniform weights of a first layer with few features do not act as Gaussian ones. With sines the
    kernels are exact for uniform weights, biases included. With other activations they use
    quasi-Monte Carlo up to 12 features, with the accuracy stated in
    :func:`inr.ntk.infinite.uniform_weights.sobol_moments`. For more features the weights are taken
    as Gaussian, with errors of 1e-2 or less for features of similar size. In later layers weights
    act as Gaussian, and biases, of variance 1/(3n), are taken as Gaussian except with sines.

    Args:
        field: A ``Field`` or bare network whose network is an ``MLPNetwork`` or ``SirenNetwork``.
        x1: ``(*batch, n, d)`` coordinates; features for a bare network.
        x2: ``(*batch, m, d)`` coordinates of other points; ``x1`` when None.
        chunk_size: Points on each side of a tile that is computed at once; 512 when None, fewer
            for batches.

    Shape:
        Two tensors ``(*batch, n, m)`` in float64, with gradients in the coordinates.

    Raises:
        TypeError: The network is neither an ``MLPNetwork`` nor a ``SirenNetwork``.
        ValueError: The encoding is trained, the outputs have an activation, or points have another
            number of coordinates than the field takes.

    References:
        Jacot, Gabriel and Hongler 2018, "Neural Tangent Kernel", theorem 1; Sitzmann et al. 2020,
        "Implicit Neural Representations with Periodic Activation Functions", supplement 1.5 (a
        SIREN's initialisation); Belbute-Peres and Kolter 2023, "Simple Initialization and
        Parametrization of Sinusoidal Networks via Their Kernel Bandwidth" (its kernel).
    """
    check_features(x1, x2)
    encoding, network = getattr(field, "encoding", None), _check_network(field)
    if encoding is not None:
        if any(parameter.requires_grad for parameter in encoding.parameters()):
            raise ValueError(
                f"{type(encoding).__name__} is trained, and only layers have a limit of infinite "
                "width; expected a fixed encoding. Call requires_grad_(False) on it."
            )
        encoding = copy.deepcopy(encoding).double()
        x1 = encoding(x1.double())
        x2 = None if x2 is None else encoding(x2.double())
    if x1.shape[-1] != network.in_features:
        raise ValueError(
            f"x1 has {x1.shape[-1]} features; expected the {network.in_features} of the network."
        )
    layers, first_moments = read_layers(network)
    return tile_kernels(
        lambda left, right: propagate(left, right, layers, first_moments),
        x1,
        x2,
        chunk_size=chunk_size,
    )


def _check_network(field: nn.Module) -> MLPNetwork | SirenNetwork:
    """Returns the network of a field, or the field itself, if its infinite width is known.

    Raises:
        TypeError: The network is neither an ``MLPNetwork`` nor a ``SirenNetwork``.
        ValueError: The outputs have an activation.
    """
    network = getattr(field, "network", field)
    if not isinstance(network, MLPNetwork | SirenNetwork):
        raise TypeError(
            f"the network is {type(network).__name__}, whose initialisation is not known; expected "
            "MLPNetwork or SirenNetwork. Call infinite_ntk with the features of another one."
        )
    if isinstance(network, MLPNetwork) and network.output_activation != "identity":
        raise ValueError(
            f"output_activation is {network.output_activation!r}, behind which the kernel depends "
            "on the initial outputs, random at any width; expected identity."
        )
    return network


def read_layers(
    network: MLPNetwork | SirenNetwork,
) -> tuple[list[WideLayer], Callable[[Tensor, Tensor], Moments] | None]:
    """A network's layers, and moments of the first activations where these are not Gaussian.

    Args:
        network: Network whose initialisation is read; its present weights do not matter.
    """
    if isinstance(network, SirenNetwork):
        activation, skips = "sine", frozenset[int]()
        linears = [network.first, *network.hidden, network.output]
        frequencies = [network.omega] + len(network.hidden) * [network.hidden_omega]
        draws = [_draw_siren_first(network.first)]
        draws += [_draw_siren_later(linear, network.hidden_omega) for linear in linears[1:]]
    else:
        activation, skips = network.activation, network.skips
        linears = [*network.hidden, network.output]
        frequencies = len(network.hidden) * [1.0]
        draws = [DRAWS[network.initialization](linear) for linear in linears]
    # The scale is √n under mean_field, whose last layer starts 1/√n as large, and 1 otherwise.
    draws[-1] = draws[-1].divide(linears[0].bias_scale ** 2)
    layers = [
        WideLayer(
            weight_variance=draw.weight_variance,
            bias_variance=draw.bias_variance,
            weight_rate=linear.weight_scale**2 * linear.weight.requires_grad,
            bias_rate=linear.bias_scale**2 * linear.bias.requires_grad,
            width=linear.out_features,
            skip=number in skips,
        )
        for number, (linear, draw) in enumerate(zip(linears, draws, strict=True))
    ]
    for number, frequency in enumerate(frequencies):
        layers[number] = _activate(layers[number], draws[number], activation, frequency)
    first = None
    if frequencies and draws[0].uniform:
        first = _uniform_moments(draws[0], activation, frequencies[0], network.in_features)
    return layers, first


def _activate(layer: WideLayer, draw: Draw, activation: str, frequency: float) -> WideLayer:
    """A layer followed by an activation; uniform biases before a sine are exact."""
    if activation != "sine":
        return layer._replace(dual=ACTIVATIONS[activation].dual)
    if not draw.uniform:
        return layer._replace(dual=sine_dual(frequency))
    spread = sinc(2 * frequency * draw.bias_bound)
    return layer._replace(dual=sine_dual(frequency, spread), bias_variance=0.0)


def _uniform_moments(
    draw: Draw, activation: str, frequency: float, in_features: int
) -> Callable[[Tensor, Tensor], Moments] | None:
    """Moments of the first activations for uniform weights; None where these act as Gaussian."""
    if activation == "sine":
        return uniform_sine_moments(frequency, draw.weight_bound, draw.bias_bound)
    if activation == "identity" or in_features > FEW_FEATURES:
        return None
    function = ACTIVATIONS[activation].function
    return sobol_moments(function, in_features, draw.weight_bound, draw.bias_bound)


def _draw_torch(linear: nn.Linear) -> Draw:
    """U(±1/√m) for weights and biases."""
    variance = 1 / (3 * linear.in_features)
    return Draw(variance, variance, uniform=True)


def _draw_he(linear: nn.Linear) -> Draw:
    return Draw(2 / linear.in_features, 0.0, uniform=False)


def _draw_glorot(linear: nn.Linear) -> Draw:
    return Draw(2 / (linear.in_features + linear.out_features), 1e-4, uniform=False)


def _draw_siren_first(linear: nn.Linear) -> Draw:
    """U(±1/m) for weights, and PyTorch's default for biases."""
    return _draw_torch(linear)._replace(weight_variance=1 / (3 * linear.in_features**2))


def _draw_siren_later(linear: nn.Linear, frequency: float) -> Draw:
    """U(±√(6/n)/ω) for weights, and PyTorch's default for biases."""
    return _draw_torch(linear)._replace(weight_variance=2 / linear.in_features / frequency**2)


DRAWS: dict[str, Callable[[nn.Linear], Draw]] = {
    "torch": _draw_torch,
    "he": _draw_he,
    "glorot": _draw_glorot,
}
