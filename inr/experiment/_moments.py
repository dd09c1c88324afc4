"""Moments of random outputs, and their distance from the means by chance alone."""

import math

import numpy as np


def chance_distance(covariance: np.ndarray, num_samples: int) -> float:
    r"""Relative distance of Gaussian samples' second moments from their means.

    .. math::
        \sqrt{E \|S - K\|^2} / \|K\|, \quad
        S = \frac{1}{N} \sum_r f_r f_r^\top, \quad
        E (S_{ij} - K_{ij})^2 = \frac{K_{ii} K_{jj} + K_{ij}^2}{N}

    Args:
        covariance: ``(n, n)`` covariance K of a sample.
        num_samples: Number N of samples.
    """
    variances = np.diag(covariance)
    total = np.sum(np.outer(variances, variances) + covariance**2)
    return float(np.sqrt(total / num_samples) / np.linalg.norm(covariance))


def excess_kurtosis(outputs: np.ndarray) -> tuple[float, float]:
    r"""Excess kurtosis about zero, mean over points, and its standard error over samples.

    .. math:: \frac{E f^4}{(E f^2)^2} - 3

    It is 0 for a Gaussian of mean zero; then a single point has the standard error √(24 / N).

    Args:
        outputs: ``(N, n)`` outputs of independent samples; points of a sample may be dependent.
    """
    second, fourth = (outputs**2).mean(0), (outputs**4).mean(0)
    kurtosis = fourth / second**2
    # The effect of each sample on the ratio, up to a constant, by the delta method.
    influence = outputs**4 / second**2 - 2 * kurtosis * outputs**2 / second
    error = influence.mean(1).std() / math.sqrt(len(outputs))
    return float(kurtosis.mean()) - 3, float(error)
