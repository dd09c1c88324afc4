"""What a kernel's eigenvalues say."""

import math

import torch
from torch import Tensor


def eigenvalues(kernel: Tensor) -> Tensor:
    """All eigenvalues of a symmetric kernel, descending, in float64.

    Rounding can leave those that should be zero slightly negative; they are returned so.

    Args:
        kernel: ``(n, n)``; its symmetric part is used.

    Shape:
        ``(n,)``
    """
    matrix = kernel.double()
    return torch.linalg.eigvalsh((matrix + matrix.mT) / 2).flip(0)


def effective_rank(values: Tensor) -> float:
    r"""The exponential of the entropy of the normalised spectrum.

    .. math:: \exp\left(-\sum_i p_i \log p_i\right), \quad p_i = \lambda_i / \sum_j \lambda_j

    Args:
        values: ``(n,)`` eigenvalues; those below zero count as zero.

    References:
        Roy and Vetterli 2007, "The effective rank: a measure of effective dimensionality".
    """
    shares = values.clamp(min=0) / values.clamp(min=0).sum()
    return math.exp(torch.special.entr(shares).sum().item())


def condition_number(values: Tensor) -> float:
    """Ratio of the largest to the smallest eigenvalue; infinity when that is not positive.

    Args:
        values: ``(n,)`` eigenvalues, descending.
    """
    return (values[0] / values[-1]).item() if values[-1] > 0 else math.inf
