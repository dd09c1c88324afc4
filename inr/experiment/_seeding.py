"""Initial weights that depend on nothing but their seed."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded(*seed: int) -> Iterator[None]:
    """PyTorch's global generator starts from numbers, and is afterwards what it was before.

    Args:
        seed: Numbers 0 or more; as many others give independent draws.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(np.random.SeedSequence(seed).generate_state(1)[0]))
        yield
