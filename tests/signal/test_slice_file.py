"""Slices as pictures: bright enough to be seen, and never transparent."""

from dataclasses import asdict
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inr.field.file import FieldDescription
from inr.raster import PixelFormat, read_raster
from inr.signal import native_slice_suffix, write_slice

SIZE = (6, 9)


class Ramps(nn.Module):
    """From 0 at the left to 1 at the right, and on from channel to channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, coords: Tensor) -> Tensor:
        share = (coords[:, 0].double() * SIZE[1] - 0.5) / (SIZE[1] - 1)
        return torch.stack([share / (k + 1) for k in range(self.channels)], dim=-1)


def ramps(channels: int) -> np.ndarray:
    share = np.broadcast_to(np.arange(9) / 8, SIZE)
    return np.stack([share / (k + 1) for k in range(channels)], axis=-1)


def describe(pixels: PixelFormat, channels: int = 1) -> FieldDescription:
    return FieldDescription("image", 2, channels, SIZE, asdict(pixels))


# What a volume's slice is: the ends are its least and its greatest voxel.
TWELVE = PixelFormat("uint16", 16, 0.0, 4095.0, (0.0, 1.0))
LABELS = PixelFormat("uint8", 8, 1.0, 5.0, (0.0, 1.0))
BYTES = PixelFormat("uint8", 8, 0.0, 255.0, (0.0, 1.0))
SHORTS = PixelFormat("int16", 16, -1000.0, 3000.0, (0.0, 1.0))
MASK = PixelFormat("uint8", 1, 0.0, 1.0, (0.0, 1.0))


@pytest.mark.parametrize(
    ("pixels", "brightest", "native"),
    [
        (TWELVE, 65535, ".tiff"),
        (LABELS, 255, ".tiff"),
        (BYTES, 255, ".png"),
        (SHORTS, 65535, ".tiff"),
        (MASK, 1, ".png"),
    ],
)
def test_png_goes_from_black_to_white_and_others_have_the_numbers(
    pixels: PixelFormat, brightest: int, native: str
) -> None:
    assert native_slice_suffix(describe(pixels)) == native
    for name in ("out.png", "out.tiff", "out.npz"):
        write_slice(Path(name), Ramps(1), describe(pixels), size=SIZE)
    spread = read_raster("out.png").pixels
    assert np.abs(spread - brightest * ramps(1)).max() < 0.51
    numbers = pixels.low + ramps(1) * (pixels.high - pixels.low)
    for raw in (read_raster("out.tiff").pixels, np.load("out.npz")["pixels"]):
        assert raw.dtype == pixels.dtype
        assert np.abs(raw - numbers).max() < 0.51


@pytest.mark.parametrize(
    ("channels", "shown"),
    [(1, [0]), (2, [0, 1, 0]), (3, [0, 1, 2]), (4, [0, 1, 2]), (5, [0, 1, 2])],
)
@pytest.mark.parametrize("pixels", [BYTES, TWELVE])
def test_png_shows_channels_in_colours_and_npz_has_all(
    channels: int, shown: list[int], pixels: PixelFormat
) -> None:
    description = describe(pixels, channels)
    write_slice(Path("out.png"), Ramps(channels), description, size=SIZE)
    brightest = 255 if pixels is BYTES else 65535
    raster = read_raster("out.png").pixels
    assert raster.shape == (*SIZE, len(shown))
    assert np.abs(raster - brightest * ramps(channels)[..., shown]).max() < 0.51
    write_slice(Path("out.npz"), Ramps(channels), description, size=SIZE)
    found = np.load("out.npz")["pixels"]
    assert np.abs(found - pixels.high * ramps(channels)).max() < 0.51


@pytest.mark.parametrize("channels", [2, 4, 5])
def test_tiff_takes_no_channel_for_transparency(channels: int) -> None:
    def field(coords: Tensor) -> Tensor:
        raise AssertionError("it is rendered")

    description = describe(BYTES, channels)
    assert native_slice_suffix(description) == ".npz"
    with pytest.raises(ValueError, match=f"of {channels} channels .* Use -o out.npz") as caught:
        write_slice(Path("out.tiff"), field, description, size=SIZE)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_tiff_has_colours() -> None:
    write_slice(Path("out.tiff"), Ramps(3), describe(BYTES, 3), size=SIZE)
    assert np.abs(imageio.imread("out.tiff") - 255 * ramps(3)).max() < 0.51
