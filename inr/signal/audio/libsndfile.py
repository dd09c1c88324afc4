"""Reading and writing FLAC, Ogg, AIFF and the rest by libsndfile, an optional package."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from inr.source_file import SourceFile

from .sound import BITS, Sound

# Above this, libsndfile does not know how many samples there are.
UNKNOWN = 2**62
# Samples of MP3 to decode before a part: its frames reach back for 23 of the shortest at most.
LEAD = 32 * 1152


def open_sound(file: SourceFile, content: Path | io.BytesIO) -> Any:
    """Opens what is of any format that libsndfile knows, a ``soundfile.SoundFile``.

    Args:
        file: The file.
        content: It, or what to decode in its place.

    Raises:
        MissingExtraError: The package is not installed.
    """
    try:
        import soundfile
    except ImportError:
        raise file.need("soundfile", "audio") from None
    return soundfile.SoundFile(content)


def read_samples(opened: Any, first: int, count: int) -> Sound:
    """Reads ``count`` samples per channel, or what there is of them."""
    bits = BITS.get(opened.subtype)
    # What the telephone's ULAW and ALAW stand for are whole numbers of 16 bits.
    if opened.subtype in ("ULAW", "ALAW"):
        bits = 16
    dtype = "float64" if opened.subtype == "DOUBLE" else "float32"
    if bits is not None:
        dtype = "int16" if bits <= 16 else "int32"
    # Frames of MP3 hold parts of later ones, for which its decoder does not look back far enough
    # where it is set to a place; after each read it is, too.
    is_mp3 = opened.format == "MP3"
    lead = min(first, LEAD) if is_mp3 else 0
    opened.seek(first - lead)
    blocks, left = [], lead + count
    # In blocks: a header may claim more than memory holds.
    while left > 0:
        block = opened.read(left if is_mp3 else min(left, 2**18), dtype=dtype, always_2d=True)
        if not len(block):
            break
        blocks.append(block)
        left -= len(block)
    samples = np.concatenate(blocks)[lead:] if blocks else np.zeros((0, opened.channels), dtype)
    # libsndfile spreads what is narrower over the whole of its numbers.
    if bits == 8:
        samples = (samples >> 8).astype(np.int8)
    elif bits == 24:
        samples = samples >> 8
    subtype = opened.subtype if bits is None or opened.subtype in BITS else "PCM_16"
    return Sound(samples, int(opened.samplerate), opened.format, subtype)


def write_flac(path: Path, samples: np.ndarray, rate: int, bits: int) -> None:
    """Writes whole numbers of 8, 16 or 24 bits.

    Raises:
        ImportError: The package is not installed.
    """
    try:
        import soundfile
    except ImportError:
        raise ImportError(
            f"{path.name} needs the soundfile package; expected it to be installed. Run pip "
            "install 'inr[audio]', or name it .wav."
        ) from None
    wide = samples.astype(np.int32) << (32 - bits)
    soundfile.write(path, wide, rate, format="FLAC", subtype=f"PCM_{'S8' if bits == 8 else bits}")
