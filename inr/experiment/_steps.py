"""Log-spaced steps of a training."""

import math

from inr.ntk import log_spaced


def log_spaced_steps(last: int, *, per_decade: int = 30) -> list[int]:
    """0, and whole numbers up to ``last`` that grow by a constant factor.

    Example:
        >>> log_spaced_steps(100, per_decade=3)
        [0, 1, 2, 5, 10, 22, 46, 100]
    """
    count = math.ceil(per_decade * math.log10(last)) + 1
    return [0, *log_spaced(last, count).tolist()]
