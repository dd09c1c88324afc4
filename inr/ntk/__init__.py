"""Tangent kernels of any ``nn.Module``: a plain PyTorch library."""

from inr.ntk.empirical import empirical_ntk
from inr.ntk.spectrum import condition_number, effective_rank, eigenvalues

__all__ = ["condition_number", "effective_rank", "eigenvalues", "empirical_ntk"]
