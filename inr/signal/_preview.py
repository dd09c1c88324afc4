"""Previews of a field: pictures, films, sounds and meshes."""

from dataclasses import dataclass

import numpy as np

# Pixels that the longer edge of a magnified picture has, or nearly.
LEAST_EDGE = 768


@dataclass(frozen=True)
class PicturePreview:
    """Pixels.

    Attributes:
        title: Title.
        pixels: ``(H, W, 3)`` uint8.
    """

    title: str
    pixels: np.ndarray


@dataclass(frozen=True)
class SoundPreview:
    """A recording.

    Attributes:
        title: Title.
        samples: ``(n, c)``, between -1 and 1.
        rate: Samples per second.
    """

    title: str
    samples: np.ndarray
    rate: int


@dataclass(frozen=True)
class FilmPreview:
    """Moving pixels.

    Attributes:
        title: Title.
        frames: ``(T, H, W, 3)`` uint8.
        rate: Frames per second.
    """

    title: str
    frames: np.ndarray
    rate: float


@dataclass(frozen=True)
class MeshPreview:
    """A surface to be turned around.

    Attributes:
        title: Title.
        vertices: ``(v, 3)``.
        faces: ``(f, 3)``, numbers of vertices.
    """

    title: str
    vertices: np.ndarray
    faces: np.ndarray


def magnified(pixels: np.ndarray) -> np.ndarray:
    """Pixels ``(..., H, W, 3)``, each as a block of some, so that a small picture can be seen."""
    factor = max(1, LEAST_EDGE // max(pixels.shape[-3:-1]))
    return pixels.repeat(factor, -3).repeat(factor, -2)


Preview = PicturePreview | SoundPreview | FilmPreview | MeshPreview
