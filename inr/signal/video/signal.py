"""The signal of a video."""

import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from inr.argument import check_count, check_numbers, check_range
from inr.signal._image_pixels import crop_pixels
from inr.signal._lattice_signal import LatticeSignal
from inr.signal.video.display import VideoDisplay
from inr.signal.video.read import is_video, read_video
from inr.signal.video.video import VideoFormat


class VideoSignal(LatticeSignal):
    """A video: coordinates (x, y, t), and its colours as outputs.

    The unit cube is the part that is fitted, whatever its size and length. Pixels are held as
    bytes, and only those of a batch become floats.

    Args:
        path: Video or animation; its content tells the format. GIF, WebP and PNG need no extra, MP4
            and the like need the extra ``video``.
        start: Start of the part to fit, in seconds.
        seconds: Length of the part; None fits all that follows.
        frames: Most frames to fit; None fits all.
        every: Fits one of so many frames.
        size: ``[H, W]`` to resize to, with anti-aliasing; None keeps the video's own.
        crop: ``[x0, y0, x1, y1]`` in pixels, upright, cut out before resizing.
        holdout: ``none``, ``alternate`` (train on even frames, rows and columns, test on odd ones)
            or a fraction of the pixels, drawn at random: what training never sees.
        value_range: Values of the darkest and the brightest pixel.
        max_pixels: Most pixels of all frames that are fitted, cropped and resized; larger videos
            are rejected.
        seed: Seed of the fraction held out at random.

    Attributes:
        video_format: Rate of the frames, and the pixels that values stand for.

    Raises:
        OSError: The file cannot be read.
        ImportError: The format needs an optional package.
        ValueError: The file is no video, broken or too large, or an argument is out of range.
    """

    kind = "video"
    display = VideoDisplay()
    suffixes = (".mp4", ".mkv", ".avi", ".mov", ".webm")
    sample = "sample_video.gif"
    axes = "xyt"

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        return is_video(path)

    def __init__(
        self,
        *,
        path: str | os.PathLike[str],
        start: float = 0.0,
        seconds: float | None = None,
        frames: int | None = None,
        every: int = 1,
        size: Sequence[int] | None = None,
        crop: Sequence[int] | None = None,
        holdout: str | float = "none",
        value_range: Sequence[float] = (0.0, 1.0),
        max_pixels: int = 134_217_728,
        seed: int = 0,
    ) -> None:
        value_limits = check_range("value_range", value_range)
        video = read_video(
            path,
            start=start,
            seconds=seconds,
            frames=frames,
            every=every,
            prepare=_preparation(crop, size),
            max_pixels=max_pixels,
        )
        for note in video.notes:
            warnings.warn(note, stacklevel=2)
        video_format = VideoFormat(video.container, video.rate.as_integer_ratio(), value_limits)
        super().__init__(
            torch.from_numpy(video.frames),
            value_range=video_format.value_range,
            name=Path(path).stem,
            holdout=holdout,
            seed=seed,
            levels=torch.from_numpy(video_format.levels()),
        )
        self.video_format = video_format
        self.step = video_format.step


def _preparation(
    crop: Sequence[int] | None, size: Sequence[int] | None
) -> Callable[[np.ndarray], np.ndarray]:
    """The function that crops and resizes the pixels of a frame."""
    height, width = 0, 0
    if size is not None:
        check_numbers("size", size, "[H, W]")
        height, width = (check_count("size", n) for n in size)

    def prepare(pixels: np.ndarray) -> np.ndarray:
        if crop is not None:
            pixels = crop_pixels(pixels, crop)
        return pixels if size is None else resize_bytes(pixels, height, width)

    return prepare


def resize_bytes(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """``(H, W, C)`` bytes at another size, by bicubic interpolation with anti-aliasing."""
    from PIL import Image

    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    resized = np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))
    return resized.reshape(height, width, -1)
