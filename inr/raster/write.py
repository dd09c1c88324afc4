"""Writers of raster images, without loss of data."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from inr.atomic import replacing

SUFFIXES = (".png", ".tif", ".tiff", ".npz")
# A classic TIFF cannot hold 4 GiB; what is left is for its tables.
CLASSIC_LIMIT = 2**32 - 2**25


def native_suffix(dtype: np.typing.DTypeLike, bits: int | None, channels: int) -> str:
    """Choose the file format that holds an image without loss.

    Args:
        dtype: Dtype of the pixels.
        bits: Significant bits of integers; None takes the dtype's.
        channels: 1 to 4.

    Returns:
        `.png` for unsigned integers of 1, 8 and 16 bits, `.tiff` for everything else.
    """
    dtype = np.dtype(dtype)
    bits = bits or dtype.itemsize * 8
    whole = dtype.kind == "u" and dtype.itemsize <= 2 and bits == dtype.itemsize * 8
    bilevel = dtype == np.uint8 and bits == 1 and channels == 1
    return ".png" if whole or bilevel else ".tiff"


def write_raster(
    path: str | os.PathLike[str], pixels: np.ndarray, *, bits: int | None = None
) -> None:
    """Write an image in the format that its suffix names, all of it or nothing.

    Args:
        path: File to write: `.png`, `.tif`, `.tiff`, or `.npz` with an array named `pixels`.
        pixels: (H, W) or (H, W, C) array with C from 1 to 4.
        bits: Significant bits of unsigned integers; None takes the dtype's.

    Raises:
        ValueError: The suffix is none of these, or the format cannot hold such pixels.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(
            f"{path} has the suffix {suffix!r}; expected {', '.join(SUFFIXES)}. "
            f"Name it {path.stem}.png or {path.stem}.tiff."
        )
    pixels = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3 or not 1 <= pixels.shape[2] <= 4 or not pixels.size:
        raise ValueError(
            f"{path} cannot hold an array of shape {pixels.shape}; expected (H, W, C) with C "
            "from 1 to 4. Reshape it so."
        )
    native = native_suffix(pixels.dtype, bits, pixels.shape[2])
    if suffix == ".png" and native != ".png":
        kind = pixels.dtype.name if bits is None else f"{bits}-bit {pixels.dtype.name}"
        raise ValueError(
            f"{path} cannot hold {kind} pixels without loss; expected unsigned 1, 8 or 16 bits. "
            f"Name it {path.stem}.tiff or {path.stem}.npz."
        )
    with replacing(path) as temporary:
        if suffix == ".npz":
            np.savez_compressed(temporary, pixels=pixels)
            return
        image = pixels[:, :, 0] if pixels.shape[2] == 1 else pixels
        image = np.ascontiguousarray(image, bool if bits == 1 else None)
        if suffix == ".png":
            write_png(temporary, image)
        else:
            import tifffile

            options = choose_options(pixels.dtype, pixels.shape[2], bits)
            tifffile.imwrite(temporary, image, **options)


def write_png(path: Path, image: np.ndarray) -> None:
    """Write (H, W) or (H, W, C) booleans or unsigned integers of 8 or 16 bits."""
    if image.dtype == np.uint16:
        # imageio writes no colours of 16 bits.
        import imagecodecs

        path.write_bytes(imagecodecs.png_encode(image))
    else:
        import imageio.v3 as imageio

        imageio.imwrite(path, image, extension=".png", plugin="pillow")


def choose_options(dtype: np.dtype, channels: int, bits: int | None) -> dict[str, Any]:
    """Choose the colour model and compression of a TIFF file, as keywords of tifffile."""
    options: dict[str, Any] = {
        "photometric": "rgb" if channels >= 3 else "minisblack",
        "extrasamples": ["unassalpha"] if channels in (2, 4) else [],
        "metadata": None,
    }
    if channels > 1:
        options["planarconfig"] = "contig"
    if bits == 1:
        return {**options, "compression": "zlib"}
    if bits is not None and dtype.kind == "u" and bits != dtype.itemsize * 8:
        # Samples packed to fewer bits cannot be compressed.
        return {**options, "bitspersample": bits}
    return {**options, "compression": "zlib", "predictor": 3 if dtype.kind == "f" else 2}


def write_tiff_tiles(
    path: str | os.PathLike[str],
    shape: tuple[int, int, int],
    dtype: np.typing.DTypeLike,
    tiles: Iterable[np.ndarray],
    *,
    tile: tuple[int, int] = (256, 256),
    bits: int | None = None,
) -> None:
    """Write a tiled TIFF from a stream of tiles, holding only a few of them at a time.

    The file is a BigTIFF when it may grow beyond 4 GiB.

    Args:
        path: File to write, `.tif` or `.tiff`, all of it or nothing.
        shape: (H, W, C) of the whole image.
        dtype: Dtype of its pixels.
        tiles: (th, tw, C) arrays, row by row from the top left; those at the right and bottom
            edges are padded to the full size.
        tile: (th, tw), multiples of 16.
        bits: Significant bits of unsigned integers; None takes the dtype's.

    Raises:
        ValueError: The suffix is another, or the size or number of the tiles is wrong.
    """
    import tifffile

    path, dtype = Path(path), np.dtype(dtype)
    height, width, channels = shape
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise ValueError(
            f"{path} has the suffix {path.suffix!r}; expected .tif or .tiff. "
            f"Name it {path.stem}.tiff."
        )
    if tile[0] % 16 or tile[1] % 16 or min(tile) <= 0:
        raise ValueError(
            f"{path} cannot have tiles of {tile[0]} x {tile[1]}; expected multiples of 16. "
            "Use 256 x 256."
        )
    stored = np.dtype(bool) if bits == 1 else dtype
    count = -(-height // tile[0]) * -(-width // tile[1])
    big = height * width * channels * dtype.itemsize > CLASSIC_LIMIT
    options = choose_options(dtype, channels, bits)
    with replacing(path) as temporary, tifffile.TiffWriter(temporary, bigtiff=big) as writer:
        writer.write(
            shape_tiles(tiles, (*tile, channels), stored, count),
            shape=(height, width) if channels == 1 else shape,
            dtype=stored,
            tile=tile,
            **options,
        )


def shape_tiles(
    tiles: Iterable[np.ndarray], shape: tuple[int, int, int], dtype: np.dtype, count: int
) -> Iterator[np.ndarray]:
    """Bring tiles to the form that tifffile takes, rejecting too few or ill-shaped ones."""
    given = 0
    for item in tiles:
        if item.shape != shape:
            raise ValueError(
                f"tile {given} has the shape {item.shape}; expected {shape}. Pad it to that."
            )
        given += 1
        yield (item[:, :, 0] if shape[2] == 1 else item).astype(dtype, copy=False)
    if given < count:
        raise ValueError(f"got {given:,} tiles; expected {count:,}. Give one for every place.")
