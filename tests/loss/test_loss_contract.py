"""The promises of losses, and that their checks name a loss that breaks one."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inr.batch import Batch
from inr.loss import compares, siren_sdf
from inr.testing import loss_checks
from tests.members import members

Loss = Callable[..., Tensor]


@pytest.mark.parametrize("check", loss_checks())
@pytest.mark.parametrize("member", members("loss"))
def test_every_loss_keeps_the_contract(member: Loss, check: Callable[[Loss], None]) -> None:
    check(member)


@pytest.mark.parametrize("check", loss_checks())
def test_a_partial_loss_keeps_the_contract(check: Callable[[Loss], None]) -> None:
    check(partial(siren_sdf, span=1.0))


@compares("sounds")  # type: ignore[arg-type]
def strange(field: nn.Module, batch: Any) -> Tensor:
    return field(batch.coords).square().mean()


@compares("values", differentiates=True)
def boastful(field: nn.Module, batch: Batch) -> Tensor:
    return (field(batch.coords) - batch.values).square().mean()


def single(field: nn.Module, batch: Batch) -> Tensor:
    return (field(batch.coords) - batch.values).square().mean().float()


def total(field: nn.Module, batch: Batch) -> Tensor:
    return (field(batch.coords) - batch.values).square().sum()


def detached(field: nn.Module, batch: Batch) -> Tensor:
    """A mean of points, whose gradient is another's."""
    errors = (field(batch.coords) - batch.values).square()
    return (errors - errors.detach()).sum() + errors.detach().mean()


def clipping(field: nn.Module, batch: Batch) -> Tensor:
    batch.values.clamp_(max=0)
    return (field(batch.coords) - batch.values).square().mean()


BROKEN = [
    (strange, "declares_its_targets", "compares 'sounds'; expected one of values, labels"),
    (boastful, "says_whether_it_differentiates", "differentiates=True; expected False"),
    (single, "is_a_scalar_of_the_dtype_of_the_field", r"gives torch.float32 of shape \(\)"),
    (total, "is_a_mean_over_points", "expected a mean over points"),
    (detached, "has_the_mean_of_gradients", "another gradient of a batch than of its parts"),
    (clipping, "leaves_the_batch_as_it_is", "changes the batch"),
]


def test_every_check_has_a_loss_that_breaks_its_promise() -> None:
    assert [check.__name__ for check in loss_checks()] == [name for _, name, _ in BROKEN]


@pytest.mark.parametrize(("broken", "name", "sentence"), BROKEN)
def test_the_check_names_a_broken_promise(broken: Loss, name: str, sentence: str) -> None:
    checks = {check.__name__: check for check in loss_checks()}
    with pytest.raises(AssertionError, match=rf"^{broken.__name__} .*{sentence}"):  # type: ignore[attr-defined]
        checks[name](broken)


def test_no_gradient_is_a_broken_promise() -> None:
    def constant(field: nn.Module, batch: Batch) -> Tensor:
        return 0 * field(batch.coords).mean()

    checks = {check.__name__: check for check in loss_checks()}
    with pytest.raises(AssertionError, match=r"^constant has no gradient in the parameters"):
        checks["has_the_mean_of_gradients"](constant)


def test_a_hidden_derivative_is_a_broken_promise() -> None:
    def smooth(field: nn.Module, batch: Batch) -> Tensor:
        coords = batch.coords.detach().requires_grad_()
        (slopes,) = torch.autograd.grad(field(coords).sum(), coords, create_graph=True)
        return slopes.square().mean()

    checks = {check.__name__: check for check in loss_checks()}
    with pytest.raises(
        AssertionError, match=r"^smooth declares differentiates=False; expected True"
    ):
        checks["says_whether_it_differentiates"](smooth)
