"""Signals that are known on a regular lattice."""

import math

import torch
from torch import Tensor

from inr.batch import Batch
from inr.lattice import lattice_points
from inr.signal._signal import FiniteSignal

MOST_IN_TABLE = 2**22


class LatticeSignal(FiniteSignal):
    """Values at the cell centres of a lattice, some of which may be held out from training.

    Args:
        values: ``(*lattice, c)``, normalised.
        value_range: The lowest and highest value there can be; their distance is the peak of PSNR.
        name: Name for folders and titles.
        holdout: ``none``; ``alternate``, which trains on even positions along every axis and tests
            on odd ones; or the fraction of points, drawn at random, to test on.
        seed: Seed of the random fraction.
        levels: Values of the 256 bytes, where ``values`` are bytes: only those that are asked for
            become floats.

    Attributes:
        step: Distance of neighbouring values, where there is one.
        train_index: Flat positions that training sees; None when it sees all.
        test_index: Flat positions that it never sees; None when there are none.
    """

    train_index: Tensor | None
    test_index: Tensor | None
    step: float | None = None
    _stored: Tensor
    _levels: Tensor | None

    def __init__(
        self,
        values: Tensor,
        *,
        value_range: tuple[float, float],
        name: str,
        holdout: str | float = "none",
        seed: int = 0,
        levels: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.lattice = tuple(values.shape[:-1])
        self.in_features = len(self.lattice)
        self.out_features = values.shape[-1]
        self.value_range = value_range
        self.name = name
        train_index, test_index = split(self.lattice, holdout, seed)
        self._table: Tensor | None = None
        self.register_buffer("_stored", values.flatten(0, -2), persistent=False)
        self.register_buffer("_levels", levels, persistent=False)
        self.register_buffer("train_index", train_index, persistent=False)
        self.register_buffer("test_index", test_index, persistent=False)

    @property
    def peak(self) -> float:
        """Width of the value range."""
        return self.value_range[1] - self.value_range[0]

    @property
    def num_train(self) -> int:
        return self.num_points if self.train_index is None else len(self.train_index)

    @property
    def device(self) -> torch.device:
        return self._stored.device

    @property
    def dtype(self) -> torch.dtype:
        return (self._stored if self._levels is None else self._levels).dtype

    @property
    def values(self) -> Tensor:
        """``(N, c)``, in C order; made anew at each call of those that are stored as bytes."""
        return self.targets()

    def targets(self, index: Tensor | None = None) -> Tensor:
        found = self._stored
        if index is not None:
            found = found.index_select(0, index.to(self.device))
        if self._levels is None:
            return found
        return self._levels.index_select(0, found.flatten().int()).view(found.shape)

    def train_points(self, positions: Tensor | None) -> Batch:
        index = self.train_index
        if positions is not None:
            index = positions if index is None else index[positions]
        if index is None:
            index = torch.arange(self.num_points, device=self.device)
            return Batch(self._coords_of(index), self.targets(), index)
        return Batch(self._coords_of(index), self.targets(index), index)

    def _coords_of(self, index: Tensor) -> Tensor:
        """Coordinates of cells: looked up where those of all are no great burden."""
        if self.num_points > MOST_IN_TABLE:
            return lattice_points(self.lattice, index, dtype=self.dtype)
        table = self._table
        if table is None or (table.dtype, table.device) != (self.dtype, self.device):
            table = lattice_points(self.lattice, dtype=self.dtype, device=self.device)
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
        train, test = (_of_parity(lattice, parity) for parity in (0, 1))
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


def _of_parity(lattice: tuple[int, ...], parity: int) -> Tensor:
    """Flat positions that are all even, or all odd, along every axis."""
    chosen = torch.ones((), dtype=torch.bool)
    for n in lattice:
        chosen = chosen[..., None] & (torch.arange(n) % 2 == parity)
    return chosen.flatten().nonzero()[:, 0]
