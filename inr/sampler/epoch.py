"""Every training point once per epoch."""

import torch
from torch import Tensor

from inr.argument import check_count, check_flag
from inr.batch import Batch
from inr.sampler._sampler import Sampler, numbered_generator
from inr.signal import FiniteSignal


class EpochSampler(Sampler):
    """Every training point once per epoch, in order or shuffled anew each epoch.

    A batch may extend into the next epoch, so that all batches have the same size.

    Args:
        batch_size: Points per step; None is all points (full batch).
        shuffle: Whether each epoch has a random order of its own. A full batch is never shuffled.
        seed: Seed of the orders.
    """

    def __init__(
        self, *, batch_size: int | None = 8192, shuffle: bool = True, seed: int = 0
    ) -> None:
        self.batch_size = None if batch_size is None else check_count("batch_size", batch_size)
        self.shuffle = check_flag("shuffle", shuffle)
        self.seed = check_count("seed", seed, minimum=0)
        self._order: tuple[tuple[int, int, torch.device], Tensor] | None = None

    def draw(self, signal: FiniteSignal, number: int) -> Batch:
        if self.batch_size is None or self.batch_size >= signal.num_train:
            return signal.train_points(None)
        pieces = []
        position, end = number * self.batch_size, (number + 1) * self.batch_size
        while position < end:
            epoch, start = divmod(position, signal.num_train)
            stop = min(signal.num_train, start + end - position)
            pieces.append(self._epoch_order(signal, epoch)[start:stop])
            position += stop - start
        return signal.train_points(torch.cat(pieces))

    def _epoch_order(self, signal: FiniteSignal, epoch: int) -> Tensor:
        """The order of one epoch. The last order is kept, since an epoch has many steps."""
        key = epoch, signal.num_train, signal.device
        if self._order is None or self._order[0] != key:
            self._order = key, self._make_order(signal, epoch)
        return self._order[1]

    def _make_order(self, signal: FiniteSignal, epoch: int) -> Tensor:
        if not self.shuffle:
            return torch.arange(signal.num_train, device=signal.device)
        return torch.randperm(
            signal.num_train,
            generator=numbered_generator(self.seed, epoch, signal.device),
            device=signal.device,
        )
