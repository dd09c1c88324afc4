"""Small images of noise in files."""

from pathlib import Path

import numpy as np

from inr.raster import write_raster


def write_images(folder: Path, count: int = 3, *, height: int = 9, width: int = 5) -> Path:
    """Higher than wide, in three channels, each another one."""
    generator = np.random.default_rng(0)
    for number in range(count):
        pixels = generator.integers(0, 256, (height, width, 3), np.uint8)
        write_raster(folder / f"{number}.png", pixels)
    return folder
