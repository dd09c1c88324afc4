"""Base class of samplers."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch

from inr.signal import FiniteSignal, Signal


class Sampler(ABC):
    """Draws training batches from a signal, on the signal's device.

    A draw is a pure function of the seed and the draw's number. So there is no state to save, and a
    resumed run draws the same batches as one that was never interrupted.

    Attributes:
        signals: Class of the signals that the sampler can draw from.
    """

    signals: type = FiniteSignal

    def check(self, signal: Signal) -> None:
        """Rejects a signal that the sampler cannot draw from.

        Raises:
            TypeError: The signal is of another class than ``signals``.
        """
        if not isinstance(signal, self.signals):
            raise TypeError(
                f"{type(self).__name__} cannot draw from {type(signal).__name__}; expected a "
                f"{self.signals.__name__}."
            )

    @abstractmethod
    def draw(self, signal: Any, number: int) -> Any:
        """The batch with the given number, counted from 0."""


def numbered_generator(seed: int, number: int, device: torch.device) -> torch.Generator:
    """A random generator for one draw, independent of those of other numbers and seeds."""
    state = np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)
    return torch.Generator(device).manual_seed(int(state[0]) >> 1)
