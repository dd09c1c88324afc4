"""What is not read is rejected: in one line, in time, and with the caller's state untouched."""

from __future__ import annotations

import io
import logging
import os
import struct
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageFile

from inr.raster import read_raster
from tests.raster.conftest import make_fits, save_pillow, save_tiff


def make_zip() -> bytes:
    """A ZIP archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "text")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "keyword"),
    [
        (b"", "empty"),
        (b"\x89", "not an image"),
        (b"just some text\nin two lines", "not an image"),
        (make_zip(), "not an image"),
        (b"RIFF\x24\0\0\0WAVEfmt " + bytes(30), "not an image"),
        (bytes(100), "not an image"),
        (b"\x89PNG\r\n\x1a\n" + bytes(60), "broken header"),
        (b"\xff\xd8\xff\xe0" + bytes(60), "broken"),
        (b"GIF89a\0\0\x20\0\xf1\3" + bytes(30), "broken"),
        (b"P6\n-3 5\n255\n", "no pixels"),
        (b"P5 3 0 255\n", "no pixels"),
        (b"P5\n99999 99999\n255\n", "max_pixels=9999800001"),
        (b"P6 2 2\n70000\n" + bytes(90), "70000"),
        (b"P2\n2 2\nabc", "broken header"),
        (b"P2\n2 2\n100\n0 50 100 101 ", "outside"),
        (b"P5 8 8 255\n" + bytes(10), "10 of 64 bytes"),
        (b"II*\0" + bytes(4), "no page"),
        (b"SIMPLE  =   T" + bytes(3000), "FITS"),
    ],
)
def test_content_that_is_no_image(content, keyword, read_bytes):
    with pytest.raises(ValueError, match=keyword) as caught:
        read_bytes(content)
    message = str(caught.value)
    assert "\n" not in message and "; expected " in message and "image" in message


def test_paths_that_are_no_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.png does not exist; expected"):
        read_raster(tmp_path / "none.png")
    with pytest.raises(IsADirectoryError, match="is a directory; expected"):
        read_raster(tmp_path)
    with pytest.raises(FileNotFoundError) as caught:
        read_raster("no\nfile.png")
    assert "\n" not in str(caught.value)
    for name in ("x" * 5000, "null\0byte"):
        with pytest.raises(ValueError, match="cannot be opened"):
            read_raster(name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFO on this system")
def test_pipes_and_devices_do_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    for path in (tmp_path / "pipe.png", Path("/dev/zero")):
        with pytest.raises(ValueError, match="not a regular file"):
            read_raster(path)


def test_unreadable_file(tmp_path, monkeypatch):
    path = tmp_path / "closed.png"
    path.write_bytes(b"x")

    def reject(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", reject)
    with pytest.raises(PermissionError, match=r"closed\.png is not readable; expected .*chmod"):
        read_raster(path)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "ICO", "JPEG2000"])
def test_the_limit_of_pixels_is_exact(form, photo, read_bytes):
    options = {"sizes": [(64, 48)]} if form == "ICO" else {}
    content = save_pillow(photo, form, **options)
    assert read_bytes(content, max_pixels=48 * 64).pixels.shape[:2] == (48, 64)
    with pytest.raises(ValueError, match=r"3,072 pixels.*max_pixels=3072"):
        read_bytes(content, max_pixels=48 * 64 - 1)


def test_a_gif_bomb_says_its_size(read_bytes):
    content = save_pillow(np.zeros((4, 4), np.uint8), "GIF")
    huge = content[:6] + struct.pack("<HH", 65535, 65535) + content[10:]
    with pytest.raises(ValueError, match=r"max_pixels=4294836225"):
        read_bytes(huge)


def test_global_state_is_left_alone(photo, read_bytes):
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
    content = save_pillow(photo, "JPEG")
    for cut in (content, content[:-300], content[:100]):
        for truncated in ("reject", "pad"):
            try:
                read_bytes(cut, truncated=truncated)
            except ValueError as error:
                assert "\n" not in str(error)
            assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES)
    assert not logging.getLogger("tifffile").disabled


@pytest.mark.parametrize(
    ("form", "fillable"), [("JPEG", True), ("GIF", True), ("BMP", True), ("WEBP", False)]
)
def test_cut_files(form, fillable, photo, read_bytes):
    content = save_pillow(photo, form)
    cut = content[: len(content) * 2 // 3]
    with pytest.raises(ValueError, match="cut off or damaged") as caught:
        read_bytes(cut)
    assert ("truncated=pad" in str(caught.value)) == fillable
    if fillable:
        raster = read_bytes(cut, truncated="pad")
        assert raster.pixels.shape[:2] == (48, 64) and "filled" in raster.notes[-1]
    else:
        with pytest.raises(ValueError, match="beyond padding"):
            read_bytes(cut, truncated="pad")


def test_a_jpeg_without_its_end_is_cut(photo, read_bytes):
    content = save_pillow(photo, "JPEG")
    for missing in (1, 2, 3, 10):
        with pytest.raises(ValueError, match="cut off"):
            read_bytes(content[:-missing])


FUZZED = {
    "png": lambda p: save_pillow(p, "PNG"),
    "png16": lambda p: imagecodecs.png_encode(p.astype(np.uint16) * 257),
    "jpeg": lambda p: save_pillow(p, "JPEG"),
    "gif": lambda p: save_pillow(p, "GIF"),
    "webp": lambda p: save_pillow(p, "WEBP"),
    "bmp": lambda p: save_pillow(p, "BMP"),
    "tga": lambda p: save_pillow(p, "TGA", compression="tga_rle"),
    "ico": lambda p: save_pillow(p, "ICO"),
    "qoi": lambda p: save_pillow(p, "QOI"),
    "jpeg2000": lambda p: save_pillow(p, "JPEG2000"),
    "tiff": lambda p: save_tiff(p, photometric="rgb", rowsperstrip=8),
    "tiff zlib": lambda p: save_tiff(p, photometric="rgb", compression="zlib", tile=(16, 16)),
    "tiff jpeg": lambda p: save_pillow(p, "TIFF", compression="jpeg"),
    "ppm": lambda p: b"P6 64 48 255\n" + p.tobytes(),
    "pfm": lambda p: b"PF 64 48 -1\n" + p.astype("<f4").tobytes(),
    "fits": lambda p: make_fits(p[..., 0].astype(">i2"), 16),
    "hdr": lambda p: b"#?RADIANCE\n\n-Y 48 +X 64\n" + np.dstack([p, p[..., 0]]).tobytes(),
}


@pytest.mark.parametrize("kind", FUZZED)
def test_damage_ends_as_a_value_error_or_an_image(kind, photo, read_bytes, capfd):
    random = np.random.default_rng(sum(map(ord, kind)))
    content = FUZZED[kind](photo)
    assert read_bytes(content).pixels.shape[:2] == (48, 64) or kind == "ico"
    for trial in range(24):
        damaged = bytearray(content)
        if trial % 2:
            del damaged[random.integers(0, len(content)) :]
        else:
            end = len(content) if trial % 4 else 150
            for place in random.integers(0, end, 4):
                damaged[place] = random.choice([0, 1, 127, 128, 255])
        for truncated in ("reject", "pad"):
            try:
                raster = read_bytes(
                    bytes(damaged), truncated=truncated, nonfinite="zero", max_pixels=2**20
                )
            except ValueError as error:
                message = str(error)
                assert "; expected " in message and "\n" not in message and len(message) < 400
            else:
                assert raster.pixels.ndim == 3 and raster.high > raster.low
    assert capfd.readouterr() == ("", "")


def test_nothing_leaks_as_a_warning(photo, read_bytes):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_bytes(save_pillow(photo, "JPEG", exif=b"Exif\0\0broken"))


def test_import_is_light():
    heavy = {
        "PIL",
        "tifffile",
        "imagecodecs",
        "imageio",
        "OpenEXR",
        "astropy",
        "skimage",
        "torch",
        "hydra",
    }
    script = f"import sys, inr.raster; print({heavy!r} & set(sys.modules))"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


def test_a_tiff_whose_pages_lead_in_a_circle_is_rejected(tmp_path: Path) -> None:
    import struct

    import tifffile

    path = tmp_path / "circle.tif"
    tifffile.imwrite(path, np.zeros((4, 4), np.uint8), metadata=None)
    data = bytearray(path.read_bytes())
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<I", data, first + 2 + 12 * count, first)
    path.write_bytes(data)
    with pytest.raises(ValueError, match="lead in a circle"):
        read_raster(path)
