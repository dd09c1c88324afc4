"""The affine map between normalised values and stored pixels."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class PixelFormat:
    """An affine map between the values a field learns and the pixels a file holds.

    Attributes:
        dtype: Dtype of the pixels, by numpy's name.
        bits: Significant bits of an integer pixel; None for floats.
        low: The pixel at the lower end of ``value_range``.
        high: The pixel at its upper end.
        value_range: What the pixels from ``low`` to ``high`` are to the field.
    """

    dtype: str
    bits: int | None
    low: float
    high: float
    value_range: tuple[float, float]

    @property
    def step(self) -> float | None:
        """Distance of the values of neighbouring whole-numbered pixels; None for floats."""
        lower, upper = self.value_range
        return None if self.bits is None else (upper - lower) / (self.high - self.low)

    def normalize(self, pixels: np.ndarray) -> np.ndarray:
        """Float32 values of pixels, of the same shape."""
        lower, upper = self.value_range
        scale = (upper - lower) / (self.high - self.low)
        # In float64: 32-bit pixels have more digits than float32.
        return (lower + (pixels.astype(np.float64) - self.low) * scale).astype(np.float32)

    def restore(self, values: np.ndarray) -> np.ndarray:
        """Pixels of values, clipped to the range and, if whole numbers, rounded."""
        lower, upper = self.value_range
        scale = (self.high - self.low) / (upper - lower)
        pixels = self.low + (values.astype(np.float64) - lower) * scale
        pixels = np.clip(pixels, self.low, self.high)
        return (pixels if self.bits is None else np.rint(pixels)).astype(self.dtype)

    def as_displayable(self) -> "PixelFormat":
        """The nearest format that every viewer shows over its whole range: 8 or 16 bits."""
        if self.bits in (1, 8) or self.bits is None:
            return replace(self, dtype="uint8", bits=8, low=0.0, high=255.0)
        return replace(self, dtype="uint16", bits=16, low=0.0, high=65535.0)
