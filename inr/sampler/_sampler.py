"""What every sampler is."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch

from inr.signal import FiniteSignal, Signal


class Sampler(ABC):
    """Draws training batches from a signal, on the signal's device.

    A draw is a pure function of the seed and the draw's number: there is no state to save, and a
    resumed run draws what the uninterrupted one would have.

    Attributes:
        signals: What it can draw from.
    """

    signals: type = FiniteSignal

    def check(self, signal: Signal) -> None:
        """Rejects signals that it cannot draw from.

        Raises:
            TypeError: It is one of them.
        """
        if not isinstance(signal, self.signals):
            raise TypeError(
                f"{type(self).__name__} cannot draw from {type(signal).__name__}; expected the "
                "sampler that signal=KIND brings along. Leave sampler= out."
            )

    @abstractmethod
    def draw(self, signal: Any, number: int) -> Any:
        """The batch of the given number, counted from 0."""


def numbered_generator(seed: int, number: int, device: torch.device) -> torch.Generator:
    """A random generator for one draw, unrelated to those of other numbers and seeds."""
    state = np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)
    return torch.Generator(device).manual_seed(int(state[0]) >> 1)
