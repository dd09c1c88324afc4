"""A constant learning rate."""

from collections.abc import Callable


def constant(steps: int) -> Callable[[int], float]:
    """Keeps the learning rate constant.

    Args:
        steps: T, the number of training steps. It has no effect.
    """
    return lambda step: 1.0
