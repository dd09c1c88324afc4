"""Derivatives of a field as a file."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
from torch import nn

from inr.atomic import replacing
from inr.field.rendering import render_slabs
from inr.lattice import Region
from inr.progress import with_bar
from inr.raster import write_raster
from inr.signal._units import GradientScale

SUFFIXES = (".npz", ".png")


def write_gradient(
    path: Path,
    gradient: nn.Module,
    shape: tuple[int, ...],
    scale: GradientScale,
    *,
    region: Region | None = None,
    progress: bool = False,
) -> None:
    """Writes derivatives, or a picture of their length, brightest where it is greatest.

    Args:
        path: Ends in ``.npz``, for ``gradient`` of shape ``(*shape, c, d)`` in float32, and the
            text ``units`` that says what its numbers are; or in ``.png``, for the root of the sum
            of their squares.
        gradient: ``(n, d) -> (n, c d)``, per unit of coordinate.
        shape: Cells per axis, in array order.
        scale: What is written instead of that.
        region: Lower and upper corner, in coordinate order, of the box to render; all when None.
        progress: Whether to show a bar on stderr.

    Raises:
        ValueError: The suffix is another, or a picture is asked for that is none.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES or (suffix == ".png" and len(shape) != 2):
        expected = " or ".join(SUFFIXES) if len(shape) == 2 else ".npz"
        raise ValueError(f"{path.name} cannot hold these derivatives; expected {expected}.")
    slabs = with_bar(render_slabs(gradient, shape, region=region), shape[0], shown=progress)
    slopes = gather(slabs, shape)
    parted = slopes.reshape(*shape, -1, len(shape))
    factors = np.array(scale.factors)
    if suffix == ".png":
        # By each other: squares of very large or small numbers leave float32.
        parted *= factors / np.abs(factors).max()
        lengths = np.linalg.norm(slopes, axis=-1, keepdims=True)
        brightness = 255 / (lengths.max() or 1)
        write_raster(path, np.rint(lengths * brightness).astype(np.uint8), bits=8)
        return
    parted *= factors
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, gradient=parted, units=np.array(scale.units))


def gather(slabs: Iterator[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """All of them in one array, ``(*shape, n)`` in float32, which is there only once."""
    first = next(slabs)
    whole = np.empty((*shape, first.shape[-1]), np.float32)
    start = 0
    for slab in chain([first], slabs):
        whole[start : start + len(slab)] = slab
        start += len(slab)
    return whole
