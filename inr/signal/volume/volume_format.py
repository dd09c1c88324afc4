"""The map between normalised values and stored voxels, and the way a file holds these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from inr.raster import PixelFormat

from .slabs import cut_slabs

Triple = tuple[float, float, float]
Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Container:
    """How a file holds a volume, without the voxels; plain data.

    Attributes:
        suffix: Suffix of the format that holds them without loss: that of the file, or ``.nii.gz``
            for what is read but not written.
        axes: Axes of the stored array in C order: ``z``, ``y``, ``x``, ``c`` for channels and ``t``
            for an axis of one frame.
        byte_order: ``<`` or ``>``.
        dataset: Name of the array in its file.
        slope: What a stored number is multiplied by to give its physical value, and
        intercept: what is added then.
        spacing: Distance of neighbouring voxels along x, y and z, in ``unit``.
        unit: Unit of lengths, such as ``mm``.
        affine: 4 x 4, from voxel numbers (x, y, z, 1) to positions in ``unit``: to the right, to
            the front and up (RAS), where there is a body.
        header: Header of a NIfTI file, in base 64.
    """

    suffix: str
    axes: str = "zyx"
    byte_order: str = "<"
    dataset: str | None = None
    slope: float = 1.0
    intercept: float = 0.0
    spacing: Triple | None = None
    unit: str | None = None
    affine: Matrix | None = None
    header: str | None = None

    def resampled(
        self,
        shape: Sequence[int],
        size: Sequence[int],
        lower: Sequence[float] = (0.0, 0.0, 0.0),
        upper: Sequence[float] = (1.0, 1.0, 1.0),
    ) -> Container:
        """The same place in the world on another lattice: of other cells, of a part, or both.

        Args:
            shape: ``(D, H, W)`` that this container is about.
            size: ``(D, H, W)`` of the new lattice.
            lower: Corner ``(x, y, z)`` of the box in the unit cube that the new lattice covers.
            upper: The opposite corner.
        """
        old, new = np.array(shape[::-1], float), np.array(size[::-1], float)
        start, end = np.array(lower, float), np.array(upper, float)
        scale = (end - start) * old / new
        # Voxel i' is centred at (i' + 1/2) / new of the box, and voxel i at (i + 1/2) / old.
        step = np.diag([*scale, 1.0])
        step[:3, 3] = start * old + scale / 2 - 0.5
        spacing, affine = self.spacing, self.affine
        if spacing is not None:
            x, y, z = (float(d * s) for d, s in zip(spacing, scale, strict=True))
            spacing = (x, y, z)
        if affine is not None:
            affine = to_rows(np.array(affine) @ step)
        return replace(self, spacing=spacing, affine=affine)

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Container:
        """The inverse of ``asdict``, also after JSON.

        Raises:
            KeyError, TypeError, ValueError: A field is missing or of another type.
        """
        check_keys(cls, plain)
        spacing, affine = plain.get("spacing"), plain.get("affine")
        check_letters(plain.get("axes", "zyx"))
        if spacing is not None:
            x, y, z = map(float, spacing)
            spacing = (x, y, z)
        if affine is not None:
            affine = to_rows(np.array(affine, float).reshape(4, 4))
        return cls(**{**plain, "spacing": spacing, "affine": affine})


@dataclass(frozen=True)
class VolumeFormat:
    """All that it takes to write a field's values as the file that it was fitted to; plain data.

    Attributes:
        pixel_format: The affine map between values and stored voxels.
        container: How the file holds these.
    """

    pixel_format: PixelFormat
    container: Container

    @property
    def value_range(self) -> tuple[float, float]:
        """What the least and the greatest voxel are to the field."""
        return self.pixel_format.value_range

    @property
    def step(self) -> float | None:
        """Distance of the values of neighbouring whole-numbered voxels; None for floats."""
        return self.pixel_format.step

    @property
    def dtype(self) -> np.dtype:
        """Of the stored voxels."""
        return np.dtype(self.pixel_format.dtype)

    def normalize(self, voxels: np.ndarray) -> np.ndarray:
        """Float32 values of voxels, of the same shape, without large intermediates."""
        values = np.empty(voxels.shape, np.float32)
        for slab in cut_slabs(voxels.shape):
            values[slab] = self.pixel_format.normalize(voxels[slab])
        return values

    def restore(self, values: np.ndarray) -> np.ndarray:
        """Voxels of values, clipped to the range and, if whole numbers, rounded."""
        voxels = np.empty(values.shape, self.dtype)
        for slab in cut_slabs(values.shape):
            voxels[slab] = self.pixel_format.restore(values[slab])
        return voxels

    def resampled(
        self,
        shape: Sequence[int],
        size: Sequence[int],
        lower: Sequence[float] = (0.0, 0.0, 0.0),
        upper: Sequence[float] = (1.0, 1.0, 1.0),
    ) -> VolumeFormat:
        """The same on another lattice: see :meth:`Container.resampled`."""
        return replace(self, container=self.container.resampled(shape, size, lower, upper))

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> VolumeFormat:
        """The inverse of ``asdict``, also after JSON.

        Raises:
            KeyError, TypeError, ValueError: A field is missing or of another type.
        """
        check_keys(cls, plain)
        pixels = dict(plain["pixel_format"])
        lower, upper = map(float, pixels["value_range"])
        pixels["value_range"] = (lower, upper)
        return cls(PixelFormat(**pixels), Container.from_plain(dict(plain["container"])))


def check_letters(axes: Any) -> str:
    """Returns ``axes`` when it names each axis of an array once, and x and y among them.

    Raises:
        ValueError: A letter is unknown or repeated, or x or y is missing.
    """
    known = isinstance(axes, str) and set(axes) <= set("tzyxc") and len(set(axes)) == len(axes)
    if not known or not {"x", "y"} <= set(axes):
        raise ValueError(
            f"axes is {axes!r}; expected a letter for each axis of the file: z, y and x, c for "
            "channels and t for frames, such as zyx or tzyxc."
        )
    return str(axes)


def to_rows(matrix: np.ndarray) -> Matrix:
    """A matrix as plain data."""
    return tuple(tuple(float(number) for number in row) for row in matrix)


def check_keys(cls: type, plain: dict[str, Any]) -> None:
    """Rejects data that name what a dataclass does not have."""
    unknown = set(plain) - {field.name for field in fields(cls)}
    if unknown:
        raise TypeError(f"{cls.__name__} has no {', '.join(sorted(unknown))}.")


def byte_order(dtype: np.dtype) -> str:
    """``<`` or ``>``: of numbers of one byte too."""
    return ">" if dtype.newbyteorder("=").str != dtype.str and dtype.itemsize > 1 else "<"
