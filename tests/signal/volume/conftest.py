"""Small volumes that are alike under no flip, turn or exchange of axes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inr.raster import PixelFormat
from inr.signal.volume import Volume, VolumeFormat, read_volume

D, H, W = 5, 6, 7


def draw(dtype: str, channels: int = 1) -> np.ndarray:
    """Random voxels ``(5, 6, 7, C)`` of a dtype, over most of its range."""
    random = np.random.default_rng(0)
    shape, kind = (D, H, W, channels), np.dtype(dtype).kind
    if kind == "b":
        return random.integers(0, 2, shape).astype(dtype)
    if kind == "f":
        return random.normal(size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    low, high = max(limits.min, -(2**52)), min(limits.max, 2**52)
    return random.integers(low, high, shape, np.int64, endpoint=True).astype(dtype)


def format_of(volume: Volume) -> VolumeFormat:
    """What a signal makes of a volume that was read."""
    name = volume.voxels.dtype.newbyteorder("=").name
    pixels = PixelFormat(name, volume.bits, volume.low, volume.high, (0.0, 1.0))
    return VolumeFormat(pixels, volume.container)


@pytest.fixture
def read_bytes(tmp_path: Path) -> Callable[..., Volume]:
    """Reads a file of the given content."""

    def read(content: bytes, name: str = "volume", **terms: Any) -> Volume:
        path = tmp_path / name
        path.write_bytes(content)
        return read_volume(path, **terms)

    return read
