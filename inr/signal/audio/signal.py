"""An audio file."""

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
from inr.signal.audio.read import is_sound, read_sound
from inr.signal.audio.sound import SoundFormat
from inr.signal.audio.write import write_sound

DEFAULT_RATE = 44_100
SUBTYPES = {"i2": "PCM_16", "i4": "PCM_32", "f4": "FLOAT", "f8": "DOUBLE"}


class AudioSignal(LatticeSignal):
    """A recording: one coordinate, time, and its channels as outputs.

    The unit interval is the part that is fitted, whatever its length.

    Args:
        path: The audio file. Its kind is told from its content. Plain WAV is read as it is, FLAC,
            Ogg, MP3, AIFF and the like with the extra ``audio``.
        start: Of the part to fit, in seconds.
        seconds: Its length; all that follows when None.
        channel: The one to fit, from 0; all when None.
        holdout: ``none``, ``alternate`` (train on even samples, test on odd ones) or a fraction of
            the samples, drawn at random: what training never sees.
        value_range: What the field sees for full scale, down and up; silence is its middle. For a
            quiet recording, a wider one makes it louder to the field.
        nonfinite: ``reject``, or ``zero`` to replace NaN and infinity.
        max_samples: Longer recordings are rejected before they are decoded; of all channels.
            Float32 tells no more than 16 million points of an axis apart.
        seed: Of the random fraction held out.

    Attributes:
        sound_format: Rate and depth, and what values mean as samples.

    Raises:
        OSError: The file cannot be read.
        ImportError: It needs an optional package.
        ValueError: It is no audio, broken, too long, or an argument is out of range.
    """

    kind = "audio"
    display = AudioDisplay()
    suffixes = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")
    sample = "sample_sound.wav"

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        return is_sound(path)

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
        form = SoundFormat("WAV", subtype, rate or DEFAULT_RATE, full_scale, (-1.0, 1.0))
        write_sound(path, samples, form)
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
        sound = read_sound(
            path,
            start=start,
            seconds=seconds,
            channel=channel,
            nonfinite=nonfinite,
            max_samples=max_samples,
        )
        for note in sound.notes:
            warnings.warn(note, stacklevel=2)
        sound_format = SoundFormat.of(sound, value_limits)
        super().__init__(
            torch.from_numpy(sound_format.normalize(sound.samples)),
            value_range=sound_format.value_range,
            name=Path(path).stem,
            holdout=holdout,
            seed=seed,
        )
        self.sound_format = sound_format
        self.step = sound_format.step
