"""Initial weights of a linear layer, by the name of their source."""

from collections.abc import Callable

from torch import nn


def _torch(layer: nn.Linear) -> None:
    """PyTorch's default, U(±1/√m) for weights and biases (LeCun et al. 1998, up to a factor)."""
    layer.reset_parameters()


def _he(layer: nn.Linear) -> None:
    """N(0, 2/m) and zero biases: He et al. 2015, "Delving Deep into Rectifiers", eq. 10."""
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)


def _glorot(layer: nn.Linear) -> None:
    """N(0, 2/(m + c)), biases N(0, 10⁻⁴): Glorot and Bengio 2010, eq. 12, but normal."""
    nn.init.xavier_normal_(layer.weight)
    nn.init.normal_(layer.bias, std=1e-2)


INITIALIZATIONS: dict[str, Callable[[nn.Linear], None]] = {
    "torch": _torch,
    "he": _he,
    "glorot": _glorot,
}
