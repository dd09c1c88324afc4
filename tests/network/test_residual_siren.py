"""The residual sinusoidal network against numpy, and against a SIREN."""

import math

import numpy as np
import pytest
import torch

from inr.network import ResidualSirenNetwork, SirenNetwork
from tests.tolerance import assert_close


def arrays(layer: torch.nn.Module) -> tuple[np.ndarray, np.ndarray]:
    weight, bias = (p.detach().numpy() for p in layer.parameters())
    return weight.T, bias


@pytest.mark.parametrize("hidden_layers", [1, 2, 3, 4])
def test_values_follow_the_formula(hidden_layers: int) -> None:
    torch.manual_seed(0)
    network = ResidualSirenNetwork(
        2, 3, hidden_features=8, hidden_layers=hidden_layers, omega=20.0, hidden_omega=7.0
    ).double()
    features = 2 * torch.rand(9, 2, dtype=torch.float64) - 1
    weight, bias = arrays(network.first)
    hidden = np.sin(20 * (features.numpy() @ weight + bias))
    blocks = hidden_layers - 1
    before = [1.0] + (blocks - 1) * [0.5]
    after = (blocks - 1) * [1.0] + [0.5]
    for block, m, a in zip(network.blocks, before, after, strict=False):
        (first, first_bias), (second, second_bias) = map(arrays, block.children())
        inner = np.sin(7 * ((m * hidden) @ first + first_bias))
        hidden = a * (hidden + np.sin(7 * (inner @ second + second_bias)))
    weight, bias = arrays(network.output)
    assert len(network.blocks) == blocks
    assert_close(network(features), hidden @ weight + bias)


def test_without_blocks_it_is_a_siren() -> None:
    torch.manual_seed(0)
    siren = SirenNetwork(3, 2, hidden_features=16, hidden_layers=1)
    torch.manual_seed(0)
    residual = ResidualSirenNetwork(3, 2, hidden_features=16, hidden_layers=1)
    features = 2 * torch.rand(9, 3) - 1
    assert torch.equal(siren(features), residual(features))


def test_weights_of_blocks_start_within_the_bound_of_a_siren() -> None:
    torch.manual_seed(0)
    network = ResidualSirenNetwork(3, 1, hidden_features=200, hidden_layers=3, hidden_omega=15.0)
    layers = [layer for block in network.blocks for layer in block.children()]
    assert len(layers) == 4
    for layer in (*layers, network.output):
        largest = next(layer.parameters()).abs().max().item()
        bound = math.sqrt(6 / 200) / 15
        assert 0.97 * bound < largest <= bound


def test_its_size_is_that_of_the_paper() -> None:
    # The paper's code chooses the width from (d + 1) w + 7 · 2 (w + 1) w + (w + 1) parameters.
    network = ResidualSirenNetwork(3, 1, hidden_features=76)
    assert sum(p.numel() for p in network.parameters()) == 4 * 76 + 14 * 77 * 76 + 77


def test_options_out_of_range_are_rejected() -> None:
    with pytest.raises(ValueError, match="hidden_layers is 0; expected 1 or more"):
        ResidualSirenNetwork(2, 1, hidden_layers=0)
    with pytest.raises(ValueError, match=r"hidden_omega is 0.0; expected a finite number above 0"):
        ResidualSirenNetwork(2, 1, hidden_omega=0.0)
