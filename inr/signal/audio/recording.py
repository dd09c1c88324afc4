"""A recording in memory, and the map between its samples and normalised values."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

# libsndfile's names of the ways to store a sample as a whole number.
BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}


@dataclass(frozen=True)
class Recording:
    """The samples of a recording, or of a part of it, as its file stores them.

    Attributes:
        samples: ``(N, C)``: int8, int16 or int32 around zero (24 bits in an int32, from -2^23 to
            2^23 - 1), float32 or float64.
        rate: Samples per second.
        container: ``WAV``, ``FLAC``, ``AIFF`` and so on.
        subtype: How a sample is stored, by libsndfile's name: ``PCM_16``, ``FLOAT``, ``VORBIS``.
        notes: Warnings for the user, one line each, about choices of the reader.
    """

    samples: np.ndarray
    rate: int
    container: str
    subtype: str
    notes: tuple[str, ...] = ()

    def with_samples(self, samples: np.ndarray, *notes: str) -> Recording:
        """The same recording with other samples and further warnings."""
        return replace(self, samples=samples, notes=(*self.notes, *notes))


@dataclass(frozen=True)
class RecordingFormat:
    r"""An affine map between the values a field learns and the samples a file holds.

    Silence is the middle of ``value_range``, and full scale its ends: for b bits

    .. math:: v = \frac{l + u}{2} + \frac{u - l}{2} \frac{s}{2^{b-1}}

    Attributes:
        container: Format of the file: ``WAV``, ``FLAC`` and so on.
        subtype: How a sample is stored, by libsndfile's name.
        rate: Samples per second.
        full_scale: The sample at the upper end: 2^(b - 1) for whole numbers, 1 for floats, or the
            loudest of them where that is louder.
        value_range: Values of negative and of positive full scale.
    """

    container: str
    subtype: str
    rate: int
    full_scale: float
    value_range: tuple[float, float]

    @classmethod
    def of(cls, recording: Recording, value_range: tuple[float, float]) -> RecordingFormat:
        """The format of a recording."""
        bits = BITS.get(recording.subtype)
        if bits is None:
            loudest = float(np.abs(recording.samples).max(initial=0.0))
            # Slightly more, so that rounding to float32 does not leave the range.
            full_scale = 1.0 if loudest <= 1 else loudest * (1 + 1e-6)
        else:
            full_scale = 2.0 ** (bits - 1)
        return cls(recording.container, recording.subtype, recording.rate, full_scale, value_range)

    @property
    def bits(self) -> int | None:
        """Bits of a sample that is a whole number; None for floats."""
        return BITS.get(self.subtype)

    @property
    def step(self) -> float | None:
        """Distance of the values of neighbouring whole-numbered samples; None for floats."""
        return None if self.bits is None else self._slope

    @property
    def _slope(self) -> float:
        lower, upper = self.value_range
        return (upper - lower) / 2 / self.full_scale

    @property
    def dtype(self) -> np.dtype:
        """The type of samples in memory."""
        if self.bits is None:
            return np.dtype(np.float64 if self.subtype == "DOUBLE" else np.float32)
        return np.dtype({8: np.int8, 16: np.int16}.get(self.bits, np.int32))

    def normalize(self, samples: np.ndarray) -> np.ndarray:
        """Float32 values of samples, of the same shape."""
        middle = sum(self.value_range) / 2
        # In float64: 32-bit samples have more digits than float32.
        return (middle + samples.astype(np.float64) * self._slope).astype(np.float32)

    def restore(self, values: np.ndarray) -> np.ndarray:
        """Samples of values, clipped to full scale and, where they are whole numbers, rounded."""
        middle = sum(self.value_range) / 2
        samples = (values.astype(np.float64) - middle) / self._slope
        top = self.full_scale - (self.bits is not None)
        samples = np.clip(samples, -self.full_scale, top)
        return (samples if self.bits is None else np.rint(samples)).astype(self.dtype)
