"""How uneven a spectrum is, in one number."""

import math

import torch
from torch import Tensor

# A line through fewer modes says little.
FEWEST_MODES = 8


def condition_number(values: Tensor) -> float:
    """Ratio of the largest to the smallest eigenvalue; infinity when that is not positive.

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
    r"""How many equal eigenvalues have as much weight; 0 when nothing is positive.

    .. math:: \left(\sum_i \lambda_i\right)^2 / \sum_i \lambda_i^2

    It is at most the effective rank, and heeds small eigenvalues less.

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

    The modes are spaced geometrically: of all of them, nine out of ten would be in the last decade.

    Args:
        values: ``(n,)`` eigenvalues, descending.
        floor: Those below that part of the largest are rounding. The default is for kernels in
            float64; for float32, pass 1e-6.
        num_modes: Modes to fit, at most.

    Returns:
        NaN when there are fewer than eight modes above the floor.
    """
    above = int((values > floor * values[0]).sum())
    if above < FEWEST_MODES:
        return math.nan
    modes = torch.logspace(0, math.log10(above), num_modes, dtype=torch.float64).round().unique()
    x, y = modes.log(), values[modes.long() - 1].log()
    x, y = x - x.mean(), y - y.mean()
    return -((x @ y) / (x @ x)).item()
