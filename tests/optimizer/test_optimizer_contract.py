"""What every optimizer promises."""

import math

import pytest
import torch

import inr.optimizer
from tests.conftest import ROOT
from tests.optimizer.descent import START, Weights

MEMBERS = sorted(path.stem for path in (ROOT / "conf" / "optimizer").glob("*.yaml"))


@pytest.mark.parametrize("name", MEMBERS)
def test_only_trainable_parameters_are_trained(name: str) -> None:
    module = Weights()
    module.frozen.grad = torch.ones(3, dtype=torch.float64)
    module.trained.grad = torch.ones(3, dtype=torch.float64)
    optimizer = getattr(inr.optimizer, name)(module, lr=0.1)
    held = [p for group in optimizer.param_groups for p in group["params"]]
    assert len(held) == 1 and held[0] is module.trained
    optimizer.step()
    assert torch.equal(module.frozen, START)
    # Muon leaves a vector to Adam, at Adam's rate.
    assert (module.trained < START - 0.004).all()


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("lr", [0.0, -1.0, math.nan])
def test_a_learning_rate_that_is_not_positive_is_rejected(name: str, lr: float) -> None:
    with pytest.raises(ValueError, match=r"lr is .*; expected a finite number above 0"):
        getattr(inr.optimizer, name)(Weights(), lr=lr)
