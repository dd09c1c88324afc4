"""TIFF in its many storage layouts, colour models and page structures."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from tests.raster.conftest import save_pillow, save_tiff

LAYOUTS = {
    "strips": {"rowsperstrip": 7},
    "tiles": {"tile": (16, 32)},
    "big": {"bigtiff": True, "byteorder": ">"},
    "lzw": {"compression": "lzw", "predictor": 2},
    "deflate tiles": {"compression": "zlib", "tile": (32, 16), "predictor": 2},
    "zstd": {"compression": "zstd"},
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i1", "i2", "i4"])
@pytest.mark.parametrize("planar", [False, True])
def test_layouts_hold_the_same_pixels(layout, dtype, planar, photo, read_bytes):
    dtype = np.dtype(dtype)
    pixels = photo.astype(dtype) * dtype.type(3 if dtype.itemsize == 1 else 101)
    stored = np.ascontiguousarray(np.moveaxis(pixels, -1, 0)) if planar else pixels
    config = "separate" if planar else "contig"
    content = save_tiff(stored, photometric="rgb", planarconfig=config, **LAYOUTS[layout])
    raster = read_bytes(content)
    np.testing.assert_array_equal(raster.pixels, pixels)
    assert raster.pixels.dtype == dtype and raster.pixels.flags.c_contiguous
    assert raster.bits == dtype.itemsize * 8 and raster.notes == ()


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("predictor", [1, 3])
def test_floats(dtype, predictor, photo, read_bytes):
    pixels = (photo / 7 - 5).astype(dtype)
    content = save_tiff(pixels, photometric="rgb", compression="zlib", predictor=predictor)
    raster = read_bytes(content)
    np.testing.assert_array_equal(raster.pixels, pixels)
    assert raster.pixels.dtype == (np.float64 if dtype == "f8" else np.float32)
    assert raster.bits is None
    assert (raster.low, raster.high) == (pixels.min(), pixels.max())


def test_constant_floats_have_a_range(read_bytes):
    raster = read_bytes(save_tiff(np.full((3, 4), 2.5, np.float32)))
    assert (raster.low, raster.high) == (2.5, 3.5)
    large = read_bytes(save_tiff(np.full((3, 4), 3e30, np.float32)))
    assert large.high > large.low


@pytest.mark.parametrize("bits", [2, 4, 6, 10, 12, 14])
def test_packed_integers(bits, read_bytes):
    pixels = np.random.default_rng(0).integers(0, 2**bits, (9, 13))
    dtype = np.uint8 if bits <= 8 else np.uint16
    if bits > 8:
        content = save_tiff(pixels.astype(dtype), bitspersample=bits)
        expected = pixels
    else:
        # tifffile does not write these: pack them by hand.
        packed = np.packbits(
            ((pixels[..., None] >> np.arange(bits)[::-1]) & 1).reshape(9, -1).astype(np.uint8), 1
        )
        content = make_tiff(13, 9, bits=bits, body=packed.tobytes())
        expected = np.round(pixels * 255 / (2**bits - 1))
    raster = read_bytes(content)
    np.testing.assert_array_equal(raster.pixels[..., 0], expected)
    assert raster.pixels.dtype == dtype and raster.bits == max(bits, 8)


def make_tiff(
    width: int,
    height: int,
    *,
    bits: int = 8,
    tile: tuple[int, int] | None = None,
    body: bytes = b"",
) -> bytes:
    """Makes an uncompressed grey TIFF that may claim anything."""
    entries = [(256, width), (257, height), (258, bits), (259, 1), (262, 1), (277, 1)]
    start, size = 200, len(body)
    if tile:
        entries += [(322, tile[1]), (323, tile[0]), (324, start), (325, size)]
    else:
        entries += [(273, start), (278, height), (279, size)]
    table = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(entries))
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + table + bytes(4)
    return head.ljust(start, b"\0") + body


@pytest.mark.parametrize(
    ("size", "tile", "keyword"),
    [
        ((2**31, 2**31), None, "max_pixels=4611686018427387904"),
        ((10, 10), (2**20, 2**20), "in one tile"),
        ((0, 10), None, "no pixels"),
        ((2**27, 1), None, "cut off"),
        ((2**14, 2**14), (16, 16), "1 of 1,048,576 strips or tiles"),
    ],
)
def test_bogus_claims_are_rejected(size, tile, keyword, read_bytes):
    with pytest.raises(ValueError, match=keyword):
        read_bytes(make_tiff(*size, tile=tile, body=bytes(100)))


def test_planes_that_are_not_there_are_not_memory_left_over(photo, read_bytes):
    content = save_tiff(photo, photometric="rgb", tile=(16, 16))
    tag = struct.pack("<HHIHH", 284, 3, 1, 1, 0)
    assert content.count(tag) == 1
    content = content.replace(tag, struct.pack("<HHIHH", 284, 3, 1, 255, 0))
    with pytest.raises(ValueError, match="12 of 36 strips or tiles are there"):
        read_bytes(content)
    assert not read_bytes(content, truncated="pad").pixels[..., 1:].any()


@pytest.mark.parametrize("dtype", ["?", "u1", "u2"])
def test_zero_is_white(dtype, photo, read_bytes):
    grey = photo[..., 0] > 99 if dtype == "?" else photo[..., 0].astype(dtype)
    stored = ~grey if dtype == "?" else np.iinfo(dtype).max - grey
    np.testing.assert_array_equal(
        read_bytes(save_tiff(stored, photometric="miniswhite")).pixels[..., 0], grey
    )


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt", "packbits", "tiff_lzw"])
def test_bilevel_compressions(compression, photo, read_bytes):
    bilevel = photo[..., 0] > 99
    raster = read_bytes(save_pillow(bilevel, "TIFF", compression=compression))
    np.testing.assert_array_equal(raster.pixels[..., 0], bilevel)
    assert (raster.bits, raster.high, raster.pixels.dtype) == (1, 1, np.uint8)


@pytest.mark.parametrize("scale", [257, 256, 1])
def test_palette_of_16_or_8_bits(scale, photo, read_bytes):
    colors = np.random.default_rng(0).integers(0, 256, (3, 256))
    content = save_tiff(
        photo[..., 0], photometric="palette", colormap=(colors * scale).astype(np.uint16)
    )
    np.testing.assert_array_equal(read_bytes(content).pixels, colors.T[photo[..., 0]])


@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_cmyk_equals_pillow(dtype, photo, read_bytes):
    inks = Image.fromarray(photo).convert("CMYK")
    scale = 257 if dtype == "u2" else 1
    raster = read_bytes(save_tiff(np.asarray(inks).astype(dtype) * scale, photometric="separated"))
    expected = np.asarray(inks.convert("RGB")).astype(int) * scale
    assert np.abs(raster.pixels - expected).max() <= scale
    assert raster.bits == 8 * np.dtype(dtype).itemsize
    assert any("CMYK" in note for note in raster.notes)


def test_lab_equals_color_management(photo, read_bytes):
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    image = ImageCms.profileToProfile(Image.fromarray(photo), srgb, lab, outputMode="LAB")
    raster = read_bytes(save_pillow(image, "TIFF"))
    back = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
    assert np.abs(raster.pixels.astype(int) - np.asarray(back)).mean() < 1
    assert any("Lab" in note for note in raster.notes)


def test_ycbcr_and_jpeg(photo, read_bytes):
    image = Image.fromarray(photo).convert("YCbCr")
    raster = read_bytes(save_pillow(image, "TIFF"))
    np.testing.assert_array_equal(raster.pixels, np.asarray(image.convert("RGB")))
    assert any("YCbCr" in note for note in raster.notes)
    raster = read_bytes(save_pillow(photo, "TIFF", compression="jpeg", quality=95))
    assert np.abs(raster.pixels.astype(int) - photo).mean() < 3 and raster.notes == ()


def test_pages_are_counted_without_thumbnails(photo, read_bytes):
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(photo[::2, ::2].copy(), subfiletype=1)
        writer.write(photo, subifds=1)
        writer.write(photo[::2, ::2].copy(), subfiletype=1)
        writer.write(255 - photo)
    content = buffer.getvalue()
    first = read_bytes(content)
    np.testing.assert_array_equal(first.pixels, photo)
    assert "first of 2 pages" in first.notes[0] and "frame=K" in first.notes[0]
    np.testing.assert_array_equal(read_bytes(content, frame=1).pixels, 255 - photo)
    with pytest.raises(ValueError, match="holds 2 pages"):
        read_bytes(content, frame=2)


@pytest.mark.parametrize("imagej", [False, True])
def test_pages_of_a_stack(imagej, photo, read_bytes):
    stack = np.ascontiguousarray(np.moveaxis(photo, -1, 0))
    content = save_tiff(stack, **({"imagej": True} if imagej else {"photometric": "minisblack"}))
    assert "first of 3 pages" in read_bytes(content).notes[0]
    for frame in range(3):
        raster = read_bytes(content, frame=frame)
        np.testing.assert_array_equal(raster.pixels[..., 0], photo[..., frame])


def test_imagej_stack_of_one_directory(photo, read_bytes):
    """Beyond 4 GiB ImageJ writes the first page only and lets the pixels of all follow it."""
    stack = np.ascontiguousarray(np.moveaxis(photo, -1, 0))
    content = bytearray(save_tiff(stack, imagej=True))
    (entries,) = struct.unpack_from("<H", content, 8)
    # Behind the entries of the first directory stands the place of the next: none.
    struct.pack_into("<I", content, 10 + 12 * entries, 0)
    assert "first of 3 pages" in read_bytes(bytes(content)).notes[0]
    for frame in range(3):
        raster = read_bytes(bytes(content), frame=frame)
        np.testing.assert_array_equal(raster.pixels[..., 0], photo[..., frame])


def test_premultiplied_alpha_is_kept_and_noted(photo, read_bytes):
    pixels = np.dstack([photo // 2, photo[..., 0]])
    raster = read_bytes(save_tiff(pixels, photometric="rgb", extrasamples=["assocalpha"]))
    np.testing.assert_array_equal(raster.pixels, pixels)
    assert "premultiplied" in raster.notes[0]
    plain = read_bytes(save_tiff(pixels, photometric="rgb", extrasamples=["unassalpha"]))
    assert plain.notes == ()


@pytest.mark.parametrize(
    ("pixels", "keyword"),
    [
        (np.zeros((4, 4), np.complex64), "complex64"),
        (np.zeros((4, 4), np.int64), "int64"),
        (np.zeros((4, 4, 6), np.uint8), "6 channels"),
    ],
)
def test_kinds_without_a_place_are_rejected(pixels, keyword, read_bytes):
    options = {"planarconfig": "contig"} if pixels.ndim == 3 else {}
    with pytest.raises(ValueError, match=keyword):
        read_bytes(save_tiff(pixels, photometric="minisblack", **options))


def test_cut_strips_are_filled_with_zeros(photo, read_bytes):
    for options in ({}, {"compression": "zlib"}, {"tile": (16, 16)}):
        strips = options if "tile" in options else {"rowsperstrip": 6, **options}
        content = save_tiff(photo, photometric="rgb", **strips)
        cut = content[: len(content) * 2 // 3]
        with pytest.raises(ValueError, match=r"strips or tiles are there.*truncated=pad"):
            read_bytes(cut)
        raster = read_bytes(cut, truncated="pad")
        np.testing.assert_array_equal(raster.pixels[:16], photo[:16])
        assert not raster.pixels[-1].any()


def test_a_bomb_inside_a_strip_is_rejected(photo, read_bytes):
    content = bytearray(save_pillow(photo, "TIFF", compression="jpeg"))
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = struct.pack(">HH", 65000, 65000)
    for truncated in ("reject", "pad"):
        with pytest.raises(ValueError, match=r"4,225,000,000 pixels|beyond padding"):
            read_bytes(bytes(content), truncated=truncated)
