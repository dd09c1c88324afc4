"""Losses of imageio, Pillow and astropy, for which formats are read in other ways."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import imageio.v3 as imageio
import numpy as np
import pytest
from astropy.io import fits
from PIL import GifImagePlugin, Image

from inr.raster import read_raster
from tests.raster.conftest import make_chunk, make_png, save_pillow

Made = tuple[bytes, np.ndarray]


def make_gif(photo: np.ndarray) -> Made:
    """A GIF with one transparent colour."""
    image = Image.fromarray(photo).quantize(16)
    alpha = np.where(np.asarray(image) == 3, 0, 255)
    return save_pillow(image, "GIF", transparency=3), np.dstack([image.convert("RGB"), alpha])


def make_keyed_png(photo: np.ndarray) -> Made:
    """A PNG with one transparent colour."""
    alpha = np.where((photo == photo[2, 3]).all(axis=-1), 0, 255)
    content = save_pillow(photo, "PNG", transparency=tuple(photo[2, 3].tolist()))
    return content, np.dstack([photo, alpha])


def make_keyed_grey_png(photo: np.ndarray) -> Made:
    """A PNG of 4 bits with one transparent grey."""
    grey = photo[..., 0] // 16
    rows = b"".join(b"\0" + (row[::2] * 16 + row[1::2]).tobytes() for row in grey)
    key = make_chunk(b"tRNS", struct.pack(">H", grey[2, 3]))
    alpha = np.where(grey == grey[2, 3], 0, 255)
    return make_png(64, 48, 4, 0, rows, key), np.dstack([grey * 17, alpha])


def make_deep_png(photo: np.ndarray) -> Made:
    """A PNG of 16 bits."""
    deep = deepen(photo)
    return imagecodecs.png_encode(deep), deep


def make_deep_ppm(photo: np.ndarray) -> Made:
    """A PPM of 16 bits."""
    deep = deepen(photo)
    return b"P6 64 48 65535\n" + deep.astype(">u2").tobytes(), deep


def make_deep_jpeg2000(photo: np.ndarray) -> Made:
    """A lossless JPEG 2000 of 16 bits."""
    deep = deepen(photo)
    return imagecodecs.jpeg2k_encode(deep, level=0), deep


def make_pam(photo: np.ndarray) -> Made:
    """A PAM with alpha."""
    pixels = np.dstack([photo, photo[..., 0]])
    head = b"P7\nWIDTH 64\nHEIGHT 48\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n"
    return head + pixels.tobytes(), pixels


def make_color_pfm(photo: np.ndarray) -> Made:
    """A PFM of three channels."""
    values = photo.astype("<f4") / 7
    return b"PF\n64 48\n-1.0\n" + values[::-1].tobytes(), values


def make_hdr(photo: np.ndarray) -> Made:
    """A Radiance HDR of one colour brighter than white."""
    pixels = np.broadcast_to(np.float32([4.0, 2.0, 1.0]), (2, 3, 3))
    return b"#?RADIANCE\n\n-Y 2 +X 3\n" + bytes([128, 64, 32, 131] * 6), pixels


def make_exr(photo: np.ndarray, path: Path) -> Made:
    """An OpenEXR of colours brighter than white."""
    import OpenEXR

    values = photo.astype(np.float32) / 16
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with OpenEXR.File(header, {"RGB": values}) as file:
        file.write(str(path))
    return path.read_bytes(), values


def deepen(photo: np.ndarray) -> np.ndarray:
    """Pixels whose lower byte differs from the upper."""
    return photo.astype(np.uint16) * 253 + 7


def is_whole(read: Callable[[], np.ndarray], expected: np.ndarray) -> bool:
    """Whether a reader gives these pixels, and not others or an error."""
    try:
        return np.array_equal(read(), expected)
    except OSError:
        return False


@pytest.mark.parametrize(
    ("suffix", "make"),
    [
        (".gif", make_gif),
        (".png", make_keyed_png),
        (".png", make_deep_png),
        (".ppm", make_deep_ppm),
        (".hdr", make_hdr),
        (".exr", make_exr),
    ],
)
def test_imageio_loses(suffix, make, photo, tmp_path, monkeypatch):
    # imageio sets it for the whole process.
    monkeypatch.setattr(GifImagePlugin, "LOADING_STRATEGY", GifImagePlugin.LOADING_STRATEGY)
    path = tmp_path / f"image{suffix}"
    content, expected = make(photo, path) if make is make_exr else make(photo)
    path.write_bytes(content)
    assert not is_whole(lambda: imageio.imread(path, index=0), expected)
    assert is_whole(lambda: read_raster(path).pixels, expected)


@pytest.mark.parametrize(
    "make",
    [
        make_deep_png,
        make_keyed_grey_png,
        make_deep_ppm,
        make_deep_jpeg2000,
        make_pam,
        make_color_pfm,
    ],
)
def test_pillow_loses(make, photo, tmp_path):
    path = tmp_path / "image"
    content, expected = make(photo)
    path.write_bytes(content)
    with_alpha = {2: "LA", 4: "RGBA"}.get(expected.shape[2])

    def read() -> np.ndarray:
        with Image.open(path) as image:
            return np.asarray(image.convert(with_alpha) if with_alpha else image)

    assert not is_whole(read, expected)
    assert is_whole(lambda: read_raster(path).pixels, expected)


def test_astropy_loses(tmp_path):
    """Digits of integers of 16 bits with a scale, for it reads them as float32."""
    path = tmp_path / "image.fits"
    stored = np.arange(6, dtype=np.int16).reshape(2, 3)
    unit = fits.PrimaryHDU(stored)
    unit.header["BSCALE"], unit.header["BZERO"] = 0.01, 1e8
    unit.writeto(path)
    expected = stored * 0.01 + 1e8
    with fits.open(path) as units:
        assert not np.array_equal(units[0].data, expected)
    np.testing.assert_array_equal(read_raster(path).pixels[::-1, :, 0], expected)
