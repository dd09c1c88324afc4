"""Exponential decay."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from inr.argument import check_count, check_positive


def exponential(optimizer: Optimizer, steps: int, *, final: float = 0.01) -> LambdaLR:
    r"""Lowers the learning rate by the same factor at each step.

    .. math:: \eta_t / \eta = r^{t / T}

    Args:
        optimizer: Its learning rates are multiplied.
        steps: T, the number of training steps.
        final: r, the factor at the end.
    """
    check_count("trainer.max_steps with scheduler=exponential", steps)
    check_positive("final", final)
    return LambdaLR(optimizer, lambda step: final ** (step / steps))
