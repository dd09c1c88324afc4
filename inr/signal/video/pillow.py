"""Animated GIF, WebP and PNG through Pillow itself, and the end of a GIF.

imageio's reader does not tell an animation that is cut off from a still picture, and Pillow takes
any end of a GIF for its last: ``test_an_animation_that_is_cut_off_is_a_video`` and
``test_a_cut_between_two_frames_is_found_too``.
"""

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

# Milliseconds for which browsers show a frame without a duration.
UNSAID_DURATION = 100.0
IMAGE, EXTENSION, TRAILER = 0x2C, 0x21, 0x3B


@contextmanager
def open_stream(file: SourceFile, form: str, *, max_pixels: int) -> Iterator[Stream]:
    """Opens an animation.

    Args:
        file: The file.
        form: Pillow's name of the format.
        max_pixels: Most pixels of a frame; larger ones are rejected before they are decoded.

    Raises:
        RejectedError: The file is a still picture, or too large.
    """
    from PIL import Image

    try:
        with _open(file, form) as image:
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
    except Image.DecompressionBombError as error:
        found = re.search(r"\d+", str(error))
        raise _too_large(file, int(found[0]) if found else 0, max_pixels) from None


def is_animated(file: SourceFile, form: str) -> bool:
    """Whether a file has more than one frame. None is decoded."""
    try:
        with _open(file, form) as image:
            return bool(getattr(image, "is_animated", False))
    except Exception:
        return False


@contextmanager
def _open(file: SourceFile, form: str) -> Iterator[Image.Image]:
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(file.path, formats=(form,)) as image:
            yield image


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
        yield Frame(time, partial(_draw, image, notes))
        time += (float(image.info.get("duration") or 0) or UNSAID_DURATION) / 1000


def _draw(image: Image.Image, notes: list[str]) -> np.ndarray:
    """The pixels of the current frame, on white where they are transparent."""
    if not image.has_transparency_data:
        return np.asarray(image.convert("RGB"))
    pixels = np.asarray(image.convert("RGBA")).astype(np.float64)
    alpha = pixels[..., 3:] / 255
    if alpha.min() < 1 and not notes:
        notes.append("transparent pixels are white")
    return np.rint(pixels[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)


def is_whole_gif(data: bytes) -> bool:
    """Whether the blocks of a GIF lead to its trailer."""
    place = 13 + _table_bytes(data[10]) if len(data) > 13 else len(data)
    while place < len(data):
        kind = data[place]
        if kind == TRAILER:
            return True
        if kind == EXTENSION:
            place = _skip_blocks(data, place + 2)
        elif kind == IMAGE and place + 9 < len(data):
            place = _skip_blocks(data, place + 11 + _table_bytes(data[place + 9]))
        else:
            place += 1
    return False


def _table_bytes(flags: int) -> int:
    """Size of a table of colours."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_blocks(data: bytes, place: int) -> int:
    """The place behind a chain of blocks, each of which begins with its length."""
    while place < len(data) and data[place]:
        place += 1 + data[place]
    return place + 1
