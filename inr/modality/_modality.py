"""What every modality is."""

import os
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor, nn

from inr.batch import Batch
from inr.field_file import FieldDescription
from inr.lattice import Region
from inr.modality._exhibit import Exhibit
from inr.modality._units import Units
from inr.raster import PixelFormat


class Reading(NamedTuple):
    """A number that says how well a field fits.

    Attributes:
        key: In ``metrics.json``.
        label: For people.
        form: Of ``str.format``, with its unit.
    """

    key: str
    label: str
    form: str = "{:.4f}"


class Modality(ABC):
    """Signals of one kind: how a field that fits one is measured, shown and written.

    Attributes:
        readings: What is told of a field, the one that matters most first.
        suffixes: Of files that fields are written to.
    """

    readings: tuple[Reading, ...]
    suffixes: tuple[str, ...]

    def describe(self, signal: Any) -> FieldDescription:
        """What a field has to know of its signal when that has gone."""
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
        """What a file of this kind needs beside the field's values: plain data."""

    @abstractmethod
    def units(self, description: FieldDescription) -> Units:
        """What a field's values and coordinates are in a file of this kind."""

    @abstractmethod
    def measure(
        self, field: nn.Module, signal: Any, rendering: Tensor, *, thorough: bool = False
    ) -> dict[str, float]:
        """How well a field fits; only what has a meaning.

        Args:
            field: ``(n, d) -> (n, c)``.
            signal: The truth.
            rendering: What the field says on the signal's lattice, ``(*lattice, c)``, not clipped.
            thorough: Whether to measure what takes long, as at the end of a run.
        """

    @abstractmethod
    def measure_batch(self, field: nn.Module, signal: Any, batch: Batch) -> dict[str, float]:
        """How well a field fits at some points."""

    def measure_result(self, path: Path, signal: Any) -> dict[str, float]:
        """What is measured of a file that :meth:`write` wrote, beside the signal."""
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
    ) -> list[Exhibit]:
        """What there is to see of a field beside its signal; the first is a picture.

        Args:
            field: ``(n, d) -> (n, c)``.
            signal: The truth.
            rendering: As for :meth:`measure`.
            error_scale: The error, as a share of the value range, that is shown brightest.
            max_pixels: Of a picture, at most.
            thorough: As for :meth:`measure`.
        """

    def pixel_format(self, description: FieldDescription) -> PixelFormat:
        """What values mean as pixels, of a slice.

        Raises:
            ValueError: They mean nothing of the kind.
        """
        raise ValueError(
            f"a {description.kind} has no slices; expected a run of a volume or video."
        )

    @abstractmethod
    def native_suffix(self, description: FieldDescription) -> str:
        """Of a file that holds what was fitted at its own resolution and depth."""

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
        """Writes what a field has learnt, into a file of the kind that the suffix says.

        Args:
            path: Ends in one of ``suffixes``.
            field: ``(n, d) -> (n, c)``.
            description: What it was fitted to.
            size: Cells per axis, in array order; its own when None.
            region: Lower and upper corner, in coordinate order, of the box to render; all when
                None.
            progress: Whether to show a bar on stderr.

        Raises:
            ValueError: The suffix is another, or such a file cannot hold it.
        """
