"""How far a subspace has turned."""

import torch
from torch import Tensor


def subspace_rotation(first: Tensor, second: Tensor) -> float:
    r"""0 where two subspaces are one, 1 where they are orthogonal.

    .. math:: 1 - \frac1m \lVert Q_1^\top Q_2 \rVert_F^2,

    the mean of the squared sines of their principal angles.

    Args:
        first: ``(n, m)``, orthonormal columns.
        second: ``(n, m)``, likewise.

    References:
        Golub and Van Loan 2013, "Matrix Computations", section 6.4.3.
    """
    overlap = (first.T.double() @ second.double()).square().sum() / first.shape[1]
    return 1 - torch.clamp(overlap, max=1).item()
