"""Signals that are known on a regular lattice."""

import math

import torch
from torch import Tensor

from inr.batch import Batch
from inr.lattice import lattice_points
from inr.signal._signal import Signal

MOST_IN_TABLE = 2**22


class LatticeSignal(Signal):
    """Values at the cell centres of a lattice, some of which may be held out from training.

    Args:
        values: ``(*lattice, c)``, normalised.
        value_range: The lowest and highest value there can be; their distance is the peak of PSNR.
        name: For folders and titles.
        holdout: ``none``; ``alternate``, which trains on even positions along every axis and tests
            on odd ones; or the fraction of points, drawn at random, to test on.
        seed: Of the random fraction.

    Attributes:
        lattice: Cells per axis, in array order: ``(H, W)``, ``(D, H, W)``.
        values: ``(N, c)``, in C order.
        step: Distance of neighbouring values, where there is one.
        train_index: Flat positions that training sees; None when it sees all.
        test_index: Flat positions that it never sees; None when there are none.
    """

    values: Tensor
    train_index: Tensor | None
    test_index: Tensor | None
    step: float | None = None

    def __init__(
        self,
        values: Tensor,
        *,
        value_range: tuple[float, float],
        name: str,
        holdout: str | float = "none",
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.lattice = tuple(values.shape[:-1])
        self.in_features = len(self.lattice)
        self.out_features = values.shape[-1]
        self.value_range = value_range
        self.name = name
        train_index, test_index = split(self.lattice, holdout, seed)
        self._table: Tensor | None = None
        self.register_buffer("values", values.flatten(0, -2), persistent=False)
        self.register_buffer("train_index", train_index, persistent=False)
        self.register_buffer("test_index", test_index, persistent=False)

    @property
    def peak(self) -> float:
        """Width of the value range."""
        return self.value_range[1] - self.value_range[0]

    @property
    def num_points(self) -> int:
        """Number of lattice points."""
        return len(self.values)

    @property
    def num_train(self) -> int:
        return self.num_points if self.train_index is None else len(self.train_index)

    @property
    def device(self) -> torch.device:
        return self.values.device

    def train_points(self, positions: Tensor | None) -> Batch:
        index = self.train_index
        if positions is not None:
            index = positions if index is None else index[positions]
        if index is None:
            index = torch.arange(self.num_points, device=self.device)
            return Batch(self._coords_of(index), self.values, index)
        return Batch(self._coords_of(index), self.values.index_select(0, index), index)

    def _coords_of(self, index: Tensor) -> Tensor:
        """Coordinates of cells: looked up where those of all are no great burden."""
        if self.num_points > MOST_IN_TABLE:
            return lattice_points(self.lattice, index, dtype=self.values.dtype)
        table = self._table
        if table is None or (table.dtype, table.device) != (self.values.dtype, self.device):
            table = lattice_points(self.lattice, dtype=self.values.dtype, device=self.device)
            self._table = table
        return table.index_select(0, index)


def split(
    lattice: tuple[int, ...], holdout: str | float, seed: int
) -> tuple[Tensor | None, Tensor | None]:
    """Flat positions to train and to test on; None and None when nothing is held out.

    Raises:
        ValueError: ``holdout`` is not understood, or leaves nothing to train or test on.
    """
    if holdout == "none":
        return None, None
    total = math.prod(lattice)
    if holdout == "alternate":
        parities = torch.stack(torch.unravel_index(torch.arange(total), lattice)) % 2
        train, test = (parities == 0).all(0).nonzero()[:, 0], (parities == 1).all(0).nonzero()[:, 0]
    elif isinstance(holdout, float) and 0 < holdout < 1:
        order = torch.randperm(total, generator=torch.Generator().manual_seed(seed))
        held_out = round(holdout * total)
        train, test = order[held_out:].sort().values, order[:held_out].sort().values
    else:
        raise ValueError(
            f"holdout is {holdout!r}; expected none, alternate or a fraction between 0 and 1."
        )
    if not len(train) or not len(test):
        raise ValueError(
            f"holdout={holdout} of a lattice of {'x'.join(map(str, lattice))} leaves {len(train)} "
            f"points to train on and {len(test)} to test on; expected some of each."
        )
    return train, test
