"""All eight EXIF orientations, in every format that has them and at both depths."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from tests.raster.conftest import make_chunk, save_pillow, save_tiff

# What must be done to the stored image, in the words of the EXIF standard.
UPRIGHT = {
    1: lambda p: p,
    2: np.fliplr,
    3: lambda p: np.rot90(p, 2),
    4: np.flipud,
    5: lambda p: np.swapaxes(p, 0, 1),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: np.rot90(np.swapaxes(p, 0, 1), 2),
    8: np.rot90,
}


def make_exif(orientation: int) -> bytes:
    """An EXIF block with this orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


@pytest.mark.parametrize("value", UPRIGHT)
def test_orientation(value, photo, read_bytes):
    exif = make_exif(value)
    upright = UPRIGHT[value](photo)
    deep = photo.astype(np.uint16) * 257
    png16 = imagecodecs.png_encode(deep)
    png16 = png16[:33] + make_chunk(b"eXIf", exif[6:]) + png16[33:]
    tag = [(0x0112, "H", 1, value, True)]
    exact = {
        "png": save_pillow(photo, "PNG", exif=exif),
        "webp": save_pillow(photo, "WEBP", lossless=True, exif=exif),
        "tiff": save_tiff(photo, photometric="rgb", extratags=tag),
        "tiff jpeg": save_pillow(
            Image.fromarray(photo).convert("YCbCr"), "TIFF", tiffinfo={274: value}
        ),
    }
    for name, content in exact.items():
        pixels = read_bytes(content).pixels
        assert pixels.shape == upright.shape, name
        assert np.abs(pixels.astype(int) - upright).mean() < 2, name
        assert name == "tiff jpeg" or np.array_equal(pixels, upright), name
    for content in (png16, save_tiff(deep, photometric="rgb", extratags=tag)):
        np.testing.assert_array_equal(read_bytes(content).pixels, UPRIGHT[value](deep))
    jpeg = save_pillow(photo, "JPEG", quality=98, exif=exif)
    pixels = read_bytes(jpeg).pixels
    assert pixels.shape == upright.shape
    assert np.abs(pixels.astype(int) - upright).mean() < 4


@pytest.mark.parametrize(("exif", "noted"), [(b"Exif\0\0broken", True), (make_exif(0), False)])
def test_unusable_orientation(exif, noted, photo, read_bytes):
    raster = read_bytes(save_pillow(photo, "JPEG", quality=98, exif=exif))
    assert np.abs(raster.pixels.astype(int) - photo).mean() < 4
    assert any("EXIF" in note for note in raster.notes) == noted


def test_orientation_of_nine_is_noted(photo, read_bytes):
    raster = read_bytes(save_pillow(photo, "PNG", exif=make_exif(9)))
    np.testing.assert_array_equal(raster.pixels, photo)
    assert "orientation 9" in raster.notes[0]
