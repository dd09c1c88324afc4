"""The interface of signals: all of them, those with numbered points, those about a surface."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor, nn

from inr.batch import Batch
from inr.mesh import Frame
from inr.signal._display import Display


class Signal(nn.Module, ABC):
    """What a field is fitted to: a function on the unit cube.

    It is a module so that its data, in buffers, follow it to a device. They are never saved.

    Attributes:
        kind: Name of the kind of signal, as on the command line.
        display: How fields that fit signals of this kind are measured, shown and written.
        suffixes: Suffixes of files of this kind, which decide when no content is recognised.
        axes: A letter for each coordinate.
        sample: File in ``data/`` that is fitted when no path is given; None where there is none.
        file_options: Options that a path implies.
        in_features: Coordinate dimension d.
        out_features: Value dimension c.
        name: Name for folders and titles.
        lattice: Cells per axis, in array order (``(H, W)``, ``(D, H, W)``), on which a field is
            evaluated as a whole.
        value_range: The lowest and highest value there can be.
        target_kind: What batches hold as targets, which a loss has to suit: ``values``,
            ``labels`` or ``surface``.
    """

    kind: str
    display: Display
    suffixes: tuple[str, ...] = ()
    axes = "xyz"
    sample: str | None = None
    file_options: Mapping[str, str] = MappingProxyType({})
    in_features: int
    out_features: int
    name: str
    lattice: tuple[int, ...]
    value_range: tuple[float, float]
    target_kind = "values"

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        """Whether a path is of this kind, by as little of its content as that takes."""
        return False

    @classmethod
    def write_array(cls, array: np.ndarray, folder: Path, rate: int | None = None) -> Path:
        """Writes an array without loss as a file that this kind reads.

        Args:
            array: Numbers, with the axes of a file of this kind.
            folder: Folder of the file.
            rate: Samples or frames per second, for kinds with a time axis.

        Raises:
            ValueError: No array is of this kind, or such a file cannot hold this one.
        """
        raise ValueError(f"signal is {cls.kind!r}, which no array is; expected another kind.")

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
    def targets(self, index: Tensor | None = None) -> Tensor | None:
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
    """A signal about a surface in space.

    Attributes:
        target: ``occupancy`` or ``distance``: what a field gives.
        frame: Map from the frame of the file to the cube.
        resolution: Cells along each axis from which a resulting mesh is made.
    """

    target: str
    frame: Frame
    resolution: int

    @abstractmethod
    def near_surface(self, num_points: int, seed: int) -> Batch:
        """Points near the surface, or on it, with the values there."""
