"""Videos: what is shown and written, frame by frame."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence
from torch import Tensor, nn

from inr.raster import PixelFormat
from inr.signal import (
    FilmPreview,
    PicturePreview,
    VideoSignal,
)
from inr.signal.video import VideoFormat, write_video
from inr.signal.video.display import MOST_FILM_FRAMES, VideoDisplay, make_film

FORM = VideoFormat("GIF", (10, 1), (0.0, 1.0))


def make(length: int, channels: int = 3, **options: Any) -> VideoSignal:
    """Colours that say where they are: red x, green y, blue t."""
    t, y, x = np.mgrid[:length, :6, :9]
    pixels = np.stack([28 * x, 50 * y, 40 * t], axis=-1).astype(np.uint8)
    if channels == 1:
        pixels = pixels[..., :1]
    write_video("in.gif", pixels, 10)
    return VideoSignal(path="in.gif", **options)


class Position(nn.Module):
    """x, y and t."""

    def forward(self, coords: Tensor) -> Tensor:
        return coords


def read(path: str) -> tuple[np.ndarray, int]:
    with Image.open(path) as image:
        duration = image.info.get("duration", 0)
        return np.stack([f.convert("RGB") for f in ImageSequence.Iterator(image)]), duration


def show(
    signal: VideoSignal, rendering: Tensor, *, thorough: bool, max_pixels: int = 10_000
) -> Any:
    return VideoDisplay().show(
        nn.Identity(),
        signal,
        rendering,
        error_scale=1.0,
        max_pixels=max_pixels,
        thorough=thorough,
    )


def test_the_first_the_middle_and_the_last_frame_are_shown_below_each_other() -> None:
    signal = make(6)
    rendering = torch.zeros(6, 6, 9, 3)
    (picture,) = show(signal, rendering, thorough=False)
    assert isinstance(picture, PicturePreview)
    assert picture.pixels.shape == (3 * 6 + 2 * 4, 3 * 9 + 2 * 4, 3)
    for row, t in enumerate((0, 2, 5)):
        shown = picture.pixels[10 * row : 10 * row + 6]
        y, x = np.mgrid[:6, :9]
        expected = np.stack([28 * x, 50 * y, np.full_like(x, 40 * t)], axis=-1)
        assert np.abs(shown[:, :9] - expected.astype(float)).max() <= 1
        assert not shown[:, 13:22].any()


@pytest.mark.parametrize(("length", "shown"), [(1, 1), (2, 2), (3, 3)])
def test_no_frame_of_a_short_video_is_shown_twice(length: int, shown: int) -> None:
    signal = make(6, frames=length)
    picture, film = show(signal, torch.zeros(length, 6, 9, 3), thorough=True)
    assert picture.pixels.shape[0] == 10 * shown - 4
    assert len(film.frames) == length


def test_at_the_end_there_is_a_film_of_both() -> None:
    signal = make(5)
    rendering = 1 - signal.values.view(5, 6, 9, 3)
    _, film = show(signal, rendering, thorough=True)
    assert isinstance(film, FilmPreview)
    assert (film.rate, film.frames.dtype) == (10, np.uint8)
    bytes_of = np.rint(255 * signal.values.view(5, 6, 9, 3).numpy())
    np.testing.assert_array_equal(film.frames[:, :, :9], bytes_of)
    np.testing.assert_array_equal(film.frames[:, :, 9:], 255 - bytes_of)


def test_a_long_film_is_thinned_in_time_and_lasts_as_long() -> None:
    frames = torch.arange(100.0)[:, None, None, None].expand(100, 2, 3, 1) / 255
    film = make_film(FORM, frames, frames, 100)
    assert len(film.frames) <= MOST_FILM_FRAMES
    assert film.frames[:, 0, 0, 0].tolist() == list(range(0, 100, 3))
    assert film.rate == pytest.approx(10 / 3)


def test_a_large_film_is_thinned_in_space() -> None:
    y, x = torch.meshgrid(torch.arange(31.0), torch.arange(40.0), indexing="ij")
    frames = torch.stack([y, x, 0 * x], dim=-1)[None] / 255
    film = make_film(FORM, frames, frames, 160)
    assert film.frames.shape == (1, 11, 28, 3)
    assert film.frames[0, :, 0, 0].tolist() == list(range(0, 31, 3))
    assert film.frames[0, 0, 14:, 1].tolist() == list(range(0, 40, 3))


def test_shades_of_grey_become_colours() -> None:
    film = make_film(FORM, torch.full((2, 3, 4, 1), 0.5), torch.zeros(2, 3, 4, 1), 100)
    assert film.frames.shape == (2, 3, 8, 3)
    assert (film.frames[:, :, :4] == 128).all()


@pytest.mark.parametrize(
    ("size", "region", "duration"),
    [
        (None, None, 100),
        ((10, 6, 9), None, 50),
        ((3, 4, 5), ((0.0, 0.5, 0.2), (0.5, 1.0, 0.8)), 100),
        ((6, 4, 5), ((0.0, 0.0, 0.2), (0.5, 1.0, 0.8)), 50),
    ],
)
def test_what_is_written_is_the_field_at_the_rate_of_the_length(
    size: Any, region: Any, duration: int
) -> None:
    display = VideoDisplay()
    display.write("out.gif", Position(), display.describe(make(5)), size=size, region=region)
    frames, found = read("out.gif")
    shape = size or (5, 6, 9)
    assert frames.shape == (*shape, 3)
    assert found == duration
    axes = [(np.arange(n) + 0.5) / n for n in shape]
    coords = np.stack(np.meshgrid(*axes, indexing="ij")[::-1], axis=-1)
    lower, upper = np.array(region or ((0, 0, 0), (1, 1, 1)))
    expected = 255 * (lower + coords * (upper - lower))
    # As many colours as a palette has.
    assert np.abs(frames - expected).max() < 0.51


def test_a_moment_is_written() -> None:
    display = VideoDisplay()
    region = ((0.0, 0.0, 0.5), (1.0, 1.0, 0.5 + 1e-9))
    description = display.describe(make(5))
    display.write("out.gif", Position(), description, size=(1, 6, 9), region=region)
    assert np.abs(read("out.gif")[0][..., 2] - 127.5).max() < 1


def test_a_slice_has_bytes() -> None:
    display = VideoDisplay()
    description = display.describe(make(5, value_range=[-1.0, 1.0]))
    assert display.pixel_format(description) == PixelFormat("uint8", 8, 0, 255, (-1.0, 1.0))
    assert display.native_suffix(description) == ".gif"


def test_another_suffix_is_rejected_before_it_is_rendered() -> None:
    class Never(nn.Module):
        def forward(self, coords: Tensor) -> Tensor:
            raise AssertionError("it is rendered")

    display = VideoDisplay()
    with pytest.raises(ValueError, match=r"expected \.mp4 or \.gif"):
        display.write(Path("a.avi"), Never(), display.describe(make(5)))


def test_a_rate_is_a_fraction() -> None:
    film = make_film(
        VideoFormat("MP4", (30000, 1001), (0.0, 1.0)), torch.zeros(2, 2, 2, 3),
        torch.zeros(2, 2, 2, 3), 9,
    )  # fmt: skip
    assert film.rate == pytest.approx(float(Fraction(30000, 1001)))
