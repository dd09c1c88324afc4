"""One rendering serves all who look at a step, and is let go of."""

import weakref
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from inr.cli import train
from inr.loss import mse
from inr.render import render
from inr.sampler import LatticeSampler
from inr.signal import LatticeSignal
from inr.training import FieldTraining, field_training, reconstruct
from tests.tolerance import assert_close


def test_a_rendering_is_the_field_of_the_present_step_not_clipped() -> None:
    signal = LatticeSignal(torch.zeros(3, 5, 1), value_range=(0.0, 1.0), name="black")
    field = torch.nn.Linear(2, 1)
    unused: Any = None
    training = FieldTraining(
        field,
        signal,
        sampler=LatticeSampler(seed=0),
        loss=mse,
        make_optimizer=unused,
        make_scheduler=unused,
        record={},
    )
    trainer: Any = SimpleNamespace(world_size=1, global_rank=0)
    training.trainer = trainer
    first = training.render()
    assert training.render() is first
    training.training_step(0, 0)
    with torch.no_grad():
        field.weight.copy_(torch.tensor([[-4.0, 0.0]]))
        field.bias.zero_()
    expected = -4 * (torch.arange(5) + 0.5) / 5
    assert_close(training.render()[..., 0], expected.expand(3, 5))


def test_callbacks_share_one_rendering_and_none_is_held(
    fit: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    renderings: list[weakref.ref[Tensor]] = []

    def assert_none_is_held() -> None:
        assert all(rendering() is None for rendering in renderings)

    def tracked(*arguments: Any) -> Tensor:
        assert_none_is_held()
        values = render(*arguments)
        renderings.append(weakref.ref(values))
        return values

    def at_the_end(*arguments: Any) -> Tensor:
        assert_none_is_held()
        return reconstruct(*arguments)

    monkeypatch.setattr(field_training, "render", tracked)
    monkeypatch.setattr(train, "reconstruct", at_the_end)
    fit()
    assert len(renderings) == 5  # steps 0, 1, 3, 10 and 20
