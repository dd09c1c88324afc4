"""A signal whose values are the flat positions of its points, so that draws can be told apart."""

import math

import torch

from inr.batch import Batch
from inr.lattice import lattice_points
from inr.signal import LatticeSignal
from tests.tolerance import assert_close


def make_signal(*lattice: int, holdout: str | float = "none") -> LatticeSignal:
    """Values 0, 1, 2, … in C order."""
    total = math.prod(lattice)
    return LatticeSignal(
        torch.arange(total, dtype=torch.float32).reshape(*lattice, 1),
        value_range=(0.0, float(total)),
        name="numbered",
        holdout=holdout,
    )


def positions(batch: Batch, signal: LatticeSignal) -> list[int]:
    """Flat positions of the points drawn, whose coordinates and index must be theirs."""
    drawn = batch.values[:, 0].long()
    assert batch.index is not None and torch.equal(batch.index, drawn)
    assert_close(batch.coords, lattice_points(signal.lattice, drawn))
    return drawn.tolist()
