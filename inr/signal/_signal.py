"""What every signal is."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from inr.batch import Batch


class Signal(nn.Module, ABC):
    """The ground truth: a function of the unit cube.

    It is a module so that its data, in buffers, follow it to a device. They are never saved.

    Attributes:
        kind: Of its modality, which says how fields that fit it are measured, shown and written.
        in_features: Coordinate dimension d.
        out_features: Value dimension c.
        name: For folders and titles.
        lattice: Cells per axis, in array order (``(H, W)``, ``(D, H, W)``), on which a field is
            looked at as a whole.
        value_range: The lowest and highest value there can be.
        truth_kind: What batches have of the truth, which a loss has to suit: ``values``,
            ``labels`` or ``surface``.
    """

    kind: str
    in_features: int
    out_features: int
    name: str
    lattice: tuple[int, ...]
    value_range: tuple[float, float]
    truth_kind = "values"

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where the data are."""

    @property
    @abstractmethod
    def dtype(self) -> torch.dtype:
        """Of coordinates and values."""

    @property
    def num_points(self) -> int:
        """Number of lattice points."""
        return int(torch.Size(self.lattice).numel())

    @abstractmethod
    def truth(self, index: Tensor | None = None) -> Tensor | None:
        """Values on the lattice, ``(n, c)``; None where only the field will know them.

        Args:
            index: ``(n,)`` flat positions; all when None.
        """

    def read(self, outputs: Tensor) -> Tensor:
        """What a field's outputs say about the values: themselves, if nothing else is said."""
        return outputs


class FiniteSignal(Signal):
    """A signal with a set of training points that can be numbered."""

    @property
    @abstractmethod
    def num_train(self) -> int:
        """Number of training points."""

    @abstractmethod
    def train_points(self, positions: Tensor | None) -> Batch:
        """Training points by their positions in ``range(num_train)``; all of them when None.

        A batch of points on a lattice says which: ``index``.
        """


class SurfaceSignal(Signal):
    """A signal about a surface in space."""

    @abstractmethod
    def near_surface(self, num_points: int, seed: int) -> Batch:
        """Points near the surface, or on it, with the values there."""
