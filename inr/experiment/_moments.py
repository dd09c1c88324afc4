"""Moments of random outputs, and how far chance alone takes them from their means."""

import math

import numpy as np


def chance_distance(covariance: np.ndarray, num_samples: int) -> float:
    r"""Relative distance of Gaussian samples' second moments from their means.

    .. math::
        \sqrt{E \|S - K\|^2} / \|K\|, \quad
        S = \frac{1}{N} \sum_r f_r f_r^\top, \quad
        E (S_{ij} - K_{ij})^2 = \frac{K_{ii} K_{jj} + K_{ij}^2}{N}

    Args:
        covariance: K, ``(n, n)``.
        num_samples: N.
    """
    variances = np.diag(covariance)
    total = np.sum(np.outer(variances, variances) + covariance**2)
    return float(np.sqrt(total / num_samples) / np.linalg.norm(covariance))


def excess_kurtosis(outputs: np.ndarray) -> tuple[float, float]:
    r"""Excess kurtosis about zero, mean over points, and its standard error over samples.

    .. math:: \frac{E f^4}{(E f^2)^2} - 3

    It is 0 for a Gaussian of mean zero; then a single point has the standard error √(24 / N).

    Args:
        outputs: ``(N, n)``; samples are independent, points of one sample need not be.
    """
    second, fourth = (outputs**2).mean(0), (outputs**4).mean(0)
    kurtosis = fourth / second**2
    # By how much each sample moves the ratio, up to a constant: the delta method.
    influence = outputs**4 / second**2 - 2 * kurtosis * outputs**2 / second
    error = influence.mean(1).std() / math.sqrt(len(outputs))
    return float(kurtosis.mean()) - 3, float(error)
