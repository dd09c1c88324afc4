"""A learning rate that rises linearly, then falls along half a cosine."""

import math
from collections.abc import Callable

from inr.argument import check_count, check_positive


def warmup(steps: int, *, fraction: float = 0.05, final: float = 0.0) -> Callable[[int], float]:
    r"""Raises the learning rate linearly, then lowers it along half a cosine.

    .. math::
        \eta_t / \eta = \min\left(\frac{t + 1}{T_w}, 1\right)
        \left(r + (1 - r) \tfrac12 (1 + \cos \pi u)\right), \quad
        u = \max\left(\frac{t - T_w}{T - T_w}, 0\right), \quad T_w = \lceil w T \rceil

    Args:
        steps: T, the number of training steps.
        fraction: w, the share of the steps that the rise takes, from 0 to below 1.
        final: r, the factor at the end.

    Raises:
        ValueError: ``steps`` is less than 1, or ``fraction`` or ``final`` is out of range.

    References:
        Goyal et al. 2017, "Accurate, Large Minibatch SGD", section 2.2.
    """
    check_count("steps", steps)
    check_positive("final", final, zero=True)
    if not 0 <= fraction < 1:
        raise ValueError(f"fraction is {fraction}; expected 0 or more and less than 1.")
    # In floating point, 0.07 · 100 is slightly more than 7.
    rise = math.ceil(fraction * steps - 1e-9)

    def factor(step: int) -> float:
        progress = min(max((step - rise) / max(steps - rise, 1), 0), 1)
        fall = final + (1 - final) * (1 + math.cos(math.pi * progress)) / 2
        return fall * min((step + 1) / max(rise, 1), 1)

    return factor
