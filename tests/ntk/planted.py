"""Symmetric matrices whose eigenvalues are known."""

from collections.abc import Sequence

import torch
from torch import Tensor


def plant(
    eigenvalues: Tensor | Sequence[float], dtype: torch.dtype = torch.float64, seed: int = 0
) -> Tensor:
    """A symmetric matrix with these eigenvalues and random eigenvectors."""
    values = torch.as_tensor(eigenvalues, dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    normal = torch.randn(len(values), len(values), generator=generator, dtype=torch.float64)
    basis, _ = torch.linalg.qr(normal)
    matrix = (basis * values) @ basis.T
    return ((matrix + matrix.T) / 2).to(dtype)


class Products:
    """A matrix that is given by its products alone, and counts them."""

    def __init__(self, matrix: Tensor) -> None:
        self._matrix = matrix
        self.shape, self.dtype, self.device = matrix.shape, matrix.dtype, matrix.device
        self.widths: list[int] = []

    def __matmul__(self, block: Tensor) -> Tensor:
        self.widths.append(block.shape[1])
        return self._matrix @ block
