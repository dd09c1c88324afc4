"""Log-spaced whole numbers, such as modes or steps."""

import math

import torch
from torch import Tensor


def log_spaced(last: int, count: int) -> Tensor:
    """Whole numbers from 1 to ``last`` that grow by a nearly constant factor.

    Args:
        last: Last number, 1 or more.
        count: Number of numbers before rounding to whole numbers, which drops duplicates.

    Shape:
        ``(m,)`` with m up to ``count``, in int64 on the CPU.

    Example:
        >>> log_spaced(100, 7)
        tensor([  1,   2,   5,  10,  22,  46, 100])
    """
    numbers = torch.logspace(0, math.log10(last), count, dtype=torch.float64)
    return numbers.round().long().unique()
