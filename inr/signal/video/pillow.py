"""Decoding animated GIF, WebP and PNG by Pillow."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from inr.source_file import RejectedError, SourceFile, describe

from .video import DamagedError, Frame, Stream

if TYPE_CHECKING:
    from PIL import Image

# What browsers make of a duration of nothing, in milliseconds.
UNSAID = 100.0
IMAGE, EXTENSION, TRAILER = 0x2C, 0x21, 0x3B


@contextmanager
def open_stream(file: SourceFile, form: str, *, max_pixels: int) -> Iterator[Stream]:
    """Opens an animation.

    Args:
        file: The file.
        form: Pillow's name for the format.
        max_pixels: Of a frame, at most, before it is decoded.

    Raises:
        RejectedError: It is a still picture, or too large.
    """
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = Image.open(file.path, formats=(form,))
        except Image.DecompressionBombError as error:
            found = re.search(r"\d+", str(error))
            raise _too_large(file, int(found[0]) if found else 0, max_pixels) from None
        with image:
            if image.width * image.height > max_pixels:
                raise _too_large(file, image.width * image.height, max_pixels)
            count = getattr(image, "n_frames", 1)
            # A picture for programs that show no animations is no part of one.
            first = int(bool(getattr(image, "default_image", False)))
            is_whole = form != "GIF" or is_whole_gif(file.path.read_bytes())
            if is_whole and count - first < 2:
                raise file.reject("is a still picture", "a video", "Fit it with signal=image.")
            stream = Stream(None, count - first, iter(()))
            stream.frames = _decode(image, range(first, count), stream.notes, is_whole=is_whole)
            yield stream


def is_animated(file: SourceFile, form: str) -> bool:
    """Whether a file has more than one frame. None is decoded."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file.path, formats=(form,)) as image:
                return bool(getattr(image, "is_animated", False))
    except Exception:
        return False


def _too_large(file: SourceFile, pixels: int, max_pixels: int) -> RejectedError:
    return file.reject(
        f"claims frames of {pixels:,} pixels",
        f"at most {max_pixels:,} in all",
        f"If they are meant to be so large, use max_pixels={pixels} or more.",
    )


def _decode(
    image: Image.Image, numbers: range, notes: list[str], *, is_whole: bool
) -> Iterator[Frame]:
    time = 0.0
    for number in numbers:
        try:
            image.seek(number)
            image.load()
        except Exception as error:
            raise DamagedError(describe(error)) from error
        if not is_whole and number == numbers[-1]:
            # The last frame of a file without its end may be any part of itself.
            raise DamagedError("its end is missing")
        if image.has_transparency_data and not notes:
            notes.append("transparent pixels are white")
        yield Frame(time, partial(_draw, image))
        time += (float(image.info.get("duration") or 0) or UNSAID) / 1000


def _draw(image: Image.Image) -> np.ndarray:
    """The pixels of the frame that the image stands at."""
    if not image.has_transparency_data:
        return np.asarray(image.convert("RGB"))
    pixels = np.asarray(image.convert("RGBA")).astype(np.float64)
    alpha = pixels[..., 3:] / 255
    return np.rint(pixels[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)


def is_whole_gif(data: bytes) -> bool:
    """Whether the blocks of a GIF lead to its trailer: Pillow takes any end for the last."""
    place = 13 + _table_length(data[10]) if len(data) > 13 else len(data)
    while place < len(data):
        kind = data[place]
        if kind == TRAILER:
            return True
        if kind == EXTENSION:
            place = _skip_blocks(data, place + 2)
        elif kind == IMAGE and place + 9 < len(data):
            place = _skip_blocks(data, place + 11 + _table_length(data[place + 9]))
        else:
            place += 1
    return False


def _table_length(flags: int) -> int:
    """Bytes of a table of colours."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_blocks(data: bytes, place: int) -> int:
    """The place behind a chain of blocks, each of which begins with its length."""
    while place < len(data) and data[place]:
        place += 1 + data[place]
    return place + 1
