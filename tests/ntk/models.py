"""Modules whose kernels are computed, each with something of its own."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations, prune
from torch.utils.checkpoint import checkpoint

from inr.encoding import GaussianEncoding, IdentityEncoding
from inr.field import Field
from inr.network import MLPNetwork, SirenNetwork


def draw_points(count: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 2, generator=generator, dtype=torch.float64)


def make_mlp(outputs: int = 3, **options: object) -> Field:
    encoding = GaussianEncoding(2, num_frequencies=5, scale=2.0)
    network = MLPNetwork(10, outputs, hidden_features=7, **options)  # type: ignore[arg-type]
    return Field(encoding, network)


def make_siren() -> Field:
    network = SirenNetwork(2, 3, hidden_features=8, hidden_layers=3, omega=5.0, hidden_omega=4.0)
    return Field(IdentityEncoding(2), network)


def make_partly_frozen() -> Field:
    field = make_mlp(hidden_layers=3)
    field.network.hidden[1].requires_grad_(False)  # type: ignore[union-attr, operator]
    field.network.hidden[2].bias.requires_grad_(False)  # type: ignore[union-attr, operator]
    field.network.output.bias.requires_grad_(False)  # type: ignore[union-attr, operator]
    return field


COVERED: dict[str, Callable[[], nn.Module]] = {
    "mlp": make_mlp,
    "smooth": lambda: make_mlp(activation="tanh", output_activation="sigmoid"),
    "skips": lambda: make_mlp(hidden_layers=4, skips=(1, 3), activation="gelu"),
    "siren": make_siren,
    "linear": lambda: make_mlp(hidden_layers=0),
    "one output": lambda: make_mlp(outputs=1),
    "partly frozen": make_partly_frozen,
    "without biases": lambda: nn.Sequential(
        nn.Linear(2, 6, bias=False), nn.Tanh(), nn.Linear(6, 3, bias=False)
    ),
    "in place": lambda: nn.Sequential(nn.Linear(2, 9), nn.ReLU(inplace=True), nn.Linear(9, 3)),
}


class Twice(nn.Module):
    """Uses its hidden layer twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.shared = nn.Linear(2, 6), nn.Linear(6, 6)
        self.output = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(torch.tanh(self.shared(torch.tanh(self.shared(self.first(x))))))


class Tied(nn.Module):
    """Uses the weight of its layer once more, past the layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 6)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.layer(x)) @ self.layer.weight


class Coded(nn.Module):
    """Adds a layer of a constant code, which has no row for each point."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.code_layer, self.output = nn.Linear(2, 6), nn.Linear(4, 6), nn.Linear(6, 3)
        self.register_buffer("code", torch.linspace(-1, 1, 4)[None])

    def forward(self, x: Tensor) -> Tensor:
        return self.output(torch.tanh(self.first(x) + self.code_layer(self.code)))


class Idle(nn.Module):
    """Computes a layer that its outputs do not use."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.idle, self.output = nn.Linear(2, 6), nn.Linear(6, 1), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.tanh(self.first(x))
        self.idle(hidden)
        return self.output(hidden)


class Scaled(nn.Module):
    """Has a parameter outside of its linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.factor = nn.Linear(2, 3), nn.Parameter(torch.tensor(1.5))

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * self.layer(x)


class FunctionalLinear(nn.Module):
    """Multiplies by a parameter of its own, not by a layer's."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = (nn.Parameter(torch.randn(*s)) for s in ((5, 2), (3, 5)))
        self.shift = nn.Parameter(torch.randn(3))

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.sin(functional.linear(x, self.first))
        return functional.linear(hidden, weight=self.last, bias=self.shift)


class MatrixProduct(nn.Module):
    """Has no linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x @ self.weight)


class Gabor(nn.Module):
    """A complex layer between real ones, as in WIRE."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.output = nn.Linear(2, 4), nn.Linear(5, 3)
        self.middle = nn.Linear(4, 5, dtype=torch.complex64)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.middle(torch.tanh(self.first(x)).to(self.middle.weight.dtype))
        return self.output(torch.exp(1j * hidden - hidden.abs().square()).real)

    def double(self) -> "Gabor":
        self.first.double()
        self.output.double()
        for name, parameter in list(self.middle.named_parameters()):
            setattr(self.middle, name, nn.Parameter(parameter.detach().to(torch.complex128)))
        return self


class Positions(nn.Module):
    """Looks up codes of cells, and adds them to a layer's."""

    def __init__(self) -> None:
        super().__init__()
        self.codes, self.layer = nn.Embedding(4, 3), nn.Linear(2, 3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.layer(x) + self.codes((x[:, 0] * 4).long()))


class Checkpointed(nn.Module):
    """Computes its middle layer anew in the backward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.middle, self.last = nn.Linear(2, 4), nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        hidden = checkpoint(self.middle, torch.tanh(self.first(x)), use_reentrant=False)
        return self.last(torch.tanh(hidden))


class BroadcastBias(nn.Module):
    """Adds one number to all results of a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.shift = nn.Parameter(torch.randn(5, 2)), nn.Parameter(torch.randn(1))
        self.output = nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(torch.tanh(functional.linear(x, self.weight, self.shift)))


class HalvedGradient(torch.autograd.Function):
    """A linear layer of which half the gradient reaches the weight."""

    @staticmethod
    def forward(x: Tensor, weight: Tensor) -> Tensor:
        return functional.linear(x, weight)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        x, weight = ctx.saved_tensors
        return gradient @ weight, 0.5 * gradient.mT @ x


class OwnFunction(nn.Module):
    """A layer with its own backward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.output = nn.Parameter(torch.randn(5, 2)), nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(torch.tanh(HalvedGradient.apply(x, self.weight)))


class HiddenTwin(nn.Module):
    """Adds its layer once more, hidden from gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 3)

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            twin = torch.tanh(self.layer(x))
        return torch.sin(self.layer(x)) * (1 + twin)


class Sorted(nn.Module):
    """Treats points in the order of their first coordinate."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(2, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        order = x[:, 0].argsort()
        values = self.last(torch.tanh(self.first(x[order])))
        return values[order.argsort()]


class Table(nn.Module):
    """Looks up the rows of a table of three codes, after a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("codes", torch.linspace(-1, 1, 12).view(3, 4))
        self.layer, self.output = nn.Linear(4, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(torch.tanh(self.layer(self.codes)[(x[:, 0] * 3).long()] * x[:, 1:]))


def make_frozen_weight() -> nn.Module:
    model = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 3))
    model[0].weight.requires_grad_(False)  # type: ignore[operator]
    return model


def make_trainable_frequencies() -> Field:
    encoding = GaussianEncoding(2, num_frequencies=5, scale=2.0, trainable=True)
    return Field(encoding, MLPNetwork(10, 3, hidden_features=7))


def make_pruned() -> nn.Module:
    model = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 3))
    prune.random_unstructured(model[0], "weight", amount=5)
    return model


def make_weight_normalised() -> nn.Module:
    first = parametrizations.weight_norm(nn.Linear(2, 6))
    return nn.Sequential(first, nn.Tanh(), nn.Linear(6, 3))


COVERED |= {
    # Outputs that sum to 1.
    "a softmax": lambda: nn.Sequential(
        nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 3), nn.Softmax(dim=1)
    ),
    "a functional layer": FunctionalLinear,
    "a frozen weight": make_frozen_weight,
}
# Models that are found only by comparing rows, or forward with backward derivatives.
DECEPTIVE: dict[str, Callable[[], nn.Module]] = {
    "a hidden twin": HiddenTwin,
    "sorted points": Sorted,
    "a table of codes": Table,
}
# Parameters that are left to contraction, by the model's name.
PARTLY: dict[str, tuple[Callable[[], nn.Module], set[str]]] = {
    "trainable frequencies": (make_trainable_frequencies, {"encoding.frequencies"}),
    "another parameter": (Scaled, {"factor"}),
    "a pruned weight": (make_pruned, {"0.weight_orig"}),
    "a normalised weight": (
        make_weight_normalised,
        {"0.parametrizations.weight.original0", "0.parametrizations.weight.original1"},
    ),
    "a norm": (
        lambda: nn.Sequential(nn.Linear(2, 6), nn.LayerNorm(6), nn.Tanh(), nn.Linear(6, 3)),
        {"1.weight", "1.bias"},
    ),
    "an embedding": (Positions, {"codes.weight"}),
    "a complex layer": (Gabor, {"middle.weight", "middle.bias"}),
    "a layer used twice": (Twice, {"shared.weight", "shared.bias"}),
    "a weight used twice": (Tied, {"layer.weight"}),
    "a layer without points": (Coded, {"code_layer.weight", "code_layer.bias"}),
    "a broadcast bias": (BroadcastBias, {"weight", "shift"}),
    "a function of its own": (OwnFunction, {"weight"}),
    "an unused layer": (Idle, {"idle.weight", "idle.bias"}),
}
UNCOVERED: dict[str, Callable[[], nn.Module]] = {
    "a matrix product": MatrixProduct,
    "a convolution": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 2)), nn.Conv1d(1, 3, 2), nn.Flatten()
    ),
}
ALL = [*COVERED, *PARTLY, *UNCOVERED, *DECEPTIVE]


def make(name: str) -> nn.Module:
    torch.manual_seed(0)
    partly = {name: maker for name, (maker, _) in PARTLY.items()}
    return {**COVERED, **partly, **UNCOVERED, **DECEPTIVE}[name]().double()
