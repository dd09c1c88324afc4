"""A netpbm reader of our own: Pillow cuts 16-bit colour and reads no PAM (`test_pillow_loses`)."""

from __future__ import annotations

import re
from math import prod

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
    """Decode a PBM, PGM, PPM, PAM or PFM file; of several images in one file the first."""
    data = source.path.read_bytes()
    kind = data[1:2]
    header = {b"1": BITMAP, b"4": BITMAP, b"7": PAM, b"f": FLOATMAP, b"F": FLOATMAP}
    found = header.get(kind, GRAYMAP).match(data)
    if not found:
        raise source.broken(" without a width and a height")
    if kind == b"7":
        fields = dict(re.findall(rb"^(\w+)\s+(\S+)", found[1], re.MULTILINE))
        keys = (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL")
        width, height, channels, top = (int(fields[key]) for key in keys)
    else:
        width, height = int(found[1]), int(found[2])
        channels = 3 if kind in b"36F" else 1
        top = int(found[3]) if kind in b"2356" else 1
    source.check_size(width, height)
    if not 1 <= top <= 65535 or not 1 <= channels <= 4:
        raise source.reject(
            f"has the greatest value {top} and {channels} channels",
            "1 to 65535 and 1 to 4",
            "Re-save it from its original.",
        )
    body = memoryview(data)[found.end() :]
    shape = (height, width, channels)
    if kind in b"fF":
        # Rows run from the bottom up, and the sign of the scale is the order of bytes.
        order = "<" if float(found[3]) < 0 else ">"
        return Decoded(
            read_binary(source, body, shape, f"{order}f4")[::-1], None, source.pick(1)[1]
        )
    if kind in b"123":
        samples = read_text(source, body, shape, is_bitmap=kind == b"1")
    elif kind == b"4":
        # Rows are padded to whole bytes.
        packed = read_binary(source, body, (height, -(-width // 8)), "u1")
        samples = np.unpackbits(packed, axis=1, count=width)[..., None]
    else:
        samples = read_binary(source, body, shape, "u1" if top < 256 else ">u2")
    if samples.min() < 0 or samples.max() > top:
        raise ValueError(f"a value lies outside 0 .. {top}")
    if kind in b"14":
        # 1 is black.
        samples = 1 - samples
    _, notes = source.pick(1)
    bits = top.bit_length()
    if top != 2**bits - 1:
        bits = 8 if top < 256 else 16
        notes += (f"values are scaled from 0 .. {top} to {bits} bits",)
        samples = (samples.astype(np.int64) * (2**bits - 1) + top // 2) // top
    return Decoded(samples.astype(np.uint8 if bits <= 8 else np.uint16), bits, notes)


def read_binary(source: Source, body: memoryview, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Read an array of raw numbers, filled up with zeros when padding."""
    size = prod(shape) * np.dtype(dtype).itemsize
    if len(body) < size and not source.pad:
        raise source.cut(f"{len(body):,} of {size:,} bytes of pixel data are there")
    return np.frombuffer(bytes(body[:size]).ljust(size, b"\0"), dtype).reshape(shape)


def read_text(
    source: Source, body: memoryview, shape: tuple[int, ...], *, is_bitmap: bool
) -> np.ndarray:
    """Read decimal numbers; those of a bitmap need no white space between them."""
    text = re.sub(rb"#[^\n]*", b"", bytes(body))
    words = re.findall(rb"[01]", text) if is_bitmap else text.split()
    if len(words) < prod(shape) and not source.pad:
        raise source.cut(f"{len(words):,} of {prod(shape):,} values are there")
    samples = np.zeros(prod(shape), np.int64)
    samples[: len(words)] = np.array(words[: prod(shape)]).astype(np.int64)
    return samples.reshape(shape)
