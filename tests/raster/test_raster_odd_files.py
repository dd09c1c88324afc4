"""Real files of odd kinds, where they are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inr.raster import read_raster

DATA = Path(__file__).parents[2].parent / "shared" / "data"
ODD = DATA / "odd" / "images"

# Name: shape, dtype, bits and a word of its note, or a word of the rejection.
EXPECTED: dict[str, tuple[tuple[int, int, int], str, int | None, str] | str] = {
    "12bit.cropped.tif": ((100, 100, 1), "uint16", 12, ""),
    "16bit.cropped.jp2": ((64, 64, 1), "uint16", 16, ""),
    "7x13.png": ((13, 7, 3), "uint8", 8, ""),
    "BrightRingsNanInf.exr": "18 NaN or infinite",
    "Landscape_6.jpg": ((1200, 1800, 3), "uint8", 8, ""),
    "broken.png": "broken header",
    "chi.gif": ((240, 320, 4), "uint8", 8, "first of 31 frames"),
    "decompression_bomb.gif": "max_pixels=4364696535",
    "exif_imagemagick_orientation.png": ((512, 512, 3), "uint8", 8, ""),
    "gray16_artificial_3072x2048.png": ((2048, 3072, 1), "uint16", 16, ""),
    "hopper.Lab.tif": ((128, 128, 3), "uint8", 8, "Lab"),
    "hopper.fits": ((128, 128, 1), "uint8", 8, ""),
    "hopper.pfm": ((128, 128, 1), "float32", None, ""),
    "hopper.qoi": ((128, 128, 3), "uint8", 8, ""),
    "hopper_1bit.pbm": ((128, 128, 1), "uint8", 1, ""),
    "hopper_g4.tif": ((128, 128, 1), "uint8", 1, ""),
    "hopper_orientation_6.jpg": ((128, 128, 3), "uint8", 8, ""),
    "hopper_rle8.bmp": ((128, 128, 3), "uint8", 8, ""),
    "image1.hdr": ((85, 128, 3), "float32", None, ""),
    "invalid-exif.jpg": ((200, 200, 3), "uint8", 8, "EXIF"),
    "la.tga": ((64, 64, 2), "uint8", 8, ""),
    "multipage.tiff": ((10, 10, 3), "uint8", 8, "first of 3 pages"),
    "negative_size.ppm": "not an image",
    "pil_sample_cmyk.jpg": ((100, 100, 3), "uint8", 8, "CMYK"),
    "python.ico": ((48, 48, 4), "uint8", 8, "largest of 3"),
    "rgb32f_color.tiff": ((32, 32, 3), "float32", None, ""),
    "rgb_trns.png": ((64, 64, 4), "uint8", 8, ""),
    "tRNS_null_1x1.png": ((1, 1, 4), "uint8", 8, ""),
    "tiff_16bit_RGBa.tiff": ((40, 100, 4), "uint16", 16, "premultiplied"),
    "tiff_strip_planar_lzw.tiff": ((374, 278, 3), "uint8", 8, ""),
    "truncated_image.png": "770,117 of 922,080 bytes",
    "ultrahdr.jpg": "cut off",
    "zero_width.gif": "broken",
}


@pytest.mark.skipif(not ODD.is_dir(), reason="the odd image files are not at hand")
@pytest.mark.parametrize("name", EXPECTED)
def test_odd_file(name, capfd):
    expected = EXPECTED[name]
    if isinstance(expected, str):
        with pytest.raises(ValueError, match=expected) as caught:
            read_raster(ODD / name)
        assert name in str(caught.value) and "\n" not in str(caught.value)
    else:
        raster = read_raster(ODD / name)
        shape, dtype, bits, word = expected
        assert (raster.pixels.shape, raster.pixels.dtype.name, raster.bits) == (shape, dtype, bits)
        assert bool(raster.notes) == bool(word) and word in " ".join(raster.notes)
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not ODD.is_dir(), reason="the odd image files are not at hand")
def test_every_odd_file_is_listed():
    assert {path.name for path in ODD.iterdir()} == set(EXPECTED)


@pytest.mark.skipif(not ODD.is_dir(), reason="the odd image files are not at hand")
def test_the_same_picture_in_many_formats():
    """One portrait, stored in six formats by other programs, looks alike in all of them."""
    portrait = read_raster(ODD / "hopper.qoi").pixels.astype(float)
    grey = portrait @ [0.299, 0.587, 0.114]
    for name in ("hopper.Lab.tif", "hopper_rle8.bmp", "hopper.fits", "hopper.pfm"):
        pixels = read_raster(ODD / name).pixels.astype(float)
        pixels = pixels @ [0.299, 0.587, 0.114] if pixels.shape[2] == 3 else pixels[..., 0]
        assert np.corrcoef(pixels.ravel(), grey.ravel())[0, 1] > 0.98, name
    for name in ("hopper_1bit.pbm", "hopper_g4.tif"):
        pixels = read_raster(ODD / name).pixels[..., 0]
        assert np.corrcoef(pixels.ravel(), grey.ravel())[0, 1] > 0.5, name


@pytest.mark.skipif(not ODD.is_dir(), reason="the odd image files are not at hand")
def test_padded_odd_files():
    raster = read_raster(ODD / "truncated_image.png", truncated="pad")
    assert raster.pixels[300].any() and not raster.pixels[-1].any()
    assert read_raster(ODD / "ultrahdr.jpg", truncated="pad").pixels.shape == (2688, 1512, 3)
    rings = read_raster(ODD / "BrightRingsNanInf.exr", nonfinite="zero")
    assert np.isfinite(rings.pixels).all() and rings.pixels.shape == (800, 800, 3)
