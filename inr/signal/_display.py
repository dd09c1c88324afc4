"""The interface of displays: how fields of one kind of signal are measured, shown and written."""

import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from inr.batch import Batch
from inr.field.file import FieldDescription
from inr.lattice import Region
from inr.mesh import Mesh
from inr.raster import PixelFormat
from inr.signal._preview import Preview
from inr.signal._units import Units


class Metric(NamedTuple):
    """A number that measures how well a field fits.

    Attributes:
        key: Key in ``metrics.json``.
        label: Name in tables.
        form: Format of ``str.format``, with the unit.
    """

    key: str
    label: str
    form: str = "{:.4f}"


class Display(ABC):
    """Signals of one kind: how a field that fits one is measured, shown and written.

    Attributes:
        metrics: Metrics to show, the most important first.
        suffixes: Suffixes of the files that fields are written to.
        has_surface: Whether fields are of space and have level sets.
    """

    metrics: tuple[Metric, ...]
    suffixes: tuple[str, ...]
    has_surface = False

    def describe(self, signal: Any) -> FieldDescription:
        """The description of a field that outlives its signal."""
        return FieldDescription(
            signal.kind,
            signal.in_features,
            signal.out_features,
            self.native_lattice(signal),
            self.format_of(signal),
        )

    def native_lattice(self, signal: Any) -> tuple[int, ...]:
        """Cells per axis, in array order, from which a field is written."""
        lattice: tuple[int, ...] = signal.lattice
        return lattice

    @abstractmethod
    def format_of(self, signal: Any) -> dict[str, Any]:
        """Plain data that a file of this kind needs beside the field's values."""

    @abstractmethod
    def units(self, description: FieldDescription) -> Units:
        """The units of values and coordinates in a file of this kind."""

    def decode(self, outputs: Tensor, description: FieldDescription) -> Tensor:
        """A field's outputs ``(*batch, c)`` in the numbers of its file, with gradients."""
        units = self.units(description)
        return units.zero + units.factor * outputs

    def restore(self, values: np.ndarray, description: FieldDescription) -> np.ndarray:
        """A field's outputs as its file holds them: in its dtype, clipped and rounded."""
        return self.decode(torch.from_numpy(values), description).numpy()

    @abstractmethod
    def measure(
        self, field: nn.Module, signal: Any, rendering: Tensor, *, thorough: bool = False
    ) -> dict[str, float]:
        """Measures how well a field fits; metrics without a meaning are left out.

        Args:
            field: ``(n, d) -> (n, c)``.
            signal: Signal that the field is fitted to.
            rendering: The field on the signal's lattice, ``(*lattice, c)``, not clipped.
            thorough: Whether to measure what takes long, as at the end of a run.
        """

    @abstractmethod
    def measure_batch(self, field: nn.Module, signal: Any, batch: Batch) -> dict[str, float]:
        """Measures how well a field fits at some points."""

    def measure_result(self, path: Path, signal: Any) -> dict[str, float]:
        """Measures a file that :meth:`write` wrote against the signal."""
        return {}

    @abstractmethod
    def show(
        self,
        field: nn.Module,
        signal: Any,
        rendering: Tensor,
        *,
        error_scale: float,
        max_pixels: int,
        thorough: bool = False,
    ) -> list[Preview]:
        """Previews of a field beside its signal; the first is a picture.

        Args:
            field: ``(n, d) -> (n, c)``.
            signal: Signal that the field is fitted to.
            rendering: The field on the signal's lattice, ``(*lattice, c)``, not clipped.
            error_scale: The error, as a share of the value range, that is shown brightest.
            max_pixels: Most pixels of a picture.
            thorough: Whether to show what takes long to make.
        """

    def extract_surface(
        self,
        field: nn.Module,
        description: FieldDescription,
        shape: tuple[int, int, int],
        level: float | None = None,
        *,
        progress: bool = False,
    ) -> Mesh:
        """The surface where a field has one value, in the frame and units of what was fitted.

        Args:
            field: ``(n, 3) -> (n, 1)``.
            description: Description of the field.
            shape: Cells per axis, ``(D, H, W)``.
            level: Value on the surface, in the units of the file that was fitted: for a CT,
                Hounsfield units; for a distance, how far outside; for an occupancy, a
                probability. None is the surface of a shape, and the middle of a volume's range.
            progress: Whether to show a bar on stderr.

        Raises:
            ValueError: The kind has no surface, or the field has that value nowhere.
        """
        raise ValueError(
            f"a {description.kind} has no surface; expected a shape, a point cloud or a volume."
        )

    def pixel_format(self, description: FieldDescription) -> PixelFormat:
        """The meaning of values as pixels of a slice.

        Raises:
            ValueError: The kind has no slices.
        """
        raise ValueError(
            f"a {description.kind} has no slices; expected a run of a signal with three axes."
        )

    @abstractmethod
    def native_suffix(self, description: FieldDescription) -> str:
        """The suffix of a file that holds what was fitted at its own resolution and depth."""

    @abstractmethod
    def write(
        self,
        path: str | os.PathLike[str],
        field: nn.Module,
        description: FieldDescription,
        *,
        size: tuple[int, ...] | None = None,
        region: Region | None = None,
        progress: bool = False,
    ) -> None:
        """Writes a field into a file of the format that the suffix says.

        Args:
            path: Ends in one of ``suffixes``.
            field: ``(n, d) -> (n, c)``.
            description: Description of the field.
            size: Cells per axis, in array order; the signal's own when None.
            region: Lower and upper corner, in coordinate order, of the box to render; all when
                None.
            progress: Whether to show a bar on stderr.

        Raises:
            ValueError: The suffix is unknown, or such a file cannot hold the field.
        """
