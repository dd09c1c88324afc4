"""The multilayer perceptron against numpy."""

import math

import numpy as np
import pytest
import torch
from scipy import special

from inr.network import MLPNetwork
from tests.tolerance import assert_close

FORMULAS = {
    "identity": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.exp(x) - 1),
    "gelu": lambda x: x * (1 + special.erf(x / math.sqrt(2))) / 2,
    "silu": lambda x: x / (1 + np.exp(-x)),
    "softplus": lambda x: np.log(1 + np.exp(x)),
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "sine": np.sin,
}


def weights(layer: torch.nn.Linear) -> tuple[np.ndarray, np.ndarray]:
    return layer.weight.detach().numpy(), layer.bias.detach().numpy()


def make(**options: object) -> MLPNetwork:
    torch.manual_seed(0)
    return MLPNetwork(3, 2, hidden_features=6, **options).double()  # type: ignore[arg-type]


def draw_features() -> torch.Tensor:
    return torch.randn(7, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_hidden_layers_apply_the_named_activation(name: str) -> None:
    network, features = make(hidden_layers=2, activation=name), draw_features()
    hidden = features.numpy()
    for layer in network.hidden:
        weight, bias = weights(layer)
        hidden = FORMULAS[name](hidden @ weight.T + bias)
    weight, bias = weights(network.output)
    assert_close(network(features), hidden @ weight.T + bias)


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_the_output_applies_the_named_activation(name: str) -> None:
    network, features = make(hidden_layers=0, output_activation=name), draw_features()
    weight, bias = weights(network.output)
    assert_close(network(features), FORMULAS[name](features.numpy() @ weight.T + bias))


@pytest.mark.parametrize("skips", [(), (1,), (2,), (1, 3)])
def test_skips_append_the_input_to_the_layers_they_name(skips: tuple[int, ...]) -> None:
    network, features = make(hidden_layers=4, skips=skips), draw_features()
    hidden = features.numpy()
    for index, layer in enumerate(network.hidden):
        if index in skips:
            hidden = np.concatenate([hidden, features.numpy()], axis=1)
        weight, bias = weights(layer)
        assert weight.shape[1] == hidden.shape[1]
        hidden = np.maximum(hidden @ weight.T + bias, 0)
    weight, bias = weights(network.output)
    assert_close(network(features), hidden @ weight.T + bias)


def test_hidden_layers_counts_hidden_layers() -> None:
    for count in range(4):
        network = MLPNetwork(3, 2, hidden_features=6, hidden_layers=count)
        inner = 0 if count == 0 else (3 + 1) * 6 + (count - 1) * (6 + 1) * 6
        width = 6 if count else 3
        assert sum(p.numel() for p in network.parameters()) == inner + (width + 1) * 2


LAYER = (400, 300)


def first_layer(initialization: str) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    inputs, width = LAYER
    network = MLPNetwork(
        inputs, 1, hidden_features=width, hidden_layers=1, initialization=initialization
    )
    return network.hidden[0].weight.detach().double(), network.hidden[0].bias.detach().double()


def assert_deviation(tensor: torch.Tensor, expected: float) -> None:
    # Five standard errors of the deviation of n normal draws; uniform ones spread less.
    assert abs(tensor.std() / expected - 1) < 5 / math.sqrt(2 * tensor.numel())
    assert abs(tensor.mean()) < 5 * expected / math.sqrt(tensor.numel())


def test_torch_initialization_is_uniform_within_the_root_of_the_fan_in() -> None:
    weight, bias = first_layer("torch")
    bound = 1 / math.sqrt(LAYER[0])
    for tensor in (weight, bias):
        assert tensor.abs().max() <= bound
        assert tensor.abs().max() > 0.98 * bound
        assert_deviation(tensor, bound / math.sqrt(3))


def test_he_initialization_has_variance_two_over_the_fan_in_and_no_bias() -> None:
    weight, bias = first_layer("he")
    assert_deviation(weight, math.sqrt(2 / LAYER[0]))
    # A uniform law of that deviation ends at √3 of it.
    assert weight.abs().max() > 3.5 * math.sqrt(2 / LAYER[0])
    assert not bias.any()


def test_glorot_initialization_has_variance_two_over_both_fans_and_small_biases() -> None:
    weight, bias = first_layer("glorot")
    assert_deviation(weight, math.sqrt(2 / sum(LAYER)))
    assert weight.abs().max() > 3.5 * math.sqrt(2 / sum(LAYER))
    assert_deviation(bias, 1e-2)


def test_the_initialization_covers_the_output_layer() -> None:
    torch.manual_seed(0)
    network = MLPNetwork(2, 50, hidden_features=500, initialization="he")
    assert not network.output.bias.any()
    assert_deviation(network.output.weight.detach().double(), math.sqrt(2 / 500))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"activation": "relux"}, "activation is 'relux'; expected one of identity, relu"),
        ({"output_activation": "softmax"}, "output_activation is 'softmax'"),
        ({"initialization": "zeros"}, "initialization is 'zeros'; expected one of torch, he"),
        ({"skips": (0,)}, r"skips are \[0\]; expected hidden layers from 1 to 2"),
        ({"skips": (3,)}, r"skips are \[3\]"),
        ({"hidden_features": 0}, "hidden_features is 0"),
        ({"hidden_layers": -1}, "hidden_layers is -1; expected 0 or more"),
    ],
)
def test_options_out_of_range_are_rejected(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        MLPNetwork(3, 2, **options)  # type: ignore[arg-type]
