"""The angle between two subspaces."""

import torch
from torch import Tensor


def subspace_rotation(first: Tensor, second: Tensor) -> float:
    r"""The mean squared sine of the principal angles between two subspaces.

    .. math:: 1 - \frac1m \lVert Q_1^\top Q_2 \rVert_F^2

    It is 0 if the subspaces are the same, and 1 if they are orthogonal.

    Args:
        first: ``(n, m)`` orthonormal columns.
        second: ``(n, m)`` orthonormal columns.

    References:
        Golub and Van Loan 2013, "Matrix Computations", section 6.4.3.
    """
    overlap = (first.T.double() @ second.double()).square().sum() / first.shape[1]
    return 1 - torch.clamp(overlap, max=1).item()
