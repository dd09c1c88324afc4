"""A learning rate that decays exponentially."""

from collections.abc import Callable

from inr.argument import check_count, check_positive


def exponential(steps: int, *, final: float = 0.01) -> Callable[[int], float]:
    r"""Lowers the learning rate by the same factor at each step.

    .. math:: \eta_t / \eta = r^{t / T}

    Args:
        steps: T, the number of training steps.
        final: r, the factor at the end.

    Raises:
        ValueError: ``steps`` is less than 1, or ``final`` is not positive.
    """
    check_count("steps", steps)
    check_positive("final", final)
    return lambda step: final ** (step / steps)
