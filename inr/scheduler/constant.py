"""No schedule."""

from collections.abc import Callable


def constant(steps: int) -> Callable[[int], float]:
    """Keeps the learning rate."""
    return lambda step: 1.0
