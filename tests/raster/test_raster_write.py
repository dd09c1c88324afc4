"""What is written reads back bit for bit, or is rejected."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import tifffile
from PIL import Image

from inr.raster import native_suffix, read_raster, write_raster, write_tiff_tiles

KINDS = [
    ("u1", None),
    ("u1", 8),
    ("u2", None),
    ("u2", 16),
    ("u2", 12),
    ("u2", 10),
    ("u4", None),
    ("u4", 24),
    ("i1", None),
    ("i2", None),
    ("i4", None),
    ("f4", None),
    ("f8", None),
]


def draw(dtype: str, bits: int | None, shape: tuple[int, int, int]) -> np.ndarray:
    """Random pixels over the whole range of a kind."""
    random = np.random.default_rng(0)
    if np.dtype(dtype).kind == "f":
        return random.normal(size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    low, high = (0, 2**bits - 1) if bits else (limits.min, limits.max)
    return random.integers(low, high, shape, dtype, endpoint=True)


@pytest.mark.parametrize(("dtype", "bits"), KINDS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_round_trip(dtype, bits, channels, tmp_path):
    for size in ((1, 1), (7, 9), (33, 64)):
        pixels = draw(dtype, bits, (*size, channels))
        for suffix in {".tiff", native_suffix(dtype, bits, channels)}:
            path = tmp_path / f"image{suffix}"
            write_raster(path, pixels, bits=bits)
            raster = read_raster(path)
            np.testing.assert_array_equal(raster.pixels, pixels)
            assert raster.pixels.dtype == pixels.dtype and raster.notes == ()
            if pixels.dtype.kind != "f":
                assert raster.bits == (bits or pixels.dtype.itemsize * 8)
        write_raster(tmp_path / "image.npz", pixels, bits=bits)
        with np.load(tmp_path / "image.npz") as archive:
            assert archive.files == ["pixels"]
            np.testing.assert_array_equal(archive["pixels"], pixels)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_bilevel_round_trip(suffix, tmp_path):
    pixels = draw("u1", 1, (13, 21, 1))
    write_raster(tmp_path / f"b{suffix}", pixels, bits=1)
    raster = read_raster(tmp_path / f"b{suffix}")
    np.testing.assert_array_equal(raster.pixels, pixels)
    assert raster.bits == 1
    with Image.open(tmp_path / f"b{suffix}") as image:
        assert image.mode == "1"


@pytest.mark.parametrize(
    ("dtype", "bits", "channels", "suffix"),
    [
        ("uint8", None, 3, ".png"),
        ("uint8", 1, 1, ".png"),
        ("uint16", 16, 4, ".png"),
        ("uint16", 12, 1, ".tiff"),
        ("int16", 16, 1, ".tiff"),
        ("uint32", None, 1, ".tiff"),
        ("float32", None, 3, ".tiff"),
    ],
)
def test_native_suffix(dtype, bits, channels, suffix):
    assert native_suffix(dtype, bits, channels) == suffix


def test_rejections_leave_no_file(tmp_path):
    pixels = np.zeros((4, 4, 3), np.float32)
    with pytest.raises(ValueError, match=r"float32.*\.tiff or .*\.npz"):
        write_raster(tmp_path / "a.png", pixels)
    with pytest.raises(ValueError, match=r"12-bit.*\.tiff"):
        write_raster(tmp_path / "a.png", pixels.astype(np.uint16), bits=12)
    with pytest.raises(ValueError, match=r"'\.jpg'; expected \.png, \.tif, \.tiff, \.npz"):
        write_raster(tmp_path / "a.jpg", pixels)
    with pytest.raises(ValueError, match="shape"):
        write_raster(tmp_path / "a.tiff", np.zeros((4, 4, 5), np.uint8))
    assert list(tmp_path.iterdir()) == []


def cut_tiles(pixels: np.ndarray, height: int, width: int):
    """Tiles row by row, padded at the edges."""
    for top in range(0, pixels.shape[0], height):
        for left in range(0, pixels.shape[1], width):
            part = pixels[top : top + height, left : left + width]
            missing = (height - part.shape[0], width - part.shape[1])
            yield np.pad(part, ((0, missing[0]), (0, missing[1]), (0, 0)))


@pytest.mark.parametrize(("dtype", "bits"), [*KINDS, ("u1", 1)])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_tiles_round_trip(dtype, bits, channels, tmp_path):
    if bits == 1 and channels > 1:
        pytest.skip("bilevel images have one channel")
    pixels = draw(dtype, bits, (70, 100, channels))
    path = tmp_path / "tiles.tiff"
    tiles = cut_tiles(pixels, 32, 48)
    write_tiff_tiles(path, pixels.shape, dtype, tiles, tile=(32, 48), bits=bits)
    raster = read_raster(path)
    np.testing.assert_array_equal(raster.pixels, pixels)
    assert raster.pixels.dtype == pixels.dtype and raster.notes == ()
    with tifffile.TiffFile(path) as tiff:
        assert tiff.pages[0].is_tiled and not tiff.is_bigtiff


def test_tiles_stream_in_bounded_memory(tmp_path):
    side, count = 512, 60
    tile = draw("u1", None, (side, side, 3))
    tracemalloc.start()
    tiles = (tile.copy() for _ in range(count))
    shape = (side * 6, side * 10, 3)
    write_tiff_tiles(tmp_path / "t.tiff", shape, np.uint8, tiles, tile=(side, side))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.6 * tile.nbytes * count


def test_failed_tiles_leave_the_old_file(tmp_path):
    path = tmp_path / "t.tiff"
    path.write_bytes(b"old")

    def fail():
        yield np.zeros((16, 16, 1), np.uint8)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        write_tiff_tiles(path, (64, 64, 1), np.uint8, fail(), tile=(16, 16))
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1
    ragged = iter([np.zeros((16, 15, 1), np.uint8)])
    with pytest.raises(ValueError, match=r"\(16, 15, 1\); expected \(16, 16, 1\)"):
        write_tiff_tiles(path, (64, 64, 1), np.uint8, ragged, tile=(16, 16))
    for suffix, tile in ((".png", (16, 16)), (".tiff", (15, 16))):
        with pytest.raises(ValueError, match="expected"):
            write_tiff_tiles(tmp_path / f"x{suffix}", (8, 8, 1), np.uint8, fail(), tile=tile)


def test_too_few_tiles_are_an_error(tmp_path):
    one = iter([np.zeros((16, 16, 1), np.uint8)])
    with pytest.raises(ValueError, match="tiles"):
        write_tiff_tiles(tmp_path / "t.tiff", (64, 64, 1), np.uint8, one, tile=(16, 16))
    assert list(tmp_path.iterdir()) == []
