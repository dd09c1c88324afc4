"""Stacked fields are what each of them is alone."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from inr.batch import Batch
from inr.encoding import GaussianEncoding
from inr.field import Field
from inr.field.stack import FieldStack, map_fields
from inr.loss import huber, l1, mse, relative_l2
from inr.network import MLPNetwork, SirenNetwork
from inr.network._network import Network
from tests.tolerance import assert_close

SIZE, POINTS = 3, 11
NETWORKS: dict[str, Callable[[], Network]] = {
    "skips": lambda: MLPNetwork(12, 2, hidden_features=8, skips=[1], activation="gelu"),
    "linear": lambda: MLPNetwork(12, 2, hidden_layers=0),
    "mean field": lambda: MLPNetwork(12, 2, hidden_features=8, parameterization="mean_field"),
    "siren": lambda: SirenNetwork(12, 2, hidden_features=8, parameterization="ntk"),
    "last layer": lambda: SirenNetwork(12, 2, hidden_features=8, trainable="last_layer"),
    "linearized": lambda: MLPNetwork(12, 2, hidden_features=8, linearized=True),
}


def make_field(network: str, *, trainable: bool = False) -> Field:
    torch.manual_seed(0)
    encoding = GaussianEncoding(2, num_frequencies=6, scale=1.0, trainable=trainable)
    return Field(encoding, NETWORKS[network]()).double()


def make_stack(network: str, **options: bool) -> FieldStack:
    """Of fields that have moved apart."""
    stack = FieldStack(make_field(network, **options), SIZE)
    for parameter in stack.parameters_by_name().values():
        parameter.data *= 1 + 0.1 * torch.randn_like(parameter)
    return stack


def draw_batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    coords = torch.rand(POINTS, 2, generator=generator, dtype=torch.float64)
    return coords, torch.rand(SIZE, POINTS, 2, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(
    "loss",
    [mse, l1, partial(huber, delta=0.1), partial(relative_l2, epsilon=0.1)],
    ids=["mse", "l1", "huber", "relative_l2"],
)
def test_losses_and_gradients_are_those_of_each_field(
    loss: Callable[[nn.Module, Batch], Tensor], network: str
) -> None:
    stack = make_stack(network)
    coords, values = draw_batch()
    members = [stack.member(number) for number in range(SIZE)]
    expected = torch.stack(
        [loss(m, Batch(coords, v)) for m, v in zip(members, values, strict=True)]
    )
    found = map_fields(
        stack.field,
        stack.parameters_by_name(),
        lambda field, values: loss(field, Batch(coords, values)),
        values,
    )
    assert_close(found, expected)
    found.sum().backward()
    expected.sum().backward()
    for name, parameter in stack.parameters_by_name().items():
        gradients = [dict(member.named_parameters())[name].grad for member in members]
        assert parameter.grad is not None
        assert_close(parameter.grad, torch.stack([g for g in gradients if g is not None]))


@pytest.mark.parametrize("network", NETWORKS)
def test_outputs_are_those_of_one_field_after_the_other(network: str) -> None:
    stack = make_stack(network)
    coords, _ = draw_batch()
    expected = torch.cat([stack.member(number)(coords) for number in range(SIZE)], dim=1)
    assert_close(stack(coords), expected)


def test_all_begin_as_copies_and_leave_the_original_alone() -> None:
    field = make_field("skips")
    before = {name: tensor.clone() for name, tensor in field.state_dict().items()}
    stack = FieldStack(field, SIZE)
    for number in range(SIZE):
        state = stack.member(number).state_dict()
        assert all(torch.equal(state[name], tensor) for name, tensor in before.items())
    with torch.no_grad():
        for parameter in stack.parameters():
            parameter += 1
    assert all(torch.equal(t, before[name]) for name, t in field.state_dict().items())


def test_a_member_has_weights_of_its_own() -> None:
    stack = make_stack("siren")
    member = stack.member(1)
    before = {name: tensor.clone() for name, tensor in member.state_dict().items()}
    assert all(p.requires_grad for p in member.parameters())
    with torch.no_grad():
        for parameter in member.parameters():
            parameter += 1
    assert all(torch.equal(t, before[name]) for name, t in stack.member(1).state_dict().items())


def test_what_is_not_trained_is_there_once() -> None:
    stack = make_stack("last layer")
    shapes = {name: tuple(t.shape) for name, t in stack.state_dict().items()}
    assert shapes["field.encoding.frequencies"] == (6, 2)
    assert shapes["field.network.first.weight"] == (8, 12)
    assert shapes["field.network.output.weight"] == (SIZE, 2, 8)
    assert list(stack.parameters_by_name()) == ["network.output.weight", "network.output.bias"]


def test_trained_frequencies_are_each_fields_own() -> None:
    stack = make_stack("skips", trainable=True)
    coords, _ = draw_batch()
    found = stack(coords)
    assert_close(found, torch.cat([stack.member(i)(coords) for i in range(SIZE)], dim=1))
    frequencies = stack.parameters_by_name()["encoding.frequencies"]
    (gradient,) = torch.autograd.grad(found[:, :2].sum(), frequencies)
    assert gradient[0].norm() > 0 and gradient[1:].norm() == 0


def test_a_layer_that_is_used_twice_stays_one() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(4, 4)
    stack = FieldStack(nn.Sequential(layer, nn.Tanh(), layer).double(), SIZE)
    assert len(list(stack.parameters())) == 2
    x = torch.rand(POINTS, 4, dtype=torch.float64)
    with torch.no_grad():
        for parameter in stack.parameters():
            parameter *= 1 + 0.1 * torch.randn_like(parameter)
    assert_close(stack(x), torch.cat([stack.member(i)(x) for i in range(SIZE)], dim=1))
    assert len(list(stack.member(0).parameters())) == 2


def test_random_draws_are_the_same_for_all() -> None:
    stack = FieldStack(nn.Linear(2, 1), SIZE)
    torch.manual_seed(3)
    found = map_fields(
        stack.field,
        stack.parameters_by_name(),
        lambda field: field(torch.rand(5, 2)),
    )
    assert torch.equal(found[0], found[1])
    torch.manual_seed(3)
    assert_close(found[2], stack.member(2)(torch.rand(5, 2)))


def test_autocast_gives_what_a_single_field_gives() -> None:
    stack = make_stack("skips").float()
    coords = draw_batch()[0].float()
    with torch.autocast("cpu", torch.bfloat16):
        found = stack(coords)
        expected = torch.cat([stack.member(number)(coords) for number in range(SIZE)], dim=1)
    # The last layer's, which autocast does not round.
    assert found.dtype == torch.float32
    assert_close(found, expected, looser=10)
    assert (found - stack(coords)).abs().max() > 100 * (found - expected).abs().max()


def test_one_field_is_a_stack_too() -> None:
    field = make_field("skips")
    coords, _ = draw_batch()
    assert_close(FieldStack(field, 1)(coords), field(coords))


@pytest.mark.parametrize("size", [0, -1])
def test_no_fields_are_rejected(size: int) -> None:
    with pytest.raises(ValueError, match="size is"):
        FieldStack(nn.Linear(2, 1), size)
