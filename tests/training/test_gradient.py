"""The gradient of the parts is that of the whole."""

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from inr.batch import Batch
from inr.encoding import GaussianEncoding
from inr.field import Field
from inr.loss import huber, l1, mse, relative_l2
from inr.network import SirenNetwork
from inr.training.gradient import BatchGradient
from tests.tolerance import assert_close

LOSSES = [mse, l1, partial(huber, delta=0.1), partial(relative_l2, epsilon=0.1)]


def make_problem() -> tuple[Field, Batch]:
    """In float64."""
    torch.manual_seed(0)
    field = Field(GaussianEncoding(2, num_frequencies=4), SirenNetwork(8, 3, hidden_features=8))
    batch = Batch(torch.rand(23, 2).double(), torch.rand(23, 3).double(), torch.arange(23))
    return field.double(), batch


def gradient_of(field: nn.Module) -> Tensor:
    """All of it."""
    return torch.cat([p.grad.flatten() for p in field.parameters() if p.grad is not None])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("micro_batch", [1, 5, 22, 23, None])
def test_parts_of_any_size_add_up(loss: partial[Tensor], micro_batch: int | None) -> None:
    field, batch = make_problem()
    whole = loss(field, batch)
    whole.backward()
    expected = gradient_of(field)
    field.zero_grad()
    found = BatchGradient(loss, micro_batch)(field, batch)
    assert_close(found, whole)
    assert_close(gradient_of(field), expected)
    assert_close(BatchGradient(loss, micro_batch).measure(field, batch), whole)


def test_parts_are_nearly_equal_and_no_larger_than_asked() -> None:
    sizes = []

    def loss(field: nn.Module, batch: Batch) -> Tensor:
        assert batch.index is not None
        assert torch.equal(batch.index, (batch.coords[:, 0] * 23).round().long())
        sizes.append(len(batch.coords))
        return mse(field, batch)

    field, _ = make_problem()
    index = torch.arange(23)
    coords = (index.double() / 23)[:, None].expand(23, 2)
    BatchGradient(loss, 8)(field, Batch(coords, torch.rand(23, 3).double(), index))
    assert sizes == [8, 8, 7]


def test_what_is_differentiated_may_be_scaled_and_the_loss_is_not() -> None:
    field, batch = make_problem()
    loss = BatchGradient(mse, 5)(field, batch)
    plain = gradient_of(field)
    field.zero_grad()
    assert_close(BatchGradient(mse, 5)(field, batch, lambda value: 8 * value), loss)
    assert_close(gradient_of(field), 8 * plain)


def test_gradients_are_added_in_float32_under_autocast() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(1, 1, bias=False)
    values = torch.full((4096, 1), -1.0)
    values[0] = -513.0
    batch = Batch(torch.ones(4096, 1), values, None)

    def loss(field: nn.Module, part: Batch) -> Tensor:
        return (field(part.coords).float() - part.values).mean()

    with torch.autocast("cpu", torch.bfloat16):
        BatchGradient(loss, 8)(layer, batch)
    assert layer.weight.grad is not None and layer.weight.grad.dtype == torch.float32
    # In bfloat16 the sum of 512 equal shares would stop short of 1.
    assert_close(layer.weight.grad, torch.ones(1, 1))
