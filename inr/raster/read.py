"""Readers of raster image files in any supported format, without loss of data."""

from __future__ import annotations

import importlib
import os
import re
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from inr.source_file import MissingExtraError, RejectedError, SourceFile, describe, find_file

from .orientation import orient
from .quiet import quiet
from .raster import Raster, find_range
from .source import CutError, Decoded, Source


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes:
        name: What users call it.
        magic: Regular expression of what its files start with.
        module: The module that decodes it.
        fillable: Whether the start of a cut-off file can be decoded.
    """

    name: str
    magic: bytes
    module: str
    fillable: bool = True


FORMATS = (
    Format("PNG", rb"\x89PNG\r\n\x1a\n", "png"),
    Format("TIFF", rb"II[*+]\0|MM\0[*+]", "tiff"),
    Format("JPEG", rb"\xff\xd8\xff", "pillow"),
    Format("WebP", rb"RIFF....WEBP", "pillow", fillable=False),
    Format("GIF", rb"GIF8[79]a", "pillow"),
    Format("QOI", rb"qoif", "pillow", fillable=False),
    Format("JPEG 2000", rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51", "jpeg2000", False),
    Format("PNM", rb"P[1-7Ff]\s", "pnm"),
    Format("Radiance HDR", rb"#\?(RADIANCE|RGBE)", "hdr"),
    Format("OpenEXR", rb"v/1\x01", "exr", fillable=False),
    Format("FITS", rb"SIMPLE  =", "fits"),
    Format("BMP", rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0", "pillow"),
    Format("ICO", rb"\0\0\x01\0[^\0]\0", "pillow"),
    # TGA has no signature, only a header of few legal values, so it comes last.
    Format("TGA", rb".[\0\x01][\x01-\x03\x09-\x0b].{13}[\x01\x08\x0f\x10\x18\x20]", "pillow"),
)


def read_raster(
    path: str | os.PathLike[str],
    *,
    frame: int | None = None,
    truncated: Literal["reject", "pad"] = "reject",
    nonfinite: Literal["reject", "zero"] = "reject",
    max_pixels: int = 2**28,
) -> Raster:
    """Read an image file, whose format is detected by its content.

    Args:
        path: The file.
        frame: Frame or page to read, from 0; None is the first, with a warning if there are more.
        truncated: Whether a cut-off file is rejected or filled up with zeros.
        nonfinite: Whether NaN and infinity are rejected or read as zero.
        max_pixels: Most pixels that may be decoded, checked on the header alone.

    Returns:
        The image upright, as (H, W, C), with its bit depth kept.

    Raises:
        FileNotFoundError, IsADirectoryError, PermissionError: The file cannot be read.
        ImportError: The format needs an optional package.
        ValueError: The file is not an image, is damaged, cut off, too large, or of a kind that
            has no place in a `Raster`. Every message is one line that names the file.
    """
    file = find_file(path, "an image file")
    form = find_format(file)
    source = Source(
        **vars(file), kind=form.name, fillable=form.fillable, frame=frame, max_pixels=max_pixels
    )
    with quiet():
        decoded = decode(source, form.module, pad=truncated == "pad")
        return finish(source, decoded, zero=nonfinite == "zero")


def find_format(file: SourceFile) -> Format:
    """Detect the format of a file by its first bytes."""
    for form in FORMATS:
        if re.match(form.magic, file.start, re.DOTALL):
            return form
    raise file.reject(
        f"is not an image in a known format (it starts with {file.start[:8]!r})",
        ", ".join(form.name for form in FORMATS),
        "Convert it to PNG or TIFF.",
    )


def decode(source: Source, module: str, *, pad: bool) -> Decoded:
    """Run a decoder, turning whatever it raises into a rejection.

    With `pad`, a file that does not decode whole is decoded once more with its gaps filled.
    """
    decoder = importlib.import_module(f"{__package__}.{module}")
    try:
        return decoder.decode(source)
    except CutError as error:
        damage: RejectedError = error
    except (RejectedError, MissingExtraError):
        raise
    except MemoryError:
        raise source.reject(
            "does not fit into memory", "a smaller image", "Crop it or scale it down."
        ) from None
    except Exception as error:
        damage = source.cut(describe(error))
    if not pad:
        raise damage
    try:
        decoded = decoder.decode(replace(source, pad=True))
    except Exception:
        raise source.reject(
            "is damaged beyond padding",
            f"a whole {source.kind} file",
            "Re-save it from its original.",
        ) from None
    note = "is cut off or damaged; what is missing is filled with zeros"
    return replace(decoded, notes=(*decoded.notes, note))


def finish(source: Source, decoded: Decoded, *, zero: bool) -> Raster:
    """Bring decoded pixels to the form that a `Raster` promises."""
    pixels, bits, notes = decoded.pixels, decoded.bits, decoded.notes
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.ndim != 3 or not 1 <= pixels.shape[2] <= 4:
        raise source.reject(
            f"has {pixels.shape[-1]} channels", "1 to 4", "Split it into images of 1 to 4."
        )
    kind, size = pixels.dtype.kind, pixels.dtype.itemsize
    if kind not in "buif" or (kind in "ui" and size > 4):
        raise source.reject(
            f"holds {pixels.dtype.name} pixels",
            "integers of up to 32 bits, or floats",
            "Convert it to float32.",
        )
    if pixels.dtype.kind == "b":
        pixels, bits = pixels.astype(np.uint8), 1
    if pixels.dtype.kind == "f":
        bits = None
        pixels = pixels.astype(np.promote_types(pixels.dtype, np.float32), copy=False)
        pixels, found = remove_nonfinite(source, pixels, zero=zero)
        notes += found
    else:
        bits = bits or pixels.dtype.itemsize * 8
        pixels, bits = widen(pixels, bits)
    pixels = np.ascontiguousarray(
        orient(pixels, decoded.orientation), pixels.dtype.newbyteorder("=")
    )
    return Raster(pixels, bits, *find_range(pixels, bits), notes)


def widen(pixels: np.ndarray, bits: int) -> tuple[np.ndarray, int]:
    """Spread integers of 1 to 7 bits over 8, save for a single 1-bit channel."""
    if bits >= 8 or (bits == 1 and pixels.shape[2] == 1):
        return pixels, bits
    table = np.round(np.arange(2**bits) * (255 / (2**bits - 1))).astype(np.uint8)
    return table[pixels], 8


def remove_nonfinite(
    source: Source, pixels: np.ndarray, *, zero: bool
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Reject NaN and infinity, or set them to zero and say so."""
    finite = np.isfinite(pixels)
    count = int(pixels.size - np.count_nonzero(finite))
    if not count:
        return pixels, ()
    if not zero:
        raise source.reject(
            f"holds {count:,} NaN or infinite values of {pixels.size:,}",
            "finite numbers",
            "Repair it, or set them to 0 with nonfinite=zero.",
        )
    return np.where(finite, pixels, 0), (f"{count:,} NaN or infinite values are read as 0",)
