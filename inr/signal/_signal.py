"""What every signal is."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from inr.batch import Batch


class Signal(nn.Module, ABC):
    """The ground truth: a function of the unit cube, known at a set of training points.

    It is a module so that its data, in buffers, follow it to a device. They are never saved.

    Attributes:
        in_features: Coordinate dimension d.
        out_features: Value dimension c.
        name: For folders and titles.
    """

    in_features: int
    out_features: int
    name: str

    @property
    @abstractmethod
    def num_train(self) -> int:
        """Number of training points."""

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where the data are."""

    @abstractmethod
    def train_points(self, positions: Tensor | None) -> Batch:
        """Training points by their positions in ``range(num_train)``; all of them when None.

        A batch of points on a lattice says which: ``index``.
        """
