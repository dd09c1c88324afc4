"""A constant learning rate."""

from collections.abc import Callable

from inr.argument import check_count


def constant(steps: int) -> Callable[[int], float]:
    """Keeps the learning rate constant.

    Args:
        steps: T, the number of training steps.

    Raises:
        ValueError: ``steps`` is less than 1.
    """
    check_count("steps", steps)
    return lambda step: 1.0
