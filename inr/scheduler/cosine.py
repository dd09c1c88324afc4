"""A learning rate that falls along half a cosine."""

import math
from collections.abc import Callable

from inr.argument import check_count, check_positive


def cosine(steps: int, *, final: float = 0.0) -> Callable[[int], float]:
    r"""Lowers the learning rate along half a cosine.

    .. math:: \eta_t / \eta = r + (1 - r) \tfrac12 (1 + \cos \pi t / T)

    Args:
        steps: T, the number of training steps.
        final: r, the factor at the end.

    Raises:
        ValueError: ``steps`` is less than 1, or ``final`` is negative.

    References:
        Loshchilov and Hutter 2017, "SGDR", eq. 5.
    """
    check_count("steps", steps)
    check_positive("final", final, zero=True)
    return lambda step: final + (1 - final) * (1 + math.cos(math.pi * min(step / steps, 1))) / 2
