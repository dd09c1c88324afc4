"""The display of videos."""

import os
from dataclasses import asdict
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor, nn

from inr.field.file import FieldDescription
from inr.field.rendering import render_slabs
from inr.lattice import Region
from inr.progress import with_bar
from inr.raster import PixelFormat
from inr.signal._lattice_display import LatticeDisplay
from inr.signal._picture import compare_images, stack
from inr.signal._preview import FilmPreview, PicturePreview, Preview
from inr.signal._units import Units, count_cells, growth, zero_of
from inr.signal.video.video import VideoFormat
from inr.signal.video.write import native_video_suffix, write_video

if TYPE_CHECKING:
    from inr.signal.video.signal import VideoSignal

TITLE = "target | reconstruction | error: first, middle and last frame"
MOST_FILM_FRAMES = 48
# A frame of a film has at most one of so many of the pixels of a picture.
FILM_SHARE = 8


class VideoDisplay(LatticeDisplay):
    """PSNR, pictures of frames, films, and files at the frame rate of the video."""

    suffixes = (".mp4", ".gif")

    def format_of(self, signal: "VideoSignal") -> dict[str, Any]:
        return asdict(signal.video_format)

    def units(self, description: FieldDescription) -> Units:
        edges = count_cells(description, "pixel", "pixel", "frame")
        pixels = self.pixel_format(description)
        return Units("pixel values", growth(pixels), edges, zero_of(pixels))

    def restore(self, values: np.ndarray, description: FieldDescription) -> np.ndarray:
        return _form(description).restore(values)

    def pixel_format(self, description: FieldDescription) -> PixelFormat:
        return PixelFormat("uint8", 8, 0.0, 255.0, _form(description).value_range)

    def show(
        self,
        field: nn.Module,
        signal: "VideoSignal",
        rendering: Tensor,
        *,
        error_scale: float,
        max_pixels: int,
        thorough: bool = False,
    ) -> list[Preview]:
        """Frames below each other, and at the end a film of target and reconstruction."""
        target = signal.values.view_as(rendering)
        last = len(rendering) - 1
        shown = sorted({0, last // 2, last})
        rows = [
            compare_images(
                target[t],
                rendering[t],
                signal.value_range,
                error_scale=error_scale,
                max_pixels=max_pixels // len(shown),
            )
            for t in shown
        ]
        picture = PicturePreview(TITLE, stack(rows).numpy())
        film = make_film(signal.video_format, target, rendering, max_pixels // FILM_SHARE)
        return [picture, film] if thorough else [picture]

    def native_suffix(self, description: FieldDescription) -> str:
        return native_video_suffix(_form(description).container)

    def write(
        self,
        path: str | os.PathLike[str],
        field: nn.Module,
        description: FieldDescription,
        *,
        size: tuple[int, ...] | None = None,
        region: Region | None = None,
        progress: bool = False,
    ) -> None:
        """Writes frames as they are rendered.

        With another number of frames, or a part of the time, the rate changes so that the result
        lasts as long as that part of the video.
        """
        form, shape = _form(description), size or description.lattice
        lower, upper = region or (3 * (0.0,), 3 * (1.0,))
        rate = Fraction(*form.rate) * shape[0] / description.lattice[0]
        rate /= Fraction(upper[2] - lower[2])
        slabs = with_bar(render_slabs(field, shape, region=region), shape[0], shown=progress)
        write_video(path, (frame for slab in slabs for frame in form.restore(slab)), rate)


def make_film(form: VideoFormat, target: Tensor, rendering: Tensor, max_pixels: int) -> FilmPreview:
    """Target and reconstruction beside each other, thinned in time and in space.

    Args:
        form: Format of the video.
        target: ``(T, H, W, c)``.
        rendering: ``(T, H, W, c)``.
        max_pixels: Most pixels of a frame of either.
    """
    length, height, width, _ = target.shape
    every, stride = -(-length // MOST_FILM_FRAMES), 1
    while -(-height // stride) * -(-width // stride) > max_pixels:
        stride += 1
    sides = [
        form.restore(part[::every, ::stride, ::stride].float().cpu().numpy())
        for part in (target, rendering)
    ]
    frames = np.concatenate(sides, axis=2)
    frames = np.ascontiguousarray(np.broadcast_to(frames, (*frames.shape[:3], 3)))
    return FilmPreview("film: target | reconstruction", frames, float(Fraction(*form.rate)) / every)


def _form(description: FieldDescription) -> VideoFormat:
    known = description.format
    numerator, denominator = known["rate"]
    lower, upper = known["value_range"]
    return VideoFormat(known["container"], (numerator, denominator), (lower, upper))
