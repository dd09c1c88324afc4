"""Writing videos frame by frame, through PyAV and Pillow themselves.

imageio does not say in an MP4 what its colours mean, and keeps all frames of a GIF in memory, three
bytes to a pixel: ``test_mp4_is_written_with_h264_at_its_rate`` and
``test_gif_is_written_and_read_frame_by_frame``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from inr.atomic import replacing

SUFFIXES = (".mp4", ".gif")
# The first that FFmpeg was built with is taken; all but the last are H.264.
ENCODERS = {
    "libx264": {"crf": "16", "preset": "medium"},
    "libopenh264": {"b": "8M"},
    "mpeg4": {"qscale": "2"},
}
# FFmpeg's numbers of a matrix of colours and of a range of values.
BT709, LIMITED = 1, 1
ANIMATIONS = ("GIF", "WebP", "PNG")


def native_video_suffix(container: str) -> str:
    """The suffix of a file that shows what came in such a container."""
    return ".gif" if container in ANIMATIONS else ".mp4"


def write_video(
    path: str | os.PathLike[str], frames: Iterable[np.ndarray], rate: Fraction | float
) -> str:
    """Writes frames as they come, all of the file or nothing.

    MP4 needs the package ``av``. Its frames have even sizes: the last row or column of an odd one
    is there twice. GIF has 256 colours to a frame, and times in hundredths of a second.

    Args:
        path: Ends in ``.mp4`` or ``.gif``.
        frames: ``(H, W, 3)`` or ``(H, W, 1)`` uint8, all of one size.
        rate: Frames per second.

    Returns:
        The encoder: ``libx264``, ``libopenh264``, ``mpeg4`` or ``gif``.

    Raises:
        ImportError: PyAV is not installed.
        ValueError: The suffix is unknown, there are no frames, or their sizes differ.
    """
    path, rate = Path(path), Fraction(rate).limit_denominator(1001)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(
            f"{path.name} has the suffix {path.suffix!r}; expected {' or '.join(SUFFIXES)}. "
            f"Name it {path.stem}.mp4."
        )
    if rate <= 0:
        raise ValueError(f"rate is {float(rate):g}; expected frames per second above 0.")
    pictures = _check(path, frames)
    with replacing(path) as temporary:
        if suffix == ".gif":
            _write_gif(temporary, pictures, rate)
            return "gif"
        return _write_mp4(temporary, path, pictures, rate)


def _check(path: Path, frames: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The frames as RGB."""
    first = None
    for number, picture in enumerate(frames):
        first = picture if first is None else first
        is_picture = picture.ndim == 3 and picture.shape[2] in (1, 3) and picture.size
        if not is_picture or picture.dtype != np.uint8 or picture.shape != first.shape:
            raise ValueError(
                f"frame {number} of {path.name} is {picture.dtype.name} of shape {picture.shape}, "
                f"and the first {first.dtype.name} of {first.shape}; expected (H, W, 3) or "
                "(H, W, 1) uint8, all alike."
            )
        yield np.broadcast_to(picture, (*picture.shape[:2], 3))
    if first is None:
        raise ValueError(f"{path.name} would have no frames; expected one at least.")


def _write_mp4(temporary: Path, path: Path, pictures: Iterator[np.ndarray], rate: Fraction) -> str:
    try:
        import av
    except ImportError:
        raise ImportError(
            f"{path.name} needs the av package; expected it to be installed. Run pip install "
            f"'inr[video]', or name it {path.stem}.gif."
        ) from None
    first = _pad(next(pictures))
    encoder = next(name for name in ENCODERS if name in av.codecs_available)
    with av.open(temporary, "w", format="mp4", options={"movflags": "faststart"}) as container:
        track: Any = container.add_stream(encoder, rate=rate, options=ENCODERS[encoder])
        track.height, track.width = first.shape[:2]
        track.pix_fmt = "yuv420p"
        context = track.codec_context
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = LIMITED
        for picture in chain([first], map(_pad, pictures)):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            stored = frame.reformat(format="yuv420p", dst_colorspace=BT709, dst_color_range=LIMITED)
            container.mux(track.encode(stored))
        container.mux(track.encode())
    return encoder


def _pad(picture: np.ndarray) -> np.ndarray:
    """A picture of even size: colours are stored for four pixels together."""
    height, width = picture.shape[:2]
    return np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def _write_gif(temporary: Path, pictures: Iterator[np.ndarray], rate: Fraction) -> None:
    from PIL import Image

    def draw() -> Iterator[Image.Image]:
        for number, picture in enumerate(pictures):
            image = Image.fromarray(np.ascontiguousarray(picture))
            # Each ends where it should, to a hundredth of a second, so that errors do not add up.
            times = [round(100 * (number + k) / rate) for k in (0, 1)]
            image.info["duration"] = 10 * max(1, times[1] - times[0])
            yield image

    images = draw()
    next(images).save(temporary, "GIF", save_all=True, append_images=images, loop=0)
