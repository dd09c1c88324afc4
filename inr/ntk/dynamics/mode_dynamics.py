r"""The error along each eigenvector of a kernel under gradient descent, mode by mode.

With the kernel's eigenvalue λ, the learning rate η and the loss :math:`\frac{1}{nc} \sum r^2`, a
step of gradient descent with momentum β takes an error r to

.. math:: v \leftarrow \beta v + \frac{2 \lambda}{nc} r, \qquad r \leftarrow r - \eta v

exactly for a linear model, nearly for a wide network. The loss :math:`\frac12 \sum r^2` steps like
the mean over two values.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from inr.argument import check_positive
from inr.ntk.dynamics.rates import decay_rates

Steps = float | Sequence[float] | Tensor

# Float64 has every whole number up to this one.
MOST_STEPS = 2**53


def error_factors(
    eigenvalues: Tensor,
    lr: float,
    num_values: int,
    steps: Steps,
    momentum: float = 0.0,
    *,
    flow: bool = False,
) -> Tensor:
    r"""The factor ρ by which some steps of gradient descent multiply each mode's error.

    .. math:: \rho_{t+1} = (1 + \beta - 2 \eta \lambda / (nc))\, \rho_t - \beta \rho_{t-1},
        \quad \rho_{-1} = \rho_0 = 1

    which is :math:`(1 - 2 \eta \lambda / (nc))^t` without momentum; in the limit of small steps
    :math:`\exp(-2 \eta \lambda t / (nc (1 - \beta)))`.

    Args:
        eigenvalues: ``(m,)`` eigenvalues; negative ones, which are rounded zeros, count as zero.
        lr: Learning rate η.
        num_values: n · c, the number of values in the mean of the loss; 2 for ½ Σ r².
        steps: Number of steps, or a sequence of numbers of steps; ``math.inf`` is the limit.
        momentum: β of ``torch.optim.SGD``.
        flow: Whether to follow gradient flow, with fractions of steps, instead of discrete steps.

    Shape:
        ``(T, m)`` in float64. Infinity where a mode has grown beyond the range of float64.

    Raises:
        TypeError: The steps are not numbers.
        ValueError: An argument is out of range.

    References:
        Jacot, Gabriel and Hongler 2018, "Neural Tangent Kernel", section 5; Polyak 1964, "Some
        methods of speeding up the convergence of iteration methods".
    """
    return mode_factors(eigenvalues, lr, num_values, steps, momentum, flow=flow).errors


class ModeDynamics:
    """The modes' errors, step by step, with a learning rate that may change at each step.

    Args:
        eigenvalues: ``(m,)`` eigenvalues; negative ones, which are rounded zeros, count as zero.
        errors: ``(m,)`` or ``(m, c)`` errors at the start, in the kernel's eigenvectors.
        num_values: n · c, the number of values in the mean of the loss; 2 for ½ Σ r².
        momentum: β of ``torch.optim.SGD``, whose momentum is a sum and not an average.

    Attributes:
        errors: Errors after the steps so far, in float64.
        velocity: Decrease of the errors in the last step for each unit of its learning rate; zero
            before the first step.

    Raises:
        ValueError: The numbers of errors and of eigenvalues differ, an eigenvalue is not finite, or
            an argument is out of range.

    Example:
        >>> modes = ModeDynamics(torch.tensor([1.0, 0.1]), torch.ones(2), num_values=2)
        >>> for lr in (0.5, 1.0):
        ...     modes.step(lr)
        >>> modes.errors
        tensor([0.0000, 0.8550], dtype=torch.float64)
    """

    def __init__(
        self, eigenvalues: Tensor, errors: Tensor, num_values: int, momentum: float = 0.0
    ) -> None:
        if eigenvalues.ndim != 1 or len(errors) != len(eigenvalues):
            raise ValueError(
                f"errors have shape {tuple(errors.shape)} for eigenvalues of shape "
                f"{tuple(eigenvalues.shape)}; expected one row for each eigenvalue."
            )
        self._momentum = check_momentum(momentum)
        self.errors = errors.detach().double().clone()
        slopes = decay_rates(_check_eigenvalues(eigenvalues), 1.0, num_values)
        self._slopes = slopes.to(self.errors.device).view(-1, *(1,) * (errors.ndim - 1))
        self.velocity = torch.zeros_like(self.errors)

    def step(self, lr: float) -> None:
        """Makes one step.

        Args:
            lr: Learning rate of the step, 0 or more.
        """
        check_positive("lr", lr, zero=True)
        self.velocity = self._momentum * self.velocity + self._slopes * self.errors
        self.errors = self.errors - lr * self.velocity


class ModeFactors(NamedTuple):
    """The effect of some steps on an error of 1 in each mode, in float64.

    Attributes:
        errors: ``(T, m)`` ρ, the error that is left.
        gains: ``(T, m)`` g = (1 - ρ)/λ, the coefficient of the mode in kernel regression.
    """

    errors: Tensor
    gains: Tensor


def mode_factors(
    eigenvalues: Tensor,
    lr: float,
    num_values: int,
    steps: Steps,
    momentum: float = 0.0,
    *,
    flow: bool = False,
    ridge: float = 0.0,
    floor: float = 0.0,
) -> ModeFactors:
    """The factors of :func:`error_factors`, and the gains, without a division by zero.

    Args:
        eigenvalues: ``(m,)`` eigenvalues.
        lr: Learning rate η.
        num_values: n · c, the number of values in the mean of the loss.
        steps: Number of steps, or a sequence of numbers of steps.
        momentum: β of ``torch.optim.SGD``.
        flow: Whether to follow gradient flow.
        ridge: Number added to the eigenvalues at ``steps=math.inf``.
        floor: Largest eigenvalue whose mode is not learned at ``steps=math.inf``.
    """
    check_momentum(momentum)
    check_positive("ridge", ridge, zero=True)
    values = _check_eigenvalues(eigenvalues)
    times = check_steps(steps, flow=flow).to(values.device)
    rates = decay_rates(values, lr, num_values)
    # Computed like the rates, so that both round alike.
    size = decay_rates(values.new_ones(()), lr, num_values)
    errors, gains = values.new_empty(2, len(times), len(values)).unbind()
    ends = times.isinf()
    if flow:
        ages = times[~ends, None] / (1 - momentum)
        errors[~ends], sums = _flow(rates, ages)
    else:
        errors[~ends], sums = _descend(rates, times[~ends].long(), momentum)
    gains[~ends] = size * sums
    learned = (values + ridge > floor) & (size > 0)
    errors[ends] = torch.where(learned, ridge / (values + ridge), 1.0)
    gains[ends] = torch.where(learned, 1 / (values + ridge), 0.0)
    if not flow:
        # Modes exactly at the limit of stability oscillate without end: they do not converge.
        endless = ends[:, None] & (rates >= 2 * (1 + momentum))
        errors[endless] = gains[endless] = math.inf
    return ModeFactors(errors, gains)


def check_momentum(momentum: float) -> float:
    """Returns a momentum of ``torch.optim.SGD`` that is from 0 to below 1.

    Raises:
        ValueError: The momentum is out of this range.
    """
    if not check_positive("momentum", momentum, zero=True) < 1:
        raise ValueError(f"momentum is {momentum}; expected a number from 0 to below 1.")
    return momentum


def check_steps(steps: Steps, *, flow: bool) -> Tensor:
    """Numbers of steps as ``(T,)`` in float64.

    Raises:
        TypeError: The steps are not numbers.
        ValueError: The sequence is empty, or a number of steps is negative, too large or, without
            ``flow``, not whole.
    """
    try:
        times = torch.atleast_1d(torch.as_tensor(steps, dtype=torch.float64, device="cpu"))
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(
            f"steps is {steps!r}; expected a number or a sequence of numbers."
        ) from None
    whole = flow | times.isinf() | ((times == times.round()) & (times <= MOST_STEPS))
    if times.ndim != 1 or not len(times) or not ((times >= 0) & whole).all():
        kind = "numbers, 0 or more" if flow else "whole numbers, 0 or more (fractions with flow)"
        raise ValueError(f"steps is {steps!r}; expected one or more {kind}, or math.inf.")
    return times


def _check_eigenvalues(eigenvalues: Tensor) -> Tensor:
    """Eigenvalues ``(m,)`` in float64, with negative ones set to zero.

    Raises:
        ValueError: The eigenvalues have another shape, or one is not finite.
    """
    if eigenvalues.ndim != 1 or not eigenvalues.isfinite().all():
        raise ValueError(
            f"eigenvalues have shape {tuple(eigenvalues.shape)}; expected finite numbers, (m,)."
        )
    return eigenvalues.detach().double().clamp(min=0)


def _flow(rates: Tensor, ages: Tensor) -> tuple[Tensor, Tensor]:
    """exp(-xt), and (1 - exp(-xt))/x with its limit t, for rates x and ages ``(T, 1)``."""
    exponents = rates * ages
    shares = torch.where(exponents > 0, -torch.expm1(-exponents) / exponents, 1.0)
    return torch.exp(-exponents), ages * shares


def _descend(rates: Tensor, steps: Tensor, momentum: float) -> tuple[Tensor, Tensor]:
    r"""ρ and s = (1 - ρ)/x of rates x after whole numbers of steps ``(T,)``.

    A step takes (ρ, w), with the velocity xw, to w' = βw + ρ and ρ' = ρ - xw'. Hence t steps are
    :math:`M^t = I + D S_t`, with :math:`D = \mathrm{diag}(-x, 1)` and

    .. math:: S_1 = \begin{pmatrix} 1 & \beta \\ 1 & \beta - 1 \end{pmatrix}, \quad
        S_{s+t} = S_s M^t + S_t

    This subtracts nothing from 1 and divides by nothing. With repeated squaring, rounding grows
    like log t, also where x is 0. Matrices are ``(2, 2, m)``.
    """
    scales = torch.stack([-rates, torch.ones_like(rates)])[:, None]
    identity = torch.eye(2).to(rates)[:, :, None]
    first = rates.new_tensor([[1.0, momentum], [1.0, momentum - 1]])
    sums = first[:, :, None].expand(2, 2, len(rates))
    power = identity + scales * sums
    # Only the first columns of M^t and S_t are needed, since the velocity starts at zero.
    total = rates.new_zeros(2, len(steps), len(rates))
    state = (identity[:, :1] + total).contiguous()
    for bit in range(int(steps.max().item()).bit_length() if len(steps) else 0):
        taken = steps >> bit & 1 == 1
        added = _product(sums, state[:, taken]) + total[:, taken]
        state[:, taken], total[:, taken] = _product(power, state[:, taken]), added
        sums, squared = _product(sums, power) + sums, _product(power, power)
        shifted = identity + scales * sums
        # Near 1, I + D S keeps the small difference from 1 that a square rounds off; near 0, the
        # square keeps the digits that I + D S cancels.
        power = torch.where(shifted[0, 0] > 0.5, shifted, squared)
    # A mode that has grown beyond float64 gives infinity minus infinity.
    left, summed = (torch.where(t.isnan(), math.inf, t) for t in (state[0], total[0]))
    return left, summed


def _product(matrix: Tensor, columns: Tensor) -> Tensor:
    """Products of ``(2, 2, m)`` matrices with ``(2, k, m)`` columns."""
    return matrix[:, :1] * columns[0] + matrix[:, 1:] * columns[1]
