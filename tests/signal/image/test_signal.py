"""Image files as signals, from files that are written here."""

from pathlib import Path

import numpy as np
import pytest
import torch

from inr.raster import write_raster
from inr.signal import ImageSignal
from tests.tolerance import assert_close


@pytest.fixture
def ramp(tmp_path: Path) -> Path:
    """4 high, 6 wide; red is 10 x, green 20 y, blue a corner mark: alike under no flip or turn."""
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[:, :, 0] = 10 * np.arange(6)
    pixels[:, :, 1] = 20 * np.arange(4)[:, None]
    pixels[0, 5, 2] = 255
    write_raster(tmp_path / "ramp.png", pixels)
    return tmp_path / "ramp.png"


def image_of(signal: ImageSignal) -> np.ndarray:
    return signal.values.reshape(*signal.lattice, -1).numpy()


def test_x_runs_along_the_width_and_y_down_the_height(ramp: Path) -> None:
    signal = ImageSignal(path=ramp)
    assert (signal.lattice, signal.in_features, signal.out_features) == ((4, 6), 2, 3)
    assert signal.name == "ramp"
    coords, values = signal.train_points(None)[:2]
    assert_close(values[:, 0], 10 * (coords[:, 0] * 6 - 0.5) / 255)
    assert_close(values[:, 1], 20 * (coords[:, 1] * 4 - 0.5) / 255)
    marked = values[:, 2].argmax()
    assert_close(coords[marked], [5.5 / 6, 0.5 / 4])


def test_a_value_range_is_what_black_and_white_become(ramp: Path) -> None:
    plain = image_of(ImageSignal(path=ramp))
    signal = ImageSignal(path=ramp, value_range=(-1, 3))
    assert_close(image_of(signal), 4 * plain.astype(np.float64) - 1)
    assert (signal.value_range, signal.peak) == ((-1.0, 3.0), 4.0)
    assert signal.values[:, 2].max() == 3.0


def test_sixteen_bits_are_kept(tmp_path: Path) -> None:
    pixels = np.array([[[0], [1], [257]], [[32768], [65534], [65535]]], np.uint16)
    write_raster(tmp_path / "deep.png", pixels)
    signal = ImageSignal(path=tmp_path / "deep.png")
    assert_close(image_of(signal), pixels.astype(np.float64) / 65535)
    np.testing.assert_array_equal(signal.pixel_format.restore(image_of(signal)), pixels)


def test_a_float_image_is_spread_from_its_least_to_its_greatest_pixel(tmp_path: Path) -> None:
    pixels = np.array([[[-2.0], [0.5]], [[3.0], [8.0]]], np.float32)
    write_raster(tmp_path / "float.tiff", pixels)
    signal = ImageSignal(path=tmp_path / "float.tiff")
    assert_close(signal.values, [[0.0], [0.25], [0.5], [1.0]])
    assert_close(signal.pixel_format.restore(image_of(signal)), pixels)


def test_a_crop_is_a_box_of_pixels(ramp: Path) -> None:
    whole = image_of(ImageSignal(path=ramp))
    signal = ImageSignal(path=ramp, crop=[2, 1, 5, 3])
    assert signal.lattice == (2, 3)
    np.testing.assert_array_equal(image_of(signal), whole[1:3, 2:5])


def test_signed_numbers_have_the_range_of_the_data(tmp_path: Path) -> None:
    pixels = np.array([[[-1000], [500], [2000]]], dtype=np.int16)
    write_raster(tmp_path / "signed.tiff", pixels)
    signal = ImageSignal(path=tmp_path / "signed.tiff")
    assert_close(signal.values, [[0.0], [0.5], [1.0]])


def test_a_resized_bilevel_image_has_greys(tmp_path: Path) -> None:
    pixels = np.indices((8, 8)).sum(0)[..., None].astype(np.uint8) % 2
    write_raster(tmp_path / "bilevel.png", pixels, bits=1)
    signal = ImageSignal(path=tmp_path / "bilevel.png", size=[4, 4])
    assert signal.pixel_format.bits == 8
    assert (signal.values - 0.5).abs().max() < 0.1


def test_a_crop_of_floats_has_a_range_of_its_own(tmp_path: Path) -> None:
    pixels = np.arange(12, dtype=np.float32).reshape(3, 4, 1)
    write_raster(tmp_path / "float.tiff", pixels)
    signal = ImageSignal(path=tmp_path / "float.tiff", crop=[1, 1, 3, 2])
    assert_close(signal.values, [[0.0], [1.0]])


@pytest.mark.parametrize(
    "crop", [[0, 0, 7, 4], [0, 0, 6, 5], [-1, 0, 3, 3], [3, 0, 3, 4], [0, 3, 6, 2]]
)
def test_a_crop_beyond_the_image_or_empty_is_rejected(ramp: Path, crop: list[int]) -> None:
    with pytest.raises(ValueError, match="crop"):
        ImageSignal(path=ramp, crop=crop)


def write_smooth(path: Path, dtype: type[np.unsignedinteger]) -> np.ndarray:
    """96 high, 64 wide, two channels: waves of several pixels, alike under no flip or turn."""
    y, x = np.mgrid[:96, :64]
    waves = np.stack([np.sin(x / 9 + y / 17), np.cos(x / 21 - y / 12)], axis=-1)
    peak = np.iinfo(dtype).max
    pixels = np.rint((0.5 + 0.4 * waves) * peak).astype(dtype)
    write_raster(path, pixels)
    return pixels / peak


@pytest.mark.parametrize("factors", [(4, 2), (3, 4), (1, 8)])
def test_shrinking_by_whole_factors_is_about_the_average_of_each_block(
    tmp_path: Path, factors: tuple[int, int]
) -> None:
    path = tmp_path / "smooth.png"
    pixels = write_smooth(path, np.uint16)
    down, across = factors
    size = [96 // down, 64 // across]
    blocks = pixels.reshape(size[0], down, size[1], across, 2).mean(axis=(1, 3))
    resized = image_of(ImageSignal(path=path, size=size))
    assert resized.shape == (*size, 2)
    # A bicubic kernel is wider than a block and sharpens: close inside, not equal.
    assert np.abs(resized - blocks)[1:-1, 1:-1].max() < 0.02
    assert np.abs(resized - blocks).max() < 0.06


def test_shrinking_removes_what_the_new_lattice_cannot_hold(tmp_path: Path) -> None:
    checkers = 255 * (np.indices((63, 63)).sum(0) % 2).astype(np.uint8)[:, :, None]
    write_raster(tmp_path / "checkers.png", checkers)
    values = image_of(ImageSignal(path=tmp_path / "checkers.png", size=[21, 21]))
    # New centres are on every third old pixel: without anti-aliasing all are 0 or 1.
    assert np.abs(values - 0.5).max() < 0.05


def test_enlarging_keeps_the_picture_in_place(tmp_path: Path) -> None:
    path = tmp_path / "smooth.png"
    pixels = write_smooth(path, np.uint16)
    enlarged = image_of(ImageSignal(path=path, size=[288, 192]))
    # Every third pixel of the enlarged picture has the centre of an old one.
    assert np.abs(enlarged[1::3, 1::3] - pixels)[1:-1, 1:-1].max() < 1e-3


def test_a_resized_image_is_one_that_a_file_could_hold(tmp_path: Path) -> None:
    path = tmp_path / "smooth.png"
    write_smooth(path, np.uint8)
    signal = ImageSignal(path=path, size=[31, 17])
    levels = 255 * image_of(signal)
    # 255 levels in float32.
    assert np.abs(levels - np.rint(levels)).max() < 1e-4
    assert len(np.unique(np.rint(levels))) > 50


def test_a_resized_image_stays_within_its_range(tmp_path: Path) -> None:
    edge = np.zeros((8, 8, 1), np.uint8)
    edge[:, 4:] = 255
    write_raster(tmp_path / "edge.png", edge)
    values = image_of(ImageSignal(path=tmp_path / "edge.png", size=[32, 32], value_range=(-1, 1)))
    assert values.min() == -1.0
    assert values.max() == 1.0


def test_a_crop_comes_before_resizing(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8, 1), np.uint8)
    pixels[4:, 4:] = 200
    write_raster(tmp_path / "corner.png", pixels)
    signal = ImageSignal(path=tmp_path / "corner.png", crop=[4, 4, 8, 8], size=[2, 2])
    assert_close(signal.values, torch.full((4, 1), 200 / 255))


def test_a_holdout_is_of_the_resized_image(ramp: Path) -> None:
    signal = ImageSignal(path=ramp, size=[2, 4], holdout="alternate")
    train, test = signal.train_index, signal.test_index
    assert train is not None and test is not None
    assert train.tolist() == [0, 2]
    assert test.tolist() == [5, 7]


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"value_range": (1.0, 0.0)}, ValueError, "expected the lower first"),
        ({"value_range": (1.0,)}, TypeError, r"value_range is \(1.0,\)"),
        ({"size": [4]}, TypeError, r"size is \[4\]; expected \[H, W\]"),
        ({"size": [4, 0]}, ValueError, "size is 0; expected 1 or more"),
        ({"size": [4.5, 4]}, TypeError, "expected a whole number"),
        ({"crop": [0, 0, 2]}, TypeError, r"expected \[x0, y0, x1, y1\]"),
    ],
)
def test_options_out_of_range_are_rejected(
    ramp: Path, options: dict[str, object], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        ImageSignal(path=ramp, **options)  # type: ignore[arg-type]


def test_a_missing_file_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ImageSignal(path=tmp_path / "none.png")
