"""Reading and writing WAV: whole numbers of 8 to 32 bits and floats, without any package."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

PCM, FLOAT, EXTENSIBLE = 0x0001, 0x0003, 0xFFFE
# Behind the two bytes that say PCM or float, the rest of an extensible format's name.
GUID_TAIL = bytes.fromhex("0000000010008000" + "00aa00389b71")
SUBTYPES = {
    (PCM, 8): "PCM_U8",
    (PCM, 16): "PCM_16",
    (PCM, 24): "PCM_24",
    (PCM, 32): "PCM_32",
    (FLOAT, 32): "FLOAT",
    (FLOAT, 64): "DOUBLE",
}
# A chunk of this length has no known end: its writer could not go back, or the file is RF64.
UNKNOWN = 0xFFFFFFFF
LARGEST = 2**32 - 2**16
# Samples per second: bytes per second have to be a number of 32 bits.
MOST_RATE = 2**24


class WavLayout(NamedTuple):
    """Where and how a WAV file holds its samples.

    Attributes:
        subtype: By libsndfile's name; None for those that only libsndfile decodes.
        channels: C.
        rate: Samples per second.
        offset: Of the first sample, in bytes.
        announced: Samples per channel that the header claims; None where it does not know.
        there: Those that the file holds.
        order: ``<`` or ``>``.
    """

    subtype: str | None
    channels: int
    rate: int
    offset: int
    announced: int | None
    there: int
    order: str


def read_layout(path: Path) -> WavLayout:
    """Reads the header of a RIFF, RIFX or RF64 file.

    Raises:
        ValueError: It has none that makes sense.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        order = ">" if file.read(12)[:4] == b"RIFX" else "<"
        form: tuple[str | None, int, int, int] | None = None
        long_size = None
        for name, start, length in _chunks(file, order, size):
            if name == b"ds64":
                (long_size,) = struct.unpack_from("<8xQ", file.read(16))
            elif name == b"fmt ":
                form = _read_form(file.read(min(length, 64)), order)
            elif name == b"data":
                if form is None:
                    raise ValueError("its samples come before their format")
                subtype, channels, rate, width = form
                known = long_size if length == UNKNOWN and long_size else length
                # Programs that write to a pipe leave 0 or the largest number.
                is_known = known not in (0, UNKNOWN) or (known == 0 and start >= size)
                there = size - start if not is_known else min(known, size - start)
                announced = known // width if is_known else None
                return WavLayout(subtype, channels, rate, start, announced, there // width, order)
    raise ValueError("it has no samples: no data chunk")


def _chunks(file: BinaryIO, order: str, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and length of each chunk; the file stands at its start."""
    place = 12
    while place + 8 <= size:
        file.seek(place)
        name, length = struct.unpack(order + "4sI", file.read(8))
        yield name, place + 8, length
        place += 8 + length + length % 2


def _read_form(data: bytes, order: str) -> tuple[str | None, int, int, int]:
    """Subtype, channels, rate and bytes of one sample of all channels."""
    tag, channels, rate, _, width, bits = struct.unpack_from(order + "HHIIHH", data)
    if tag == EXTENSIBLE and len(data) >= 40 and data[26:40] == GUID_TAIL:
        (tag,) = struct.unpack_from(order + "H", data, 24)
    if not channels or not 0 < rate <= MOST_RATE or not width:
        raise ValueError(f"its header claims {channels} channels at {rate} Hz")
    # Of 20 bits or so, the container counts: those that are left are zeros.
    subtype = SUBTYPES.get((tag, 8 * (width // channels)))
    if subtype is None or width % channels or bits > 8 * width // channels:
        return None, channels, rate, width
    return subtype, channels, rate, width


def read_samples(path: Path, layout: WavLayout, first: int, count: int) -> np.ndarray:
    """Reads samples that are there: ``(count, C)``, as a :class:`Sound` has them."""
    stored = {"PCM_U8": "u1", "PCM_16": "i2", "PCM_24": "u1", "PCM_32": "i4"}.get(
        layout.subtype or "", "f4" if layout.subtype == "FLOAT" else "f8"
    )
    dtype, parts = np.dtype(layout.order + stored), 3 if layout.subtype == "PCM_24" else 1
    width = dtype.itemsize * parts * layout.channels
    with path.open("rb") as file:
        file.seek(layout.offset + first * width)
        raw = np.frombuffer(file.read(count * width), dtype)
    if layout.subtype == "PCM_24":
        triples = raw.reshape(-1, 3)[:, :: -1 if layout.order == ">" else 1]
        wide = np.zeros((len(triples), 4), np.uint8)
        # In the upper three bytes, so that the shift brings the sign along.
        wide[:, 1:] = triples
        raw = wide.view("<i4")[:, 0] >> 8
    elif layout.subtype == "PCM_U8":
        raw = (raw.astype(np.int16) - 128).astype(np.int8)
    return raw.astype(raw.dtype.newbyteorder("=")).reshape(-1, layout.channels)


def write_wav(path: Path, samples: np.ndarray, rate: int, subtype: str) -> None:
    """Writes samples as a :class:`Sound` has them.

    Args:
        path: The file.
        samples: ``(N, C)``.
        rate: Samples per second.
        subtype: One of ``SUBTYPES``.

    Raises:
        ValueError: They are more than a WAV file holds.
    """
    tag, bits = next(form for form, name in SUBTYPES.items() if name == subtype)
    data = _to_bytes(samples, subtype)
    channels, width = samples.shape[1], samples.shape[1] * bits // 8
    if len(data) > LARGEST:
        raise ValueError(
            f"{path.name} of {len(data):,} bytes; expected less than 4 GiB, the most that WAV "
            f"holds. Name it {path.stem}.flac, or write a part."
        )
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * width, width, bits)
    chunks = [(b"fmt ", form)]
    if tag == FLOAT:
        # Formats other than PCM say the length of their extension and the number of samples.
        chunks = [(b"fmt ", form + b"\0\0"), (b"fact", struct.pack("<I", len(samples)))]
    head = b"".join(name + struct.pack("<I", len(body)) + body for name, body in chunks)
    padding = b"\0" * (len(data) % 2)
    length = 4 + len(head) + 8 + len(data) + len(padding)
    with path.open("wb") as file:
        file.write(b"RIFF" + struct.pack("<I", length) + b"WAVE" + head)
        file.write(b"data" + struct.pack("<I", len(data)))
        file.write(data)
        file.write(padding)


def _to_bytes(samples: np.ndarray, subtype: str) -> memoryview:
    if subtype == "PCM_U8":
        stored = (samples.astype(np.int16) + 128).astype(np.uint8)
    elif subtype == "PCM_24":
        stored = np.ascontiguousarray(samples, "<i4").view(np.uint8).reshape(-1, 4)[:, :3]
    else:
        kind = {"PCM_16": "<i2", "PCM_32": "<i4", "FLOAT": "<f4", "DOUBLE": "<f8"}[subtype]
        stored = samples.astype(kind)
    return np.ascontiguousarray(stored).reshape(-1).view(np.uint8).data
