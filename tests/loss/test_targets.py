"""The targets that losses declare."""

import doctest
from functools import partial

import torch

import inr.loss._targets
from inr.loss import compares, differentiates, huber, losses_for, siren_sdf, target_kind_of


def test_losses_are_found_by_their_targets() -> None:
    values = ("clamped_l1", "huber", "l1", "mape", "mse", "relative_l2")
    kinds = {kind: losses_for(kind) for kind in ("values", "labels", "surface", "sounds")}
    assert kinds == {"values": values, "labels": ("bce",), "surface": ("siren_sdf",), "sounds": ()}


def test_a_partial_loss_declares_what_the_loss_does() -> None:
    loss = partial(siren_sdf, span=1.0)
    assert (target_kind_of(loss), differentiates(loss)) == ("surface", True)
    loss = partial(huber, delta=0.3)
    assert (target_kind_of(loss), differentiates(loss)) == ("values", False)


def test_a_loss_of_ones_own_declares_its_targets_or_compares_values() -> None:
    def loss(field: object, batch: object) -> torch.Tensor:
        return torch.zeros(())

    assert (target_kind_of(loss), differentiates(loss)) == ("values", False)
    declared = compares("labels", differentiates=True)(loss)
    assert declared is loss
    assert (target_kind_of(loss), differentiates(loss)) == ("labels", True)
    assert losses_for("labels") == ("bce",)


def test_the_example_runs() -> None:
    result = doctest.testmod(inr.loss._targets)
    assert result.attempted > 0
    assert result.failed == 0
