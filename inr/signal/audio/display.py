"""The display of recordings."""

import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor, nn

from inr.field.file import FieldDescription
from inr.field.rendering import render_slabs
from inr.lattice import Region
from inr.metric import snr
from inr.progress import with_bar
from inr.signal._display import Metric
from inr.signal._lattice_display import LatticeDisplay
from inr.signal._lattice_signal import LatticeSignal
from inr.signal._preview import PicturePreview, Preview, SoundPreview
from inr.signal._units import Edge, Units
from inr.signal.audio.recording import RecordingFormat
from inr.signal.audio.spectrogram import draw_spectrograms
from inr.signal.audio.write import native_recording_suffix, write_recording

if TYPE_CHECKING:
    from inr.signal.audio.signal import AudioSignal

# Samples per channel of a preview before the end of a run: some seconds.
MOST_HEARD = 2**19
# Samples per second.
MOST_FLAC_RATE = 655_350


class AudioDisplay(LatticeDisplay):
    """The signal-to-noise ratio, spectrograms, and sounds to listen to."""

    metrics = (Metric("snr", "SNR", "{:.2f} dB"), *LatticeDisplay.metrics)
    suffixes = (".wav", ".flac")

    def format_of(self, signal: "AudioSignal") -> dict[str, Any]:
        return asdict(signal.recording_format)

    def units(self, description: FieldDescription) -> Units:
        form = _form(description)
        lower, upper = form.value_range
        (count,) = description.lattice
        edges = [Edge(count / form.rate, "second")]
        factor = 2 * form.full_scale / (upper - lower)
        return Units("sample values", factor, edges, -factor * (lower + upper) / 2)

    def restore(self, values: np.ndarray, description: FieldDescription) -> np.ndarray:
        return _form(description).restore(values)

    def measure(
        self,
        field: nn.Module,
        signal: LatticeSignal,
        rendering: Tensor,
        *,
        thorough: bool = False,
    ) -> dict[str, float]:
        """The metrics of every lattice, and ``snr`` (dB)."""
        metrics = super().measure(field, signal, rendering, thorough=thorough)
        middle = sum(signal.value_range) / 2
        values = rendering.clamp(*signal.value_range)
        return {**metrics, "snr": snr(values - middle, signal.values - middle)}

    def show(
        self,
        field: nn.Module,
        signal: "AudioSignal",
        rendering: Tensor,
        *,
        error_scale: float,
        max_pixels: int,
        thorough: bool = False,
    ) -> list[Preview]:
        """Spectrograms of target and reconstruction, and both to listen to.

        Before the end of a run, only the beginning of a long recording can be heard.
        """
        form = signal.recording_format
        samples = [
            (form.restore(values.float().cpu().numpy()) / form.full_scale).astype(np.float32)
            for values in (signal.values, rendering)
        ]
        heard = zip(("target", "reconstruction"), samples, strict=True)
        length = len(samples[0]) if thorough else MOST_HEARD
        return [
            PicturePreview("spectrogram: target | reconstruction", draw_spectrograms(*samples)),
            *(SoundPreview(title, sound[:length], form.rate) for title, sound in heard),
        ]

    def native_suffix(self, description: FieldDescription) -> str:
        return native_recording_suffix(_form(description))

    def write(
        self,
        path: str | os.PathLike[str],
        field: nn.Module,
        description: FieldDescription,
        *,
        size: tuple[int, ...] | None = None,
        region: Region | None = None,
        progress: bool = False,
    ) -> None:
        """Writes samples at the depth of the recording.

        With another ``size`` or a ``region``, the sample rate changes so that the sound lasts as
        long as that part of the recording.
        """
        path = Path(path)
        if path.suffix.lower() not in self.suffixes:
            # Checked before everything is rendered.
            raise ValueError(
                f"{path.name} has the suffix {path.suffix!r}; expected "
                f"{' or '.join(self.suffixes)}. Name it {path.stem}.wav."
            )
        form, shape = _form(description), size or description.lattice
        ((lower,), (upper,)) = region or ((0.0,), (1.0,))
        rate = max(1, round(form.rate * shape[0] / (description.lattice[0] * (upper - lower))))
        if path.suffix.lower() == ".flac" and rate > MOST_FLAC_RATE:
            raise ValueError(
                f"{path.name} cannot hold {rate:,} samples per second; expected at most "
                f"{MOST_FLAC_RATE:,}. Name it {path.stem}.wav."
            )
        slabs = with_bar(render_slabs(field, shape, region=region), shape[0], shown=progress)
        samples = np.concatenate([form.restore(slab) for slab in slabs])
        write_recording(path, samples, replace(form, rate=rate))


def _form(description: FieldDescription) -> RecordingFormat:
    known = description.format
    return RecordingFormat(**{**known, "value_range": tuple(known["value_range"])})
