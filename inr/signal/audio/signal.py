"""The signal of a recording."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from inr.argument import check_range
from inr.signal._lattice_signal import LatticeSignal
from inr.signal.audio.display import AudioDisplay
from inr.signal.audio.read import is_recording, read_recording
from inr.signal.audio.recording import RecordingFormat
from inr.signal.audio.write import write_recording

# Samples per second of an array that does not say its rate.
DEFAULT_RATE = 44_100
# libsndfile's names of the ways in which arrays store a sample.
SUBTYPES = {"i2": "PCM_16", "i4": "PCM_32", "f4": "FLOAT", "f8": "DOUBLE"}


class AudioSignal(LatticeSignal):
    """A recording: one coordinate, time, and its channels as outputs.

    The unit interval is the part that is fitted, whatever its length.

    Args:
        path: Audio file: WAV, FLAC, Ogg, MP3, AIFF and the like; its content tells which.
        start: Start of the part to fit, in seconds.
        seconds: Length of the part; None fits all that follows.
        channel: Number of the channel to fit, from 0; None fits all.
        holdout: ``none``, ``alternate`` (train on even samples, test on odd ones) or a fraction of
            the samples, drawn at random: what training never sees.
        value_range: Values of negative and of positive full scale; silence is the middle. A wider
            range makes a quiet recording louder to the field.
        nonfinite: ``reject``, or ``zero`` to replace NaN and infinity.
        max_samples: Most samples, of all channels together; longer recordings are rejected before
            they are decoded. Float32 tells no more than 16 million points of an axis apart.
        seed: Seed of the fraction held out at random.

    Attributes:
        recording_format: Rate and depth, and the samples that values stand for.

    Raises:
        OSError: The file cannot be read.
        ValueError: The file is no audio, broken or too long, or an argument is out of range.
    """

    kind = "audio"
    display = AudioDisplay()
    suffixes = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")
    sample = "sample_sound.wav"

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        return is_recording(path)

    @classmethod
    def write_array(cls, array: np.ndarray, folder: Path, rate: int | None = None) -> Path:
        """Writes ``(n,)`` or ``(n, c)`` samples, at 44.1 kHz if no rate is given."""
        samples = array[:, None] if array.ndim == 1 else array
        subtype = SUBTYPES.get(samples.dtype.str[1:])
        if subtype is None:
            raise ValueError(
                f"the array holds {array.dtype} samples; expected int16, int32, float32 or float64."
            )
        is_whole = samples.dtype.kind == "i"
        full_scale = 2.0 ** (8 * samples.dtype.itemsize - 1) if is_whole else 1.0
        path = folder / "array.wav"
        form = RecordingFormat("WAV", subtype, rate or DEFAULT_RATE, full_scale, (-1.0, 1.0))
        write_recording(path, samples, form)
        return path

    def __init__(
        self,
        *,
        path: str | os.PathLike[str],
        start: float = 0.0,
        seconds: float | None = None,
        channel: int | None = None,
        holdout: str | float = "none",
        value_range: Sequence[float] = (-1.0, 1.0),
        nonfinite: Literal["reject", "zero"] = "reject",
        max_samples: int = 16_000_000,
        seed: int = 0,
    ) -> None:
        value_limits = check_range("value_range", value_range)
        recording = read_recording(
            path,
            start=start,
            seconds=seconds,
            channel=channel,
            nonfinite=nonfinite,
            max_samples=max_samples,
        )
        for note in recording.notes:
            warnings.warn(note, stacklevel=2)
        recording_format = RecordingFormat.of(recording, value_limits)
        super().__init__(
            torch.from_numpy(recording_format.normalize(recording.samples)),
            value_range=recording_format.value_range,
            name=Path(path).stem,
            holdout=holdout,
            seed=seed,
        )
        self.recording_format = recording_format
        self.step = recording_format.step
