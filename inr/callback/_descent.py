"""The parts of a training step, and checks for probes whose theory is gradient descent."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch.optim import SGD, Optimizer

from inr.sampler import Sampler
from inr.signal import LatticeSignal, Signal


class Steps(NamedTuple):
    """The parts of the steps of a run.

    Attributes:
        optimizer: Optimizer before the first step.
        sampler: Sampler of the batches.
        loss: ``(field, batch) -> scalar``.
        signal: Signal that is fitted.
        gradient_clip_val: Largest norm of the gradient, if there is one.
        precision: Precision of Lightning's trainer.
    """

    optimizer: Optimizer
    sampler: Sampler
    loss: Callable[..., Any]
    signal: Signal
    gradient_clip_val: float | None
    precision: str


def require_lattice(callback: str, signal: Signal) -> LatticeSignal:
    """Rejects signals that are not known on a lattice.

    Args:
        callback: Name of the callback.
        signal: Signal of the run.

    Raises:
        ValueError: The signal is not on a lattice.
    """
    if not isinstance(signal, LatticeSignal):
        raise ValueError(
            f"{callback} follows all training points, and this signal draws them anew; expected "
            "one on a lattice, such as an image."
        )
    return signal


def check_gradient_descent(callback: str, steps: Steps, rejected: Sequence[str]) -> None:
    """Rejects all but gradient descent with one learning rate.

    Args:
        callback: Name of the callback.
        steps: Steps of the run.
        rejected: Options of the optimizer that have to be off.

    Raises:
        ValueError: The optimizer is not SGD, or has one of these options.
    """
    groups = steps.optimizer.param_groups
    odd = [f"{key}={group[key]}" for group in groups for key in rejected if group.get(key)]
    if len({group["lr"] for group in groups}) > 1:
        odd.append("several learning rates")
    if type(steps.optimizer) is not SGD or odd:
        found = " with ".join([type(steps.optimizer).__name__, *odd[:1]])
        off = " and ".join(f"{key}=0" for key in rejected)
        raise ValueError(
            f"{callback} follows gradient descent, and the optimizer is {found}; expected SGD with "
            f"{off}."
        )


def check_whole_gradients(callback: str, steps: Steps) -> None:
    """Rejects steps along anything but the gradient over all training points.

    Args:
        callback: Name of the callback.
        steps: Steps of the run.

    Raises:
        ValueError: Steps see some points, clip the gradient, or compute it in lower precision.
    """
    everything = require_lattice(callback, steps.signal).train_points(None).coords
    drawn = steps.sampler.draw(steps.signal, 0).coords
    if not torch.equal(drawn, everything):
        raise ValueError(
            f"{callback} follows gradient descent on all {len(everything)} points, and a step "
            f"draws {len(drawn)}; expected all of them at each step, with batch_size=null."
        )
    if steps.gradient_clip_val or steps.precision.endswith("mixed"):
        raise ValueError(
            f"{callback} follows whole gradients, and gradient_clip_val is "
            f"{steps.gradient_clip_val} and precision {steps.precision}; expected null and 32-true "
            "or 64-true."
        )
