"""PNG of every colour type and depth, against a reader of its own written from the standard."""

from __future__ import annotations

import struct

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from tests.raster.conftest import make_chunk, make_png, save_pillow

SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
KINDS = [(0, d) for d in (1, 2, 4, 8, 16)] + [(3, d) for d in (1, 2, 4, 8)]
KINDS += [(color, depth) for color in (2, 4, 6) for depth in (8, 16)]


def draw_samples(color: int, depth: int, height: int = 5, width: int = 11) -> np.ndarray:
    """Random samples of every value a depth allows."""
    random = np.random.default_rng(depth * 10 + color)
    return random.integers(0, 2**depth, (height, width, SAMPLES[color]))


def pack_rows(samples: np.ndarray, depth: int) -> bytes:
    """Filter (with none) and pack rows of samples."""
    rows = samples.reshape(len(samples), -1)
    bits = (rows[..., None] >> np.arange(depth)[::-1]) & 1
    packed = np.packbits(bits.reshape(len(rows), -1).astype(np.uint8), axis=1)
    return b"".join(b"\0" + row.tobytes() for row in packed)


@pytest.mark.parametrize(("color", "depth"), KINDS)
@pytest.mark.parametrize("keyed", [False, True])
def test_every_kind_is_read_at_its_depth(color, depth, keyed, read_bytes):
    samples = draw_samples(color, depth)
    height, width, _ = samples.shape
    extra, top = [], 2**depth - 1
    palette = np.random.default_rng(1).integers(0, 256, (2**depth if depth < 16 else 0, 3))
    if color == 3:
        extra.append(make_chunk(b"PLTE", palette.astype(np.uint8).tobytes()))
    if keyed and color in (4, 6):
        pytest.skip("these have alpha of their own")
    if keyed:
        key = samples[2, 3]
        extra.append(
            make_chunk(b"tRNS", bytes([7]) if color == 3 else struct.pack(f">{len(key)}H", *key))
        )
    raster = read_bytes(make_png(width, height, depth, color, pack_rows(samples, depth), *extra))

    if color == 3:
        expected = palette[samples[..., 0]]
        alpha = np.where(samples[..., :1] == 0, 7, 255)
    elif depth == 1 and not keyed:
        expected, alpha = samples, None
    else:
        scale = 255 // top if depth < 8 else 1
        expected = samples * scale
        alpha = np.where((samples == samples[2, 3]).all(-1, keepdims=True), 0, max(top, 255))
    if keyed:
        expected = np.concatenate([expected, alpha], axis=-1)
    np.testing.assert_array_equal(raster.pixels, expected)
    assert raster.pixels.dtype == (np.uint16 if depth == 16 else np.uint8)
    assert raster.bits == (
        16 if depth == 16 else 1 if (color, depth, keyed) == (0, 1, False) else 8
    )
    assert (raster.low, raster.high) == (0, 2**raster.bits - 1)


@pytest.mark.parametrize("shape", [(9, 5), (1, 1), (3, 8, 3), (40, 33, 4)])
def test_interlaced_png_is_read_and_padded(shape, read_bytes):
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    image = imagecodecs.png_encode(pixels.astype(np.uint16))
    assert read_bytes(image).pixels.dtype == np.uint16
    # Interlacing by hand: the passes, each with its own rows.
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2)]
    passes.append((0, 1, 1, 2))
    parts = [pixels[y::dy, x::dx] for x, y, dx, dy in passes]
    rows = b"".join(b"\0" + row.tobytes() for part in parts if part.size for row in part)
    color = {2: 0, 3: {3: 2, 4: 6}.get(shape[-1])}[len(shape)]
    plain = make_png(shape[1], shape[0], 8, color, rows)
    header = struct.pack(">IIBBBBB", shape[1], shape[0], 8, color, 0, 0, 1)
    content = plain[:8] + make_chunk(b"IHDR", header) + plain[33:]
    np.testing.assert_array_equal(read_bytes(content).pixels.squeeze(), pixels.squeeze())
    if len(rows) > 100:
        cut = read_bytes(content[: len(content) // 2], truncated="pad")
        assert cut.pixels.shape == shape


def test_cut_png_keeps_the_rows_that_are_there(photo, read_bytes):
    for pixels in (photo, photo.astype(np.uint16) * 257):
        content = imagecodecs.png_encode(pixels)
        half = content[: len(content) // 2]
        with pytest.raises(ValueError, match=r"bytes of pixel data.*truncated=pad"):
            read_bytes(half)
        raster = read_bytes(half, truncated="pad")
        same = (raster.pixels == pixels).all(axis=(1, 2))
        assert 10 < same.sum() < 40 and same[:10].all()
        assert not raster.pixels[-1].any()
        assert any("filled with zeros" in note for note in raster.notes)


def test_animated_png_frames(photo, read_bytes):
    others = [Image.fromarray(255 - photo)]
    content = save_pillow(photo, "PNG", save_all=True, append_images=others)
    first = read_bytes(content)
    np.testing.assert_array_equal(first.pixels, photo)
    assert "first of 2 frames" in first.notes[0]
    np.testing.assert_array_equal(read_bytes(content, frame=1).pixels, 255 - photo)
    assert read_bytes(content, frame=0).notes == ()


def test_orientation_chunk_behind_the_pixels(photo, read_bytes):
    exif = Image.Exif()
    exif[0x0112] = 6
    content = save_pillow(photo, "PNG")
    behind = content[:-12] + make_chunk(b"eXIf", exif.tobytes()[6:]) + content[-12:]
    np.testing.assert_array_equal(read_bytes(behind).pixels, np.rot90(photo, -1))


def test_broken_metadata_is_a_note(photo, read_bytes):
    content = save_pillow(photo, "PNG")
    broken = content[:33] + make_chunk(b"eXIf", b"not exif at all") + content[33:]
    raster = read_bytes(broken)
    np.testing.assert_array_equal(raster.pixels, photo)
    assert any("EXIF" in note for note in raster.notes)


def test_bomb_is_rejected_by_its_header(read_bytes):
    with pytest.raises(ValueError, match=r"100,000 x 100,000.*max_pixels=10000000000"):
        read_bytes(make_png(100_000, 100_000, 8, 2, b"abc"))


def test_pixels_survive_when_only_the_end_mark_is_missing(photo, read_bytes):
    content = save_pillow(photo, "PNG")
    np.testing.assert_array_equal(read_bytes(content[:-12]).pixels, photo)
