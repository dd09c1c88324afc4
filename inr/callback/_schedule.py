"""When to look at a run: often at first, then ever more rarely."""

import math


def is_log_spaced(step: int, per_decade: int) -> bool:
    """Whether a step is 0 or the whole number next to a power of ``10^(1/per_decade)``."""
    if step < 1:
        return step == 0
    exponent = round(math.log10(step) * per_decade)
    return any(round(10 ** (e / per_decade)) == step for e in (exponent - 1, exponent, exponent + 1))
