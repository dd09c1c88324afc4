"""Writing recordings at the depth that they were read with."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from inr.atomic import replacing

from .recording import RecordingFormat

SUFFIXES = (".wav", ".flac")
FLAC_CHANNELS = 8
# WAV has lengths of 32 bits.
MOST_WAV_BYTES = 2**32 - 2**16


def native_recording_suffix(form: RecordingFormat) -> str:
    """The suffix of a file that holds a recording at its own depth: its own, or ``.wav``."""
    return ".flac" if form.container == "FLAC" else ".wav"


def write_recording(
    path: str | os.PathLike[str], samples: np.ndarray, form: RecordingFormat
) -> None:
    """Writes samples at the rate and depth of a format, all of the file or nothing.

    WAV holds every depth; samples of a lossy format (Ogg, MP3) become 32-bit floats.

    Args:
        path: Ends in ``.wav`` or ``.flac``.
        samples: ``(N, C)``, as :meth:`RecordingFormat.restore` gives them.
        form: Rate and depth.

    Raises:
        ValueError: The suffix is unknown, or such a file cannot hold the samples.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(
            f"{path.name} has the suffix {path.suffix!r}; expected {' or '.join(SUFFIXES)}. "
            f"Name it {path.stem}{native_recording_suffix(form)}."
        )
    if samples.ndim != 2 or not samples.size:
        raise ValueError(
            f"{path.name} cannot hold samples of shape {samples.shape}; expected (N, C). "
            "Reshape them so."
        )
    if suffix == ".flac":
        _check_flac(path, form, samples.shape[1])
    elif samples.size * (form.bits or 8 * form.dtype.itemsize) // 8 > MOST_WAV_BYTES:
        raise ValueError(
            f"{path.name} cannot hold {samples.size:,} samples; expected less than 4 GiB. "
            f"Name it {path.stem}.flac, or write a part."
        )
    with replacing(path) as temporary:
        _write(temporary, suffix[1:].upper(), samples, form)


def _check_flac(path: Path, form: RecordingFormat, channels: int) -> None:
    if form.bits is None or form.bits > 24 or channels > FLAC_CHANNELS:
        kind = "floats" if form.bits is None else f"{form.bits}-bit samples of {channels} channels"
        raise ValueError(
            f"{path.name} cannot hold {kind}; expected 8, 16 or 24 bits and at most "
            f"{FLAC_CHANNELS} channels. Name it {path.stem}.wav."
        )


def _write(path: Path, container: str, samples: np.ndarray, form: RecordingFormat) -> None:
    if form.bits is None:
        import scipy.io.wavfile

        # libsndfile would write the time of day into a file of floats.
        scipy.io.wavfile.write(path, form.rate, samples.astype(form.dtype))
        return
    import soundfile

    narrow = {"WAV": "PCM_U8", "FLAC": "PCM_S8"}[container]
    subtype = narrow if form.bits == 8 else f"PCM_{form.bits}"
    wide = samples.astype(np.int32) << (32 - form.bits)
    soundfile.write(path, wide, form.rate, format=container, subtype=subtype)
