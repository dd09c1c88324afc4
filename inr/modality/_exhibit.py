"""What there is to see, or to hear, of a field."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Picture:
    """Pixels.

    Attributes:
        title: What is shown.
        pixels: ``(H, W, 3)`` uint8.
    """

    title: str
    pixels: np.ndarray


@dataclass(frozen=True)
class Sound:
    """A recording.

    Attributes:
        title: What is heard.
        samples: ``(n, c)``, between -1 and 1.
        rate: Samples per second.
    """

    title: str
    samples: np.ndarray
    rate: int


@dataclass(frozen=True)
class Film:
    """Moving pixels.

    Attributes:
        title: What is shown.
        frames: ``(T, H, W, 3)`` uint8.
        rate: Frames per second.
    """

    title: str
    frames: np.ndarray
    rate: float


@dataclass(frozen=True)
class Solid:
    """A surface to be turned around.

    Attributes:
        title: What is shown.
        vertices: ``(v, 3)``.
        faces: ``(f, 3)``, numbers of vertices.
    """

    title: str
    vertices: np.ndarray
    faces: np.ndarray


Exhibit = Picture | Sound | Film | Solid
