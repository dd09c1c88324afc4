"""Initial weights that depend on their seed alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded(*seed: int) -> Iterator[None]:
    """Seeds PyTorch's global generator, and restores its state afterwards.

    Args:
        seed: Numbers, 0 or more. Other numbers give independent draws.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
        yield
