"""Log-spaced steps of a training."""

import numpy as np


def log_spaced_steps(last: int, *, per_decade: int = 30) -> list[int]:
    """0, and whole numbers up to ``last`` that grow by a constant factor.

    Example:
        >>> log_spaced_steps(100, per_decade=3)
        [0, 1, 2, 5, 10, 22, 46, 100]
    """
    count = int(np.ceil(per_decade * np.log10(last))) + 1
    return [0, *np.unique(np.geomspace(1, last, count).round().astype(int)).tolist()]
