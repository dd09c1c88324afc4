"""Initial weights of layers before sines."""

import math
from collections.abc import Sequence

from torch import nn

from inr.network._scaled_linear import ScaledLinear


def initialize_sine_layers(
    first: ScaledLinear, later: Sequence[ScaledLinear], hidden_omega: float
) -> None:
    """Draws weights with which pre-activations have the same distribution at every depth.

    Args:
        first: Layer that takes the features.
        later: All layers after it, including the one that gives the outputs.
        hidden_omega: ω of the sine layers after the first.

    References:
        Sitzmann et al. 2020, "Implicit Neural Representations with Periodic Activation
        Functions", section 3.2 and supplement 1.5.
    """
    nn.init.uniform_(first.weight, -1 / first.in_features, 1 / first.in_features)
    for layer in later:
        bound = math.sqrt(6 / layer.in_features) / hidden_omega
        nn.init.uniform_(layer.weight, -bound, bound)
        layer.initial_scale = bound * math.sqrt(layer.in_features)
