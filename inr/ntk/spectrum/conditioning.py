"""Single numbers that say how uneven a spectrum is."""

import math

import torch
from torch import Tensor

from inr.ntk.spectrum.log_spacing import log_spaced

# A line through fewer modes is hardly determined.
FEWEST_MODES = 8


def condition_number(values: Tensor) -> float:
    """Ratio of the largest to the smallest eigenvalue; infinity when the latter is not positive.

    Args:
        values: ``(n,)`` eigenvalues, descending.
    """
    return (values[0] / values[-1]).item() if values[-1] > 0 else math.inf


def effective_rank(values: Tensor) -> float:
    r"""The exponential of the entropy of the normalised spectrum; 0 when nothing is positive.

    .. math:: \exp\left(-\sum_i p_i \log p_i\right), \quad p_i = \lambda_i / \sum_j \lambda_j

    Args:
        values: ``(n,)`` eigenvalues; those below zero count as zero.

    References:
        Roy and Vetterli 2007, "The effective rank: a measure of effective dimensionality".
    """
    positive = values.clamp(min=0)
    if not positive.any():
        return 0.0
    return math.exp(torch.special.entr(positive / positive.sum()).sum().item())


def participation_ratio(values: Tensor) -> float:
    r"""The effective number of eigenvalues by their squares; 0 when nothing is positive.

    .. math:: \left(\sum_i \lambda_i\right)^2 / \sum_i \lambda_i^2

    It is n for n equal eigenvalues. It is at most the effective rank, and depends less on small
    eigenvalues.

    Args:
        values: ``(n,)`` eigenvalues; those below zero count as zero.
    """
    positive = values.clamp(min=0)
    if not positive.any():
        return 0.0
    shares = positive / positive.sum()
    return 1 / shares.square().sum().item()


def falloff_exponent(values: Tensor, *, floor: float = 1e-12, num_modes: int = 32) -> float:
    r"""The α of a power law :math:`\lambda_i \sim i^{-\alpha}`, by least squares of logarithms.

    The fit is to modes that are spaced geometrically, since nine out of ten modes are in the last
    decade.

    Args:
        values: ``(n,)`` eigenvalues, descending.
        floor: Part of the largest eigenvalue below which others are rounding. The default is for
            kernels in float64; for float32, pass 1e-6.
        num_modes: Largest number of modes to fit.

    Returns:
        The exponent α; NaN when fewer than eight modes are above the floor.
    """
    above = int((values > floor * values[0]).sum())
    if above < FEWEST_MODES:
        return math.nan
    modes = log_spaced(above, num_modes)
    x, y = modes.double().log(), values[modes - 1].log()
    x, y = x - x.mean(), y - y.mean()
    return -((x @ y) / (x @ x)).item()
