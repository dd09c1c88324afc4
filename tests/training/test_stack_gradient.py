"""The gradients of parts of the fields and of the points add up to those of the losses' sum."""

import pytest
import torch
from torch import Tensor, nn

from inr.batch import Batch
from inr.encoding import GaussianEncoding
from inr.field import Field
from inr.field.stack import FieldStack
from inr.loss import huber, mse
from inr.network import SirenNetwork
from inr.training.stack_gradient import StackGradient
from tests.tolerance import assert_close

SIZE, POINTS = 5, 23


def make_problem() -> tuple[FieldStack, Batch]:
    """In float64, with fields that have moved apart."""
    torch.manual_seed(0)
    field = Field(GaussianEncoding(2, num_frequencies=4), SirenNetwork(8, 3, hidden_features=8))
    stack = FieldStack(field.double(), SIZE)
    for parameter in stack.parameters():
        parameter.data *= 1 + 0.1 * torch.randn_like(parameter)
    values = torch.rand(POINTS, SIZE * 3, dtype=torch.float64)
    return stack, Batch(torch.rand(POINTS, 2).double(), values, torch.arange(POINTS))


def differentiate_each(stack: FieldStack, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """Losses and gradients, one field after the other."""
    losses, gradients = [], []
    for number, values in enumerate(batch.values.split(3, dim=1)):
        member = stack.member(number)
        losses.append(mse(member, Batch(batch.coords, values)))
        names = [name for name, _ in member.named_parameters()]
        found = torch.autograd.grad(losses[-1], list(member.parameters()))
        gradients.append(dict(zip(names, found, strict=True)))
    return torch.stack(losses), {n: torch.stack([g[n] for g in gradients]) for n in gradients[0]}


@pytest.mark.parametrize("micro_batch", [None, 1, 5, 11, 12, 23, 1000])
def test_parts_of_any_size_add_up(micro_batch: int | None) -> None:
    stack, batch = make_problem()
    losses, gradients = differentiate_each(stack, batch)
    gradient = StackGradient(stack, mse, micro_batch)
    assert_close(gradient(stack.field, batch), losses)
    for name, parameter in stack.parameters_by_name().items():
        assert_close(parameter.grad, gradients[name])
    # Once more is twice as much.
    gradient(stack.field, batch)
    for name, parameter in stack.parameters_by_name().items():
        assert_close(parameter.grad, 2 * gradients[name])
    assert_close(gradient.measure(stack.field, batch), losses)


@pytest.mark.parametrize(
    ("micro_batch", "shapes"),
    [
        (None, [(5, 23)]),
        (12, 2 * [(4, 12), (1, 12)]),
        (8, 3 * [(4, 8), (1, 8)]),
        (23, [(4, 23), (1, 23)]),
        (46, [(5, 23)]),
    ],
)
def test_as_many_fields_and_points_are_taken_at_once_as_are_asked_for(
    micro_batch: int | None, shapes: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from inr.training import stack_gradient

    seen = []
    plain = stack_gradient.map_fields

    def noting(field: nn.Module, parameters: dict[str, Tensor], *rest: Tensor) -> Tensor:
        seen.append((len(next(iter(parameters.values()))), rest[-1].shape[1]))
        return plain(field, parameters, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(stack_gradient, "map_fields", noting)
    stack, batch = make_problem()
    StackGradient(stack, mse, micro_batch)(stack.field, batch)
    assert [fields for fields, _ in seen] == [fields for fields, _ in shapes]
    assert all(points <= most for (_, points), (_, most) in zip(seen, shapes, strict=True))
    assert sum(fields * points for fields, points in seen) == SIZE * POINTS


def test_what_is_differentiated_may_be_scaled_and_the_losses_are_not() -> None:
    stack, batch = make_problem()
    losses, gradients = differentiate_each(stack, batch)
    assert_close(StackGradient(stack, mse, 5)(stack.field, batch, lambda value: 8 * value), losses)
    for name, parameter in stack.parameters_by_name().items():
        assert_close(parameter.grad, 8 * gradients[name])


def test_a_field_that_is_lost_leaves_the_others_alone() -> None:
    stack, batch = make_problem()
    _, gradients = differentiate_each(stack, batch)
    with torch.no_grad():
        for parameter in stack.parameters():
            parameter[2] = float("nan")
    losses = StackGradient(stack, huber, 5)(stack.field, batch)
    assert losses.isnan().tolist() == [False, False, True, False, False]
    others = [0, 1, 3, 4]
    stack.zero_grad()
    StackGradient(stack, mse, 5)(stack.field, batch)
    for name, parameter in stack.parameters_by_name().items():
        assert parameter.grad is not None
        assert_close(parameter.grad[others], gradients[name][others])
