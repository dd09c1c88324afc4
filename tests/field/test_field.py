"""Field = network ∘ encoding."""

import doctest

import pytest
import torch

import inr.argument
import inr.field.field
import inr.testing
from inr.encoding import GaussianEncoding, IdentityEncoding
from inr.field import Field
from inr.network import MLPNetwork, SirenNetwork


def test_a_field_is_the_network_of_the_encoding() -> None:
    encoding = GaussianEncoding(2, num_frequencies=8)
    network = MLPNetwork(16, 3, hidden_features=8)
    points = torch.rand(5, 2)
    field = Field(encoding, network)
    assert torch.equal(field(points), network(encoding(points)))
    assert (field.in_features, field.out_features) == (2, 3)


def test_a_field_trains_the_weights_of_its_network_alone() -> None:
    encoding = GaussianEncoding(2, num_frequencies=8)
    network = MLPNetwork(16, 3, hidden_features=8)
    field = Field(encoding, network)
    assert {id(p) for p in field.parameters()} == {id(p) for p in network.parameters()}


def test_sizes_that_do_not_meet_are_rejected() -> None:
    with pytest.raises(ValueError, match="gives 2 features and the network takes 3"):
        Field(IdentityEncoding(2), SirenNetwork(3, 1))


@pytest.mark.parametrize("module", [inr.field.field, inr.testing, inr.argument])
def test_examples_in_docstrings_run(module: object) -> None:
    result = doctest.testmod(module)  # type: ignore[arg-type]
    assert result.attempted > 0
    assert result.failed == 0
