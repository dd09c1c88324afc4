"""A video in memory, and the map between its pixels and normalised values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

import numpy as np

LEVELS = 256


@dataclass(frozen=True)
class Video:
    """The frames of a video, or of a part of it, upright.

    Attributes:
        frames: ``(T, H, W, C)`` uint8 with C = 3, or 1 for shades of grey.
        rate: Frames per second.
        container: ``MP4``, ``Matroska``, ``GIF`` and so on.
        notes: Warnings for the user, one line each, about choices of the reader.
    """

    frames: np.ndarray
    rate: Fraction
    container: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class VideoFormat:
    """An affine map between the values a field learns and the bytes of a video.

    Attributes:
        container: Format of the file: ``MP4``, ``GIF`` and so on.
        rate: Frames per second, as numerator and denominator.
        value_range: Values of the bytes 0 and 255.
    """

    container: str
    rate: tuple[int, int]
    value_range: tuple[float, float]

    @property
    def step(self) -> float:
        """Distance of the values of neighbouring bytes."""
        lower, upper = self.value_range
        return (upper - lower) / (LEVELS - 1)

    def levels(self) -> np.ndarray:
        """The value of every byte: ``(256,)`` float32."""
        return (self.value_range[0] + np.arange(LEVELS) * self.step).astype(np.float32)

    def restore(self, values: np.ndarray) -> np.ndarray:
        """Bytes of values, of the same shape, clipped and rounded."""
        levels = (values.astype(np.float64) - self.value_range[0]) / self.step
        return np.rint(levels.clip(0, LEVELS - 1)).astype(np.uint8)


class Frame(NamedTuple):
    """A frame that has been decoded.

    Attributes:
        time: Seconds since the first frame.
        draw: Function that gives its pixels, ``(H, W, C)`` uint8, upright.
    """

    time: float
    draw: Callable[[], np.ndarray]


@dataclass
class Stream:
    """The frames of a file in the order they are shown.

    Attributes:
        rate: Frames per second that the file claims; None where it does not.
        count: Frames that the file claims; None where it does not.
        frames: Iterator over the frames, which may raise :class:`DamagedError`.
        notes: Warnings for the user, complete when the frames have come to an end.
    """

    rate: Fraction | None
    count: int | None
    frames: Iterator[Frame]
    notes: list[str] = field(default_factory=list)


class DamagedError(Exception):
    """Frames that do not decode, or are missing."""
