"""Reading the netpbm family: PBM, PGM, PPM, PAM and PFM, at any maximal value."""

from __future__ import annotations

import re

import numpy as np

from .source import Decoded, Source

# Fields of the header are set apart by white space and comments.
GAP = rb"(?:\s|#[^\n]*\n)+"
NUMBER = rb"(-?\d{1,12})"
BITMAP = re.compile(rb"P[14]" + (GAP + NUMBER) * 2 + rb"\s")
GRAYMAP = re.compile(rb"P[2356]" + (GAP + NUMBER) * 3 + rb"\s")
FLOATMAP = re.compile(rb"P[fF]" + (GAP + NUMBER) * 2 + GAP + rb"([-+.\deE]{1,24})\s")
PAM = re.compile(rb"P7\n(.{1,4096}?)\nENDHDR\n", re.DOTALL)


def decode(source: Source) -> Decoded:
    """Decode a netpbm file; of several images in one file the first."""
    data = source.load()
    kind = data[1:2]
    if kind in b"fF":
        return decode_floats(source, data)
    if kind == b"7":
        found = match(source, PAM, data)
        fields = dict(re.findall(rb"^(\w+)\s+(\S+)", found[1], re.MULTILINE))
        keys = (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL")
        width, height, channels, top = (int(fields[key]) for key in keys)
    elif kind in b"14":
        found = match(source, BITMAP, data)
        width, height, channels, top = int(found[1]), int(found[2]), 1, 1
    else:
        found = match(source, GRAYMAP, data)
        width, height, top = int(found[1]), int(found[2]), int(found[3])
        channels = 3 if kind in b"36" else 1
    source.check_size(width, height)
    if not 1 <= top <= 65535 or not 1 <= channels <= 4:
        raise source.reject(
            f"has the greatest value {top} and {channels} channels",
            "1 to 65535 and 1 to 4",
            "Re-save it from its original.",
        )
    body = memoryview(data)[found.end() :]
    shape = (height, width, channels)
    if kind in b"123":
        samples = read_text(source, body, shape, bitmap=kind == b"1")
    elif kind == b"4":
        # Rows are padded to whole bytes, and 1 is black.
        packed = read_binary(source, body, (height, -(-width // 8)), np.dtype(np.uint8))
        samples = np.unpackbits(packed, axis=1, count=width)[..., None]
    else:
        samples = read_binary(source, body, shape, np.dtype(np.uint8 if top < 256 else ">u2"))
    if kind in b"14":
        samples = 1 - samples
    return scale(samples, top, source.pick(1)[1])


def match(source: Source, header: re.Pattern[bytes], data: bytes) -> re.Match[bytes]:
    """Match the header of a file or reject the file."""
    found = header.match(data)
    if not found:
        raise source.reject(
            "has a broken header", "a width and a height", "Re-save it from its original."
        )
    return found


def decode_floats(source: Source, data: bytes) -> Decoded:
    """Decode PFM, whose rows run from the bottom up."""
    found = match(source, FLOATMAP, data)
    width, height, scale = int(found[1]), int(found[2]), float(found[3])
    source.check_size(width, height)
    shape = (height, width, 3 if data[1:2] == b"F" else 1)
    dtype = np.dtype("<f4" if scale < 0 else ">f4")
    pixels = read_binary(source, memoryview(data)[found.end() :], shape, dtype)
    return Decoded(pixels[::-1], None, source.pick(1)[1])


def read_binary(
    source: Source, body: memoryview, shape: tuple[int, ...], dtype: np.dtype
) -> np.ndarray:
    """Read an array of raw numbers, filled up with zeros when padding."""
    size = int(np.prod(shape)) * dtype.itemsize
    if len(body) < size and not source.pad:
        raise source.cut(f"{len(body):,} of {size:,} bytes of pixel data are there")
    there = bytes(body[:size])
    return np.frombuffer(there + bytes(size - len(there)), dtype).reshape(shape)


def read_text(
    source: Source, body: memoryview, shape: tuple[int, int, int], *, bitmap: bool
) -> np.ndarray:
    """Read decimal numbers; those of a bitmap need no white space between them."""
    text = re.sub(rb"#[^\n]*", b"", bytes(body))
    words = re.findall(rb"[01]", text) if bitmap else text.split()
    count = int(np.prod(shape))
    if len(words) < count and not source.pad:
        raise source.cut(f"{len(words):,} of {count:,} values are there")
    samples = np.zeros(count, np.int64)
    samples[: len(words)] = np.array(words[:count]).astype(np.int64)
    return samples.reshape(shape)


def scale(samples: np.ndarray, top: int, notes: tuple[str, ...]) -> Decoded:
    """Bring samples from 0 .. top to a whole number of bits."""
    if samples.min() < 0 or samples.max() > top:
        raise ValueError(f"a value lies outside 0 .. {top}")
    bits = top.bit_length()
    if top != 2**bits - 1:
        bits = 8 if top < 256 else 16
        notes += (f"values are scaled from 0 .. {top} to {bits} bits",)
        samples = (samples.astype(np.int64) * (2**bits - 1) + top // 2) // top
    return Decoded(samples.astype(np.uint8 if bits <= 8 else np.uint16), bits, notes)
