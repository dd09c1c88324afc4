"""Pictures of a field, pixel for pixel, in every format."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inr.field.file import FieldDescription
from inr.raster import PixelFormat, read_raster
from inr.signal._image_file import native_image_suffix, write_image
from tests.tolerance import assert_close

BYTE = PixelFormat("uint8", 8, 0.0, 255.0, (0.0, 1.0))
FORMATS = {
    "1 bit": PixelFormat("uint8", 1, 0.0, 1.0, (0.0, 1.0)),
    "8 bits": BYTE,
    "12 bits": PixelFormat("uint16", 12, 0.0, 4095.0, (0.0, 1.0)),
    "16 bits": PixelFormat("uint16", 16, 0.0, 65535.0, (-1.0, 1.0)),
    "signed": PixelFormat("int16", 16, -32768.0, 32767.0, (0.0, 1.0)),
    "float": PixelFormat("float32", None, -2.0, 6.0, (0.0, 1.0)),
    "of 16 bits": PixelFormat("uint16", 16, 7.0, 4095.0, (0.0, 1.0)),
    "of 8 bits": PixelFormat("uint8", 8, 3.0, 90.0, (0.0, 1.0)),
}
# What more than one channel may have.
DEEP = sorted(set(FORMATS) - {"1 bit"})
# Neither side is a multiple of a tile's 128 pixels.
SIZE = (150, 260)


class Waves(nn.Module):
    """Smooth, alike under no flip or turn, and beyond the range [0, 1] in places."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, coords: Tensor) -> Tensor:
        x, y = coords.double().unbind(-1)
        waves = [torch.sin(7 * x + (k + 2) * y * y) * 0.7 + 0.4 for k in range(self.channels)]
        return torch.stack(waves, dim=-1)


def draw_waves(
    shape: tuple[int, int], channels: int, box: tuple[float, float, float, float] = (0, 0, 1, 1)
) -> np.ndarray:
    """What the field is at the pixels of a picture of ``box``, in numpy."""
    x0, y0, x1, y1 = box
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    x = x0 + (x1 - x0) * (columns + 0.5) / shape[1]
    y = y0 + (y1 - y0) * (rows + 0.5) / shape[0]
    return np.stack([np.sin(7 * x + (k + 2) * y * y) * 0.7 + 0.4 for k in range(channels)], axis=-1)


def pixels_of(values: np.ndarray, pixels: PixelFormat) -> np.ndarray:
    """The pixels that values stand for, before rounding."""
    lower, upper = pixels.value_range
    shares = np.clip((values - lower) / (upper - lower), 0, 1)
    return pixels.low + shares * (pixels.high - pixels.low)


def describe(pixels: PixelFormat, channels: int) -> FieldDescription:
    return FieldDescription("image", 2, channels, SIZE, dataclasses.asdict(pixels))


def read(path: Path) -> np.ndarray:
    if path.suffix == ".npz":
        with np.load(path) as archive:
            return archive["pixels"]
    return read_raster(path).pixels


def assert_pixels(pixels: np.ndarray, expected: np.ndarray) -> None:
    if pixels.dtype.kind == "f":
        assert_close(pixels, expected, looser=10)  # coordinates are in float32
    else:
        # Half a level of rounding, and coordinates in float32 at the highest depth.
        assert np.abs(pixels.astype(np.float64) - expected).max() < 0.52


@pytest.mark.parametrize("suffix", [".tiff", ".npz", "native"])
@pytest.mark.parametrize(
    ("name", "channels"), [*((name, 1) for name in FORMATS), *((name, 3) for name in DEEP)]
)
def test_every_pixel_is_the_field_at_its_centre(
    name: str, channels: int, suffix: str, tmp_path: Path
) -> None:
    description = describe(FORMATS[name], channels)
    suffix = native_image_suffix(description) if suffix == "native" else suffix
    path = tmp_path / f"image{suffix}"
    write_image(path, Waves(channels), description)
    pixels = read(path)
    assert pixels.dtype.name == FORMATS[name].dtype
    assert_pixels(pixels, pixels_of(draw_waves(SIZE, channels), FORMATS[name]))
    if suffix != ".npz" and pixels.dtype.kind == "u":
        assert read_raster(path).bits == FORMATS[name].bits


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_and_tiff_and_npz_agree_pixel_for_pixel(channels: int, tmp_path: Path) -> None:
    pictures = []
    for suffix in (".png", ".tif", ".tiff", ".npz"):
        write_image(tmp_path / f"image{suffix}", Waves(channels), describe(BYTE, channels))
        pictures.append(read(tmp_path / f"image{suffix}"))
    assert pictures[0].shape == (*SIZE, channels)
    for picture in pictures[1:]:
        np.testing.assert_array_equal(picture, pictures[0])


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        ("float", 8),
        ("12 bits", 16),
        ("signed", 16),
        ("8 bits", 8),
        ("of 16 bits", 16),
        ("of 8 bits", 8),
    ],
)
def test_png_spreads_what_it_cannot_hold_over_its_whole_range(
    name: str, bits: int, tmp_path: Path
) -> None:
    write_image(tmp_path / "image.png", Waves(3), describe(FORMATS[name], 3))
    raster = read_raster(tmp_path / "image.png")
    assert raster.bits == bits
    spread = dataclasses.replace(
        FORMATS[name], dtype=f"uint{bits}", bits=bits, low=0.0, high=2.0**bits - 1
    )
    assert_pixels(raster.pixels, pixels_of(draw_waves(SIZE, 3), spread))
    assert raster.pixels.max() == 2**bits - 1


@pytest.mark.parametrize("size", [(1, 1), (128, 128), (129, 127), (3, 300)])
@pytest.mark.parametrize("suffix", [".png", ".tiff", ".npz"])
def test_any_size_is_written(size: tuple[int, int], suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"image{suffix}"
    write_image(path, Waves(3), describe(BYTE, 3), size=size)
    assert_pixels(read(path), pixels_of(draw_waves(size, 3), BYTE))


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_a_region_is_a_box_of_the_picture(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"image{suffix}"
    region = ((0.25, 0.5), (0.5, 0.75))
    write_image(path, Waves(1), describe(BYTE, 1), size=(90, 140), region=region)
    assert_pixels(read(path), pixels_of(draw_waves((90, 140), 1, (0.25, 0.5, 0.5, 0.75)), BYTE))


def test_progress_is_shown_on_stderr_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for progress in (False, True):
        write_image(tmp_path / "image.png", Waves(1), describe(BYTE, 1), progress=progress)
        assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["image.jpg", "image"])
def test_another_suffix_is_rejected(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected .*png"):
        write_image(tmp_path / name, Waves(1), describe(BYTE, 1), size=(2, 2))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".png", ".npz"])
def test_a_picture_too_large_for_memory_is_rejected_before_it_is_rendered(
    suffix: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"expected a .tiff, which is streamed"):
        write_image(tmp_path / f"image{suffix}", Waves(1), describe(BYTE, 1), size=(2**14, 2**14))


@pytest.mark.parametrize(
    ("name", "channels", "suffix"),
    [
        ("1 bit", 1, ".png"),
        ("8 bits", 3, ".png"),
        ("16 bits", 3, ".png"),
        ("12 bits", 1, ".tiff"),
        ("of 16 bits", 1, ".tiff"),
        ("of 8 bits", 3, ".tiff"),
        ("signed", 1, ".tiff"),
        ("float", 3, ".tiff"),
    ],
)
def test_the_native_suffix_is_png_where_that_holds_the_depth(
    name: str, channels: int, suffix: str
) -> None:
    assert native_image_suffix(describe(FORMATS[name], channels)) == suffix


@pytest.mark.parametrize("value_range", [(0.0, 1.0), (-1.0, 1.0), (3.0, 10.0)])
@pytest.mark.parametrize(
    ("dtype", "bits", "low", "high"),
    [
        ("uint8", 1, 0, 1),
        ("uint8", 8, 0, 255),
        ("uint16", 12, 0, 4095),
        ("uint16", 16, 0, 65535),
        ("int16", 16, -32768, 32767),
    ],
)
def test_every_level_survives_normalising(
    dtype: str, bits: int, low: int, high: int, value_range: tuple[float, float]
) -> None:
    pixels = PixelFormat(dtype, bits, float(low), float(high), value_range)
    levels = np.arange(low, high + 1).astype(dtype)
    values = pixels.normalize(levels)
    assert values.dtype == np.float32
    assert (values[0], values[-1]) == value_range
    restored = pixels.restore(values)
    assert restored.dtype == levels.dtype
    np.testing.assert_array_equal(restored, levels)


def test_floats_are_spread_affinely() -> None:
    pixels = PixelFormat("float32", None, -2.0, 6.0, (-1.0, 1.0))
    given = np.array([-2.0, 0.0, 2.0, 6.0], np.float32)
    assert_close(pixels.normalize(given), [-1.0, -0.5, 0.0, 1.0])
    assert_close(pixels.restore(np.array([-1.0, -0.5, 0.1, 1.0])), [-2.0, 0.0, 2.4, 6.0])


@pytest.mark.parametrize("name", FORMATS)
def test_values_beyond_the_range_are_clipped(name: str) -> None:
    pixels = FORMATS[name]
    lower, upper = pixels.value_range
    restored = pixels.restore(np.array([lower - 0.3, lower, upper, upper + 0.3, math.inf]))
    assert restored.tolist() == [pixels.low, pixels.low, pixels.high, pixels.high, pixels.high]


def test_whole_numbers_are_rounded_to_the_nearest() -> None:
    assert BYTE.restore(np.array([0.4, 0.6, 99.4, 99.6]) / 255).tolist() == [0, 1, 99, 100]
