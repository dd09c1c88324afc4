"""A volume in memory, with what its numbers mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .volume_format import Container


@dataclass(frozen=True)
class Volume:
    """The voxels of one volume as its file stores them.

    Attributes:
        voxels: ``(D, H, W, C)`` array of finite numbers, axes (z, y, x, channel), of the file's own
            dtype: booleans, integers of up to 64 bits or floats. It may be a read-only view of the
            file, in the file's byte order.
        container: How the file holds them, and where they are in the world.
        low: The least voxel.
        high: The greatest; always above ``low``.
        notes: One-line remarks for the user on what the reader had to decide.
    """

    voxels: np.ndarray
    container: Container
    low: float
    high: float
    notes: tuple[str, ...] = ()

    @property
    def bits(self) -> int | None:
        """Bits of whole-numbered voxels; None for floats."""
        dtype = self.voxels.dtype
        return {"b": 1, "f": None}.get(dtype.kind, dtype.itemsize * 8)
