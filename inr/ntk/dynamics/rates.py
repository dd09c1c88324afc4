r"""Rates at which gradient descent learns the eigenvectors of a kernel.

The loss is the mean squared error over all values of n points with c outputs,
:math:`L = \frac{1}{nc} \sum r^2`. In the kernel's eigenvectors, one step with the learning rate η
takes each part of the error r to

.. math:: r_{t+1} = \left(1 - \frac{2 \eta \lambda}{nc}\right) r_t

as long as the kernel stays constant: exactly for a linear model, nearly for a wide network.
"""

import math

import torch
from torch import Tensor

from inr.argument import check_count, check_positive


def max_lr(
    lambda_max: float, num_values: int, *, beta1: float = 0.0, momentum: float = 0.0
) -> float:
    r"""The learning rate above which gradient descent diverges.

    .. math:: \eta = \frac{nc}{\lambda_{max}}, \quad
              \frac{1 + \beta_1}{1 - \beta_1} \cdot \frac{nc}{\lambda_{max}}, \quad
              (1 + \beta) \cdot \frac{nc}{\lambda_{max}}

    without momentum, with a momentum that is a moving average, and with one that is a sum. The
    result is infinity when the largest eigenvalue is not positive.

    Args:
        lambda_max: Largest eigenvalue of the kernel; for Adam, of the preconditioned kernel.
        num_values: n · c, the number of values in the mean of the loss.
        beta1: Decay of a momentum that is a moving average, :math:`m \leftarrow \beta_1 m +
            (1 - \beta_1) g`, as in Adam.
        momentum: Decay β of a momentum that is a sum, :math:`m \leftarrow \beta m + g`, as in
            ``torch.optim.SGD``.

    Raises:
        ValueError: ``beta1`` or ``momentum`` is not in [0, 1).

    References:
        Cohen et al. 2022, "Adaptive Gradient Methods at the Edge of Stability".
    """
    check_count("num_values", num_values)
    for name, decay in (("beta1", beta1), ("momentum", momentum)):
        if not 0 <= decay < 1:
            raise ValueError(f"{name} is {decay}; expected a number from 0 to below 1.")
    if lambda_max <= 0:
        return math.inf
    return (1 + momentum) * (1 + beta1) / (1 - beta1) * num_values / lambda_max


def decay_rates(eigenvalues: Tensor, lr: float, num_values: int) -> Tensor:
    r"""The part of each mode's error that one step of gradient descent takes away.

    .. math:: 2 \eta \lambda_i / (nc)

    Between 1 and 2 the error changes its sign while it falls; above 2 it grows.

    Args:
        eigenvalues: ``(m,)`` eigenvalues.
        lr: Learning rate η.
        num_values: n · c, the number of values in the mean of the loss.

    Shape:
        ``(m,)``.
    """
    return (
        2
        * check_positive("lr", lr, zero=True)
        / check_count("num_values", num_values)
        * eigenvalues
    )


def log_decays(eigenvalues: Tensor, lr: float, num_values: int) -> Tensor:
    r"""The decrease of the logarithm of each mode's error in one step of gradient descent.

    .. math:: -\log|1 - 2 \eta \lambda_i / (nc)|

    Args:
        eigenvalues: ``(m,)`` eigenvalues.
        lr: Learning rate η.
        num_values: n · c, the number of values in the mean of the loss.

    Shape:
        ``(m,)``; below zero for a mode that grows.
    """
    rates = decay_rates(eigenvalues, lr, num_values)
    # log1p keeps the digits of small rates.
    return -torch.where(rates < 1, torch.log1p(-rates), torch.log(rates - 1))


def steps_to_learn(
    eigenvalues: Tensor, lr: float, num_values: int, fraction: float = 0.99
) -> Tensor:
    r"""Steps of gradient descent until each mode has lost a fraction of its error, not rounded.

    .. math:: \frac{\log(1 - \text{fraction})}{\log|1 - 2 \eta \lambda_i / (nc)|}

    It is infinity for modes that are not learned: those whose eigenvalue is not positive, or too
    large for η.

    Args:
        eigenvalues: ``(m,)`` eigenvalues.
        lr: Learning rate η.
        num_values: n · c, the number of values in the mean of the loss.
        fraction: Fraction of the error to lose, above 0 and below 1.

    Shape:
        ``(m,)``.

    Raises:
        ValueError: The fraction is out of range.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction is {fraction}; expected a number between 0 and 1.")
    decays = log_decays(eigenvalues, lr, num_values)
    return torch.where(decays > 0, -math.log1p(-fraction) / decays, math.inf)
