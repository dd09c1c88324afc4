"""Fields and kernels with the initialisation of papers that use Neural Tangents."""

from torch import Tensor, nn

from inr.encoding import Encoding
from inr.experiment._seeding import seeded
from inr.field import Field
from inr.network import MLPNetwork
from inr.ntk import infinite_ntk


def standard_field(
    encoding: Encoding, out_features: int, hidden_features: int, hidden_layers: int, *seed: int
) -> Field:
    """A ReLU perceptron with W ~ N(0, 1/m) for m inputs and trained biases that start at 0."""
    with seeded(*seed):
        network = MLPNetwork(
            encoding.out_features,
            out_features,
            hidden_features=hidden_features,
            hidden_layers=hidden_layers,
        )
        for layer in (*network.hidden, network.output):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
            nn.init.zeros_(layer.bias)
    return Field(encoding, network)


def standard_ntk(
    encoding: Encoding, x1: Tensor, x2: Tensor, hidden_features: int, hidden_layers: int
) -> Tensor:
    """Kernel ``(n, m)`` of each output of :func:`standard_field` at infinite width."""
    return infinite_ntk(
        encoding(x1),
        encoding(x2),
        hidden_layers=hidden_layers,
        hidden_features=hidden_features,
        bias_std=0.0,
    ).ntk
