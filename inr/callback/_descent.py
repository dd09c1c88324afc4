"""What a step of training is made of, and rejections of those whose theory is gradient descent."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch.optim import SGD, Optimizer

from inr.sampler import Sampler
from inr.signal import LatticeSignal, Signal


class Steps(NamedTuple):
    """What the steps of a run are made of.

    Attributes:
        optimizer: As it is before the first step.
        sampler: Draws the batches.
        loss: ``(field, batch) -> scalar``.
        signal: What is fitted.
        gradient_clip_val: Largest norm of the gradient, if there is one.
        precision: Of Lightning's trainer.
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
        callback: Its name on the command line.
        signal: Of the run.

    Raises:
        ValueError: It is another one.
    """
    if not isinstance(signal, LatticeSignal):
        raise ValueError(
            f"{callback} follows all training points, and this signal draws them anew; expected "
            f"one on a lattice, such as an image, {without(callback)}"
        )
    return signal


def check_gradient_descent(callback: str, steps: Steps, rejected: Sequence[str]) -> None:
    """Rejects all but gradient descent with one learning rate.

    Args:
        callback: Its name on the command line.
        steps: Of the run.
        rejected: Options of the optimizer that have to be off.

    Raises:
        ValueError: It is another optimizer, or has one of these options.
    """
    groups = steps.optimizer.param_groups
    odd = [f"{key}={group[key]}" for group in groups for key in rejected if group.get(key)]
    if len({group["lr"] for group in groups}) > 1:
        odd.append("several learning rates")
    if type(steps.optimizer) is not SGD or odd:
        found = " with ".join([type(steps.optimizer).__name__, *odd[:1]])
        off = " ".join(["optimizer=sgd", *(f"optimizer.{key}=0" for key in rejected)])
        raise ValueError(
            f"{callback} follows gradient descent, and the optimizer is {found}; expected {off}, "
            f"{without(callback)}"
        )


def check_whole_gradients(callback: str, steps: Steps) -> None:
    """Rejects steps along anything but the gradient over all training points.

    Args:
        callback: Its name on the command line.
        steps: Of the run.

    Raises:
        ValueError: Steps see some points, clip the gradient, or compute it in lower precision.
    """
    everything = require_lattice(callback, steps.signal).train_points(None).coords
    drawn = steps.sampler.draw(steps.signal, 0).coords
    if not torch.equal(drawn, everything):
        raise ValueError(
            f"{callback} follows gradient descent on all {len(everything)} points, and a step "
            f"draws {len(drawn)}; expected sampler=lattice sampler.batch_size=null, "
            f"{without(callback)}"
        )
    if steps.gradient_clip_val or steps.precision.endswith("mixed"):
        raise ValueError(
            f"{callback} follows whole gradients, and trainer.gradient_clip_val is "
            f"{steps.gradient_clip_val} and trainer.precision {steps.precision}; expected null and "
            f"32-true or 64-true, {without(callback)}"
        )


def without(callback: str) -> str:
    """What to type to train without it."""
    return f"or callback.{callback}=null to train without it."
