"""Writing recordings at the depth of what was read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from inr.atomic import replacing

from .libsndfile import write_flac
from .sound import SoundFormat
from .wav import SUBTYPES, write_wav

SUFFIXES = (".wav", ".flac")
FLAC_CHANNELS = 8


def native_sound_suffix(form: SoundFormat) -> str:
    """The suffix of a file that holds a recording at its own depth: its own, or ``.wav``."""
    return ".flac" if form.container == "FLAC" else ".wav"


def write_sound(path: str | os.PathLike[str], samples: np.ndarray, form: SoundFormat) -> None:
    """Writes samples at the rate and depth of a format, all of the file or nothing.

    WAV holds every depth; what was lossy (Ogg, MP3) becomes 32-bit floats.

    Args:
        path: Ends in ``.wav`` or ``.flac``.
        samples: ``(N, C)``, as :meth:`SoundFormat.restore` gives them.
        form: Says how to store them.

    Raises:
        ValueError: The suffix is another, or such a file cannot hold them.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(
            f"{path.name} has the suffix {path.suffix!r}; expected {' or '.join(SUFFIXES)}. "
            f"Name it {path.stem}{native_sound_suffix(form)}."
        )
    if samples.ndim != 2 or not samples.size:
        raise ValueError(
            f"{path.name} cannot hold samples of shape {samples.shape}; expected (N, C). "
            "Reshape them so."
        )
    if suffix == ".flac":
        bits = _check_flac(path, form, samples.shape[1])
        with replacing(path) as temporary:
            write_flac(temporary, samples, form.rate, bits)
        return
    with replacing(path) as temporary:
        write_wav(temporary, samples, form.rate, _wav_subtype(form))


def _check_flac(path: Path, form: SoundFormat, channels: int) -> int:
    """The bits of a sample, where FLAC can hold them."""
    bits = form.bits
    if bits is None or bits > 24 or channels > FLAC_CHANNELS:
        kind = "floats" if bits is None else f"{bits}-bit samples of {channels} channels"
        raise ValueError(
            f"{path.name} cannot hold {kind}; expected 8, 16 or 24 bits and at most "
            f"{FLAC_CHANNELS} channels. Name it {path.stem}.wav."
        )
    return bits


def _wav_subtype(form: SoundFormat) -> str:
    if form.subtype in SUBTYPES.values():
        return form.subtype
    # What other formats have, WAV calls otherwise.
    return "PCM_U8" if form.subtype == "PCM_S8" else "FLOAT"
