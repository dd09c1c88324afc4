"""The map between normalised values and stored voxels, and the way a file holds these."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from inr.raster import PixelFormat

from .slabs import cut_slabs

Shape = tuple[int, int, int, int]
MICROMETRES = {"nm": 1e-3, "um": 1.0, "mm": 1e3, "cm": 1e4, "m": 1e6}


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
        spacing: Distances of neighbouring voxels along x, y and z, in ``unit``; None where they
            are not known, as where one is not above 0.
        unit: Unit of lengths, such as ``mm``.
        affine: 4 x 4, from voxel numbers (x, y, z, 1) to positions in ``unit``: to the right, to
            the front and up (RAS), where there is a body. None where it is not known, as where it
            has no inverse.
        header: Header of a NIfTI file, in base 64.

    Raises:
        TypeError, ValueError: A field is of another type.
    """

    suffix: str
    axes: str = "zyx"
    byte_order: str = "<"
    dataset: str | None = None
    slope: float = 1.0
    intercept: float = 0.0
    spacing: Sequence[float] | None = None
    unit: str | None = None
    affine: ArrayLike | None = None
    header: str | None = None

    def __post_init__(self) -> None:
        check_letters(self.axes)
        if self.spacing is not None:
            x, y, z = map(float, self.spacing)
            known = min(x, y, z) > 0 and np.isfinite([x, y, z]).all()
            object.__setattr__(self, "spacing", (x, y, z) if known else None)
        if self.affine is not None:
            affine = np.array(self.affine, float).reshape(4, 4)
            known = np.isfinite(affine).all() and np.linalg.matrix_rank(affine) == 4
            object.__setattr__(self, "affine", to_rows(affine) if known else None)

    def in_millimetres(self) -> np.ndarray:
        """The affine in millimetres; that of the spacing alone where there is none."""
        spacing = self.spacing or (1.0, 1.0, 1.0)
        affine = np.diag([*spacing, 1.0]) if self.affine is None else np.array(self.affine)
        affine[:3] *= MICROMETRES.get(self.unit or "mm", 1e3) / 1e3
        return affine

    def cropped(self, start: Sequence[int]) -> "Container":
        """The container of a part that begins at voxel ``(x, y, z)``."""
        step = np.eye(4)
        step[:3, 3] = start
        return self if self.affine is None else replace(self, affine=np.array(self.affine) @ step)

    def resampled(
        self,
        shape: Sequence[int],
        size: Sequence[int],
        lower: Sequence[float] = (0.0, 0.0, 0.0),
        upper: Sequence[float] = (1.0, 1.0, 1.0),
    ) -> "Container":
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
        spacing = None if self.spacing is None else self.spacing * scale
        affine = None if self.affine is None else np.array(self.affine) @ step
        return replace(self, spacing=spacing, affine=affine)


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

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> "VolumeFormat":
        """The inverse of ``asdict``, also after JSON.

        Raises:
            KeyError, TypeError, ValueError: A field is missing, unknown or of another type.
        """
        pixels = plain["pixel_format"]
        lower, upper = map(float, pixels["value_range"])
        pixel_format = PixelFormat(**{**pixels, "value_range": (lower, upper)})
        return cls(pixel_format, Container(**plain["container"]))


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


def to_rows(matrix: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """A matrix as plain data."""
    return tuple(tuple(float(number) for number in row) for row in matrix)


def byte_order(dtype: np.dtype) -> str:
    """``<`` or ``>``: of numbers of one byte too."""
    return ">" if dtype.newbyteorder("=").str != dtype.str and dtype.itemsize > 1 else "<"
