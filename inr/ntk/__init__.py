"""Tangent kernels of any ``nn.Module``: a plain PyTorch library."""

from inr.ntk.empirical import empirical_ntk
from inr.ntk.probe import Probe, probe_lattice
from inr.ntk.spectrum import condition_number, effective_rank, eigenvalues

__all__ = [
    "Probe",
    "condition_number",
    "effective_rank",
    "eigenvalues",
    "empirical_ntk",
    "probe_lattice",
]
