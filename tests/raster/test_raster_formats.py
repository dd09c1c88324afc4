"""The formats besides PNG and TIFF: values, row order, range and frames."""

from __future__ import annotations

import io
import sys
from typing import Any

import imagecodecs
import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from tests.raster.conftest import make_fits, save_pillow


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("BMP", {}),
        ("TGA", {}),
        ("TGA", {"compression": "tga_rle"}),
        ("QOI", {}),
        ("WEBP", {"lossless": True}),
        ("JPEG2000", {}),
        ("ICO", {"sizes": [(64, 48)]}),
    ],
)
@pytest.mark.parametrize("alpha", [False, True])
def test_lossless_formats(form, options, alpha, photo, read_bytes):
    if alpha and form == "BMP":
        pytest.skip("Pillow does not write it")
    pixels = np.dstack([photo, 128 + photo[..., 0] // 2]) if alpha else photo
    raster = read_bytes(save_pillow(pixels, form, **options))
    np.testing.assert_array_equal(raster.pixels[..., : pixels.shape[2]], pixels)
    assert (raster.bits, raster.low, raster.high) == (8, 0, 255)
    assert raster.pixels.shape[2] == pixels.shape[2] or form == "ICO"


def test_jpeg_color_models(photo, read_bytes):
    image = Image.fromarray(photo)
    for mode, channels in (("RGB", 3), ("L", 1), ("CMYK", 3)):
        raster = read_bytes(save_pillow(image.convert(mode), "JPEG", quality=97))
        expected = np.asarray(image.convert("L"))[..., None] if mode == "L" else photo
        assert raster.pixels.shape == (48, 64, channels)
        assert np.abs(raster.pixels.astype(int) - expected).mean() < 3
        assert any("CMYK" in note for note in raster.notes) == (mode == "CMYK")


def test_gif_palette_transparency_and_frames(photo, read_bytes):
    image = Image.fromarray(photo).quantize(16)
    plain = read_bytes(save_pillow(image, "GIF"))
    np.testing.assert_array_equal(plain.pixels, np.asarray(image.convert("RGB")))
    keyed = read_bytes(save_pillow(image, "GIF", transparency=3))
    np.testing.assert_array_equal(keyed.pixels[..., 3] == 0, np.asarray(image) == 3)
    others = [Image.fromarray(255 - photo), Image.fromarray(photo[::-1])]
    content = save_pillow(photo, "GIF", save_all=True, append_images=others)
    assert "first of 3 frames" in read_bytes(content).notes[0]
    third = read_bytes(content, frame=2).pixels[..., :3]
    assert np.abs(third.astype(int) - photo[::-1]).mean() < 8
    for frame in (3, -1):
        with pytest.raises(ValueError, match=r"no frame.*expected a frame from 0 to 2"):
            read_bytes(content, frame=frame)


def test_animated_webp(photo, read_bytes):
    others = [Image.fromarray(255 - photo)]
    content = save_pillow(photo, "WEBP", lossless=True, save_all=True, append_images=others)
    np.testing.assert_array_equal(read_bytes(content).pixels, photo)
    np.testing.assert_array_equal(read_bytes(content, frame=1).pixels, 255 - photo)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(("dtype", "bits"), [("u2", 16), ("u2", 12), ("i2", 16)])
def test_deep_jpeg2000(channels, dtype, bits, read_bytes):
    low = -(2 ** (bits - 1)) if dtype == "i2" else 0
    pixels = np.random.default_rng(0).integers(low, low + 2**bits, (20, 30, channels)).astype(dtype)
    content = imagecodecs.jpeg2k_encode(pixels.squeeze(), bitspersample=bits, level=0)
    raster = read_bytes(content)
    np.testing.assert_array_equal(raster.pixels, pixels)
    assert raster.pixels.dtype == dtype and raster.bits == bits


def test_portable_maps_at_every_depth(photo, read_bytes):
    deep = (photo.astype(int) * 257).astype(">u2")
    raster = read_bytes(b"P6\n# made by hand\n64 48 65535\n" + deep.tobytes())
    np.testing.assert_array_equal(raster.pixels, deep)
    assert raster.pixels.dtype == np.uint16 and raster.bits == 16
    ten = (photo[..., 0].astype(int) * 4 + 3).astype(">u2")
    for content in (b"P5 64 48 1023\n" + ten.tobytes(), b"P2 64 48 1023\n" + write_text(ten)):
        raster = read_bytes(content)
        np.testing.assert_array_equal(raster.pixels[..., 0], ten)
        assert (raster.bits, raster.high) == (10, 1023)
    four = read_bytes(b"P5 3 1 15\n\x00\x05\x0f")
    assert four.pixels.ravel().tolist() == [0, 85, 255] and four.bits == 8
    odd = read_bytes(b"P2\n3 1\n100\n0 50 100")
    assert odd.pixels.ravel().tolist() == [0, 128, 255] and "scaled" in odd.notes[0]


def write_text(values: np.ndarray) -> bytes:
    """Decimal numbers, a few on each line."""
    return b"\n".join(b" ".join(b"%d" % v for v in row) for row in values.reshape(-1, 16))


def test_portable_bitmaps(photo, read_bytes):
    black = photo[..., 0] < 99
    packed = b"P4 64 48\n" + np.packbits(black, axis=1).tobytes()
    text = b"P1 64 48\n" + b"\n".join(bytes(48 + row) for row in black.astype(np.uint8))
    for content in (packed, text):
        raster = read_bytes(content)
        np.testing.assert_array_equal(raster.pixels[..., 0], ~black)
        assert raster.bits == 1
    narrow = read_bytes(b"P4\n3 2\n" + bytes([0b10100000, 0b01000000]))
    assert narrow.pixels[..., 0].tolist() == [[0, 1, 0], [1, 0, 1]]


def test_portable_arbitrary_map(photo, read_bytes):
    pixels = (np.dstack([photo, photo[..., 0]]).astype(int) * 11).astype(">u2")
    head = b"P7\nWIDTH 64\nHEIGHT 48\nDEPTH 4\nMAXVAL 65535\nTUPLTYPE RGB_ALPHA\nENDHDR\n"
    np.testing.assert_array_equal(read_bytes(head + pixels.tobytes()).pixels, pixels)


@pytest.mark.parametrize(("scale", "order"), [(b"-1.0", "<"), (b"1.0", ">")])
@pytest.mark.parametrize("channels", [1, 3])
def test_float_map_runs_from_the_bottom_up(scale, order, channels, read_bytes):
    pixels = np.arange(5 * 4 * channels, dtype=np.float32).reshape(5, 4, channels)
    head = (b"PF" if channels == 3 else b"Pf") + b"\n4 5\n" + scale + b"\n"
    raster = read_bytes(head + pixels[::-1].astype(order + "f4").tobytes())
    np.testing.assert_array_equal(raster.pixels, pixels)
    assert raster.pixels.dtype == np.float32


def encode_rgbe(rgb: np.ndarray) -> np.ndarray:
    """Shared-exponent bytes of (H, W, 3) radiance."""
    _, exponent = np.frexp(rgb.max(axis=-1))
    scale = np.ldexp(256.0, -exponent)[..., None]
    return np.dstack([rgb * scale, exponent + 128]).astype(np.uint8)


def encode_runs(plane: np.ndarray) -> bytes:
    """One scan line of one channel: runs of 4 or more equal bytes, literals of up to 128."""
    out, at = b"", 0
    while at < len(plane):
        run = at
        while run < len(plane) and plane[run] == plane[at] and run - at < 127:
            run += 1
        if run - at >= 4:
            out += bytes([128 + run - at, plane[at]])
            at = run
        else:
            out += bytes([1, plane[at]])
            at += 1
    return out


def decode_rgbe(rgbe: np.ndarray) -> np.ndarray:
    """Radiance of shared-exponent bytes, as Radiance's own `colr_color` without its half."""
    exponent = rgbe[..., 3:].astype(int)
    return np.where(exponent > 0, np.ldexp(rgbe[..., :3].astype(np.float32), exponent - 136), 0)


@pytest.fixture
def radiance(photo) -> tuple[np.ndarray, bytes]:
    """Radiance over many decades, and its scan lines run-length coded."""
    rgb = (photo.astype(np.float64) / 64) ** 6 + 1e-6
    rgb[:8, :20] = 3.0
    rgbe = encode_rgbe(rgb)
    lines = [
        bytes([2, 2, 0, 64]) + b"".join(encode_runs(row[:, c]) for c in range(4)) for row in rgbe
    ]
    return decode_rgbe(rgbe), b"".join(lines)


@pytest.mark.parametrize(
    ("resolution", "turn"),
    [
        (b"-Y 48 +X 64", lambda p: p),
        (b"+Y 48 +X 64", lambda p: p[::-1]),
        (b"-Y 48 -X 64", lambda p: p[:, ::-1]),
        (b"+X 48 -Y 64", lambda p: p.swapaxes(0, 1)),
    ],
)
def test_radiance(resolution, turn, radiance, read_bytes):
    pixels, body = radiance
    head = b"#?RADIANCE\n# comment\nEXPOSURE=2\nFORMAT=32-bit_rle_rgbe\n\n" + resolution + b"\n"
    raster = read_bytes(head + body)
    np.testing.assert_array_equal(raster.pixels, turn(pixels))
    assert raster.pixels.dtype == np.float32 and raster.bits is None


def test_flat_and_cut_radiance(radiance, read_bytes):
    pixels, body = radiance
    flat = bytes([128, 64, 32, 129] * 6)
    raster = read_bytes(b"#?RGBE\nFORMAT=32-bit_rle_rgbe\n\n-Y 2 +X 3\n" + flat)
    np.testing.assert_array_equal(raster.pixels, np.broadcast_to([1, 0.5, 0.25], (2, 3, 3)))
    cut = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 48 +X 64\n" + body[: len(body) // 2]
    with pytest.raises(ValueError, match=r"of 48 rows are there.*truncated=pad"):
        read_bytes(cut)
    padded = read_bytes(cut, truncated="pad").pixels
    np.testing.assert_array_equal(padded[:20], pixels[:20])
    assert not padded[-1].any()
    with pytest.raises(ValueError, match=r"max_pixels"):
        read_bytes(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 2000000000 +X 2000000000\n")


@pytest.mark.parametrize(
    ("stored", "bitpix", "cards", "dtype"),
    [
        ("u1", 8, (), "u1"),
        (">i2", 16, (), "i2"),
        (">i2", 16, ("BZERO   = 32768 / unsigned",), "u2"),
        (">i4", 32, (), "i4"),
        (">f4", -32, (), "f4"),
        (">f8", -64, (), "f8"),
        ("u1", 8, ("BSCALE  = 0.5",), "f8"),
    ],
)
def test_fits(stored, bitpix, cards, dtype, photo, read_bytes):
    grey = photo[::-1, :, 0].astype(stored)
    raster = read_bytes(make_fits(grey, bitpix, *cards))
    expected = photo[..., 0].astype(np.float64)
    if cards:
        expected = expected * 0.5 if "BSCALE" in cards[0] else expected + 32768
    np.testing.assert_array_equal(raster.pixels[..., 0], expected)
    assert raster.pixels.dtype == dtype


def test_fits_cube_has_planes(photo, read_bytes):
    content = make_fits(np.moveaxis(photo, -1, 0)[:, ::-1].copy(), 8)
    np.testing.assert_array_equal(read_bytes(content, frame=2).pixels[..., 0], photo[..., 2])
    assert "first of 3 planes" in read_bytes(content).notes[0]
    with pytest.raises(ValueError, match=r"holds 3 planes"):
        read_bytes(content, frame=3)


def save_fits(*units: Any) -> bytes:
    """Encodes header-and-data units with astropy."""
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *units]).writeto(buffer)
    return buffer.getvalue()


def test_fits_image_behind_others(photo, read_bytes):
    grey = photo[..., 0].astype(np.int16)
    table = fits.BinTableHDU.from_columns([fits.Column("a", "D", array=np.arange(1000.0))])
    line = fits.ImageHDU(np.arange(9.0))
    content = save_fits(table, line, fits.ImageHDU(grey[::-1]), fits.ImageHDU(-grey))
    np.testing.assert_array_equal(read_bytes(content).pixels[..., 0], grey)
    with pytest.raises(ValueError, match=r"no image of two or more axes; expected.*FITS"):
        read_bytes(save_fits(table, line))


@pytest.mark.parametrize("compression", ["RICE_1", "GZIP_2", "HCOMPRESS_1"])
def test_compressed_fits(compression, photo, read_bytes):
    grey = photo[..., 0].astype(np.int16)
    unit = fits.CompImageHDU(grey[::-1].copy(), compression_type=compression, tile_shape=(16, 64))
    content = save_fits(unit)
    np.testing.assert_array_equal(read_bytes(content).pixels[..., 0], grey)
    with pytest.raises(ValueError, match=r"3,072 pixels.*max_pixels=3072"):
        read_bytes(content, max_pixels=3071)
    tile = content.replace(b"ZTILE1  =                   64", b"ZTILE1  =             99999999")
    with pytest.raises(ValueError, match=r"claims 1,599,999,984 pixels in one tile"):
        read_bytes(tile)


@pytest.mark.parametrize("size", [64, 65])
def test_cut_fits(size, read_bytes):
    cube = np.arange(2 * size * size, dtype=">f4").reshape(2, size, size)
    content = make_fits(cube, -32)
    plane = size * size * 4
    cut = content[: 2880 + plane + plane // 2]
    np.testing.assert_array_equal(read_bytes(cut).pixels[..., 0], cube[0, ::-1])
    with pytest.raises(ValueError, match=f"{plane // 2:,} of {plane:,} bytes.*truncated=pad"):
        read_bytes(cut, frame=1)
    padded = read_bytes(cut, frame=1, truncated="pad").pixels[::-1, :, 0]
    there = size // 2
    np.testing.assert_array_equal(padded[:there], cube[1, :there])
    assert not padded[there + 1 :].any()
    with pytest.raises(ValueError, match="beyond padding"):
        read_bytes(content[: 2880 + plane], frame=1, truncated="pad")
    for axis in (1, 2):
        content = content.replace(
            f"NAXIS{axis}  = {size}      ".encode(), f"NAXIS{axis}  = 99999999".encode()
        )
    with pytest.raises(ValueError, match=r"max_pixels=9999999800000001"):
        read_bytes(content)


def test_fits_that_says_it_departs_from_the_standard(photo, read_bytes):
    content = make_fits(photo[::-1, :, 0], 8).replace(b"SIMPLE  = T", b"SIMPLE  = F")
    np.testing.assert_array_equal(read_bytes(content).pixels[..., 0], photo[..., 0])


def test_fits_without_its_package(read_bytes, monkeypatch):
    monkeypatch.setitem(sys.modules, "astropy.io", None)
    with pytest.raises(ImportError, match=r"astropy package.*pip install 'inr\[science\]'"):
        read_bytes(make_fits(np.zeros((2, 2), np.uint8), 8))


def write_exr(path, channels: dict[str, np.ndarray]) -> None:
    """Writes an OpenEXR file."""
    exr = pytest.importorskip("OpenEXR")
    header = {"compression": exr.ZIP_COMPRESSION, "type": exr.scanlineimage}
    with exr.File(header, channels) as file:
        file.write(str(path))


@pytest.mark.parametrize("names", ["Y", "RGB", "RGBA"])
@pytest.mark.parametrize("dtype", ["f2", "f4"])
def test_openexr(names, dtype, photo, tmp_path, read_bytes, capfd):
    values = np.dstack([photo, photo[..., 0]])[..., : len(names)].astype(dtype) / dtype_max(dtype)
    path = tmp_path / "image.exr"
    write_exr(path, {n: values[..., i].copy() for i, n in enumerate(names)})
    raster = read_bytes(path.read_bytes())
    np.testing.assert_array_equal(raster.pixels, values)
    assert raster.pixels.dtype == np.float32
    assert any("premultiplied" in note for note in raster.notes) == ("A" in names)
    with pytest.raises(ValueError, match="cut off"):
        read_bytes(path.read_bytes()[:-100])
    assert capfd.readouterr() == ("", "")


def dtype_max(dtype: str) -> float:
    """A divisor that leaves fractions, of the dtype itself."""
    return np.dtype(dtype).type(16)


def test_other_channels_are_named(photo, tmp_path, read_bytes):
    path = tmp_path / "image.exr"
    grey = photo[..., 0].astype(np.float32)
    write_exr(path, {"Y": grey, "Z": grey})
    assert "Z" in read_bytes(path.read_bytes()).notes[0]
    write_exr(path, {"U": grey, "V": grey})
    with pytest.raises(ValueError, match="channels U, V"):
        read_bytes(path.read_bytes())


def test_openexr_without_its_package(read_bytes, monkeypatch):
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    with pytest.raises(ImportError, match=r"pip install 'inr\[hdr\]'"):
        read_bytes(b"v/1\x01" + bytes(40))


def test_icon_of_several_sizes(photo, read_bytes):
    content = save_pillow(photo, "ICO", sizes=[(16, 12), (64, 48)])
    raster = read_bytes(content)
    assert raster.pixels.shape[:2] == (48, 64) and "largest of 2" in raster.notes[0]


def test_nonfinite_values(read_bytes):
    values = np.array([[1.0, np.nan, 3.0], [np.inf, -np.inf, 6.0]], np.float32)
    content = b"Pf\n3 2\n-1\n" + values[::-1].tobytes()
    with pytest.raises(ValueError, match=r"3 NaN or infinite.*nonfinite=zero"):
        read_bytes(content)
    raster = read_bytes(content, nonfinite="zero")
    assert raster.pixels[..., 0].tolist() == [[1, 0, 3], [0, 0, 6]]
    assert (raster.low, raster.high) == (0, 6) and raster.notes[0].startswith("3 NaN")
