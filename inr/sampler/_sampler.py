"""What every sampler is."""

from abc import ABC, abstractmethod

import numpy as np
import torch

from inr.batch import Batch
from inr.signal import Signal


class Sampler(ABC):
    """Draws training batches from a signal, on the signal's device.

    A draw is a pure function of the seed and the draw's number: there is no state to save, and a
    resumed run draws what the uninterrupted one would have.
    """

    @abstractmethod
    def draw(self, signal: Signal, number: int) -> Batch:
        """The batch of the given number, counted from 0."""


def numbered_generator(seed: int, number: int, device: torch.device) -> torch.Generator:
    """A random generator for one draw, unrelated to those of other numbers and seeds."""
    state = np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)
    return torch.Generator(device).manual_seed(int(state[0]) >> 1)
