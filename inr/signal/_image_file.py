"""Pictures of a fitted field."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from torch import nn

from inr.atomic import replacing
from inr.field.file import FieldDescription
from inr.field.rendering import TILE, render_tiles
from inr.lattice import Region
from inr.progress import with_bar
from inr.raster import PixelFormat, native_suffix, write_raster, write_tiff_tiles

TIFF_SUFFIXES = (".tif", ".tiff")
SUFFIXES = (".png", ".npz", *TIFF_SUFFIXES)
MAX_WHOLE_PIXELS = 2**27


def pixel_format_of(description: FieldDescription) -> PixelFormat:
    """What values mean as pixels."""
    known = description.format
    return PixelFormat(**{**known, "value_range": tuple(known["value_range"])})


def native_image_suffix(description: FieldDescription) -> str:
    """The suffix of a file that holds the field's pixels at their own depth.

    PNG holds those that use all of its own. Of a volume the least may be above 0 and the greatest
    far below what its dtype holds: 12 bits of a scanner would be nearly black.
    """
    pixels = pixel_format_of(description)
    is_whole = pixels.bits == 1 or pixels == pixels.as_displayable()
    if math.prod(description.lattice) > MAX_WHOLE_PIXELS or not is_whole:
        return ".tiff"
    return native_suffix(np.dtype(pixels.dtype), pixels.bits, description.out_features)


def write_image(
    path: str | os.PathLike[str],
    field: nn.Module,
    description: FieldDescription,
    *,
    size: tuple[int, ...] | None = None,
    region: Region | None = None,
    progress: bool = False,
) -> None:
    """Renders a field into an image file, of the kind that the suffix says.

    TIFF is streamed, tile by tile, at the depth of what was fitted. So are the pixels of NPZ and
    PNG, which are held in memory as a whole; where PNG has no such depth, or they do not use all
    of it, they are spread over 8 or 16 bits.

    Args:
        path: Ends in ``.png``, ``.tif``, ``.tiff`` or ``.npz``.
        field: ``(n, 2) -> (n, c)``.
        description: What it was fitted to.
        size: ``(H, W)``; its own when None.
        region: Corners ``((x0, y0), (x1, y1))`` of the box to render; all when None.
        progress: Whether to show a bar on stderr.

    Raises:
        ValueError: The suffix is another, or the image too large for a format that is not
            streamed.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(
            f"{Path(path).name} has no suffix that is known; expected {', '.join(SUFFIXES)}."
        )
    height, width = size or description.lattice
    pixels = pixel_format_of(description)
    if suffix == ".png" and native_image_suffix(description) != ".png":
        pixels = pixels.as_displayable()
    shape = (height, width, description.out_features)
    values = render_tiles(field, (height, width), region=region)
    count = math.ceil(height / TILE) * math.ceil(width / TILE)
    values = with_bar(values, count, shown=progress, by_length=False)
    tiles = (pixels.restore(tile) for tile in values)
    if suffix in TIFF_SUFFIXES:
        dtype, edges = np.dtype(pixels.dtype), (TILE, TILE)
        write_tiff_tiles(path, shape, dtype, _pad(tiles), tile=edges, bits=pixels.bits)
        return
    if height * width > MAX_WHOLE_PIXELS:
        raise ValueError(
            f"{Path(path).name} of {height}x{width} pixels would be held in memory as a whole; "
            "expected a .tiff, which is streamed. Use -o with that suffix."
        )
    image = _assemble(tiles, shape, pixels.dtype)
    if suffix == ".png":
        write_raster(path, image, bits=pixels.bits)
        return
    # An array has any number of channels.
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, pixels=image)


def _pad(tiles: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Tiles of full size: a tiled TIFF has no smaller ones at its edges."""
    for tile in tiles:
        height, width = tile.shape[:2]
        yield np.pad(tile, ((0, TILE - height), (0, TILE - width), (0, 0)), mode="edge")


def _assemble(tiles: Iterator[np.ndarray], shape: tuple[int, int, int], dtype: str) -> np.ndarray:
    image = np.empty(shape, dtype)
    for top in range(0, shape[0], TILE):
        for left in range(0, shape[1], TILE):
            image[top : top + TILE, left : left + TILE] = next(tiles)
    return image
