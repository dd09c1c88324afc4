"""Networks of which a part is trained, or a linear part."""

import pytest
import torch
from torch import Tensor

from inr.network import MLPNetwork, Network, SirenNetwork
from inr.ntk import empirical_ntk
from inr.optimizer import adam
from inr.testing import check_network
from tests.tolerance import assert_close

KINDS: list[type[Network]] = [MLPNetwork, SirenNetwork]


def points() -> Tensor:
    x = torch.rand(9, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return 2 * x - 1


def make(kind: type[Network], **options: object) -> Network:
    torch.manual_seed(0)
    return kind(3, 2, hidden_features=16, **options).double()  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_the_kernel_of_the_last_layer_is_that_of_its_features(kind: type[Network]) -> None:
    """The conjugate kernel: Θ = (h·h' + 1) ⊗ I."""
    network, seen = make(kind, trainable="last_layer"), []
    network.output.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    with torch.no_grad():
        network(points())
    gram = seen[0] @ seen[0].T + 1
    assert_close(empirical_ntk(network, points()), torch.kron(gram, torch.eye(2)))


def test_only_the_last_layer_is_trained() -> None:
    network = make(MLPNetwork, trainable="last_layer")
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    optimizer = adam(network, lr=0.1)
    network(points()).square().mean().backward()
    optimizer.step()
    moved = {name for name, p in network.named_parameters() if not torch.equal(p, before[name])}
    assert moved == {"output.weight", "output.bias"}


@pytest.mark.parametrize("options", [{}, {"trainable": "last_layer"}, {"parameterization": "ntk"}])
@pytest.mark.parametrize("kind", KINDS)
def test_a_linearized_network_is_the_taylor_expansion(
    kind: type[Network], options: dict[str, str]
) -> None:
    linear, plain = make(kind, linearized=True, **options), make(kind, **options)
    kernel = empirical_ntk(plain, points())
    start = plain(points())
    assert torch.equal(linear(points()), start)
    moves = {}
    with torch.no_grad():
        for name, parameter in linear.named_parameters():
            if parameter.requires_grad:
                moves[name] = 0.3 * torch.randn_like(parameter)
                parameter += moves[name]
    # Central differences of the plain network along the same line, exact to their square.
    step = 1e-5
    shifted = []
    for sign in (1, -1):
        twin = make(kind, **options)
        with torch.no_grad():
            for name, parameter in twin.named_parameters():
                if name in moves:
                    parameter += sign * step * moves[name]
        shifted.append(twin(points()))
    slope = (shifted[0] - shifted[1]) / (2 * step)
    # Differences over 1e-5 of curved functions keep some eight digits.
    assert_close(linear(points()), start + slope, looser=1e4)
    assert_close(empirical_ntk(linear, points()), kernel)


@pytest.mark.parametrize("kind", KINDS)
def test_a_linearized_network_keeps_the_contract(kind: type[Network]) -> None:
    torch.manual_seed(0)
    check_network(kind(3, 2, hidden_features=8, linearized=True))  # type: ignore[call-arg]


def test_the_parameters_are_the_same_as_without() -> None:
    linear, plain = make(MLPNetwork, linearized=True), make(MLPNetwork)
    assert [n for n, _ in linear.named_parameters()] == [n for n, _ in plain.named_parameters()]
    assert {name.partition(".")[0] for name in linear.state_dict()} == {"hidden", "output", "point"}


def test_where_it_is_expanded_is_in_the_state_dict() -> None:
    linear = make(MLPNetwork, linearized=True)
    with torch.no_grad():
        for parameter in linear.parameters():
            parameter += 1.0
    torch.manual_seed(5)
    other = MLPNetwork(3, 2, hidden_features=16, linearized=True).double()
    other.load_state_dict(linear.state_dict())
    assert torch.equal(other(points()), linear(points()))


def test_another_part_is_rejected() -> None:
    with pytest.raises(ValueError, match="trainable is 'first'; expected one of all, last_layer"):
        MLPNetwork(2, 1, trainable="first")
