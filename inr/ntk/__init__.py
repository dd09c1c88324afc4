"""Tangent kernels of any ``nn.Module``: a plain PyTorch library."""

from inr.ntk.alignment import cumulative_energy, kernel_target_alignment, mode_energies
from inr.ntk.bands import band_eigenvalues, fourier_content, fourier_energies
from inr.ntk.conditioning import (
    condition_number,
    effective_rank,
    falloff_exponent,
    participation_ratio,
)
from inr.ntk.dual_activation import dual_activation
from inr.ntk.dynamics import Prediction, predict
from inr.ntk.empirical import empirical_ntk
from inr.ntk.forecast import Forecast
from inr.ntk.infinite import InfiniteKernel, infinite_ntk
from inr.ntk.infinite_field import infinite_ntk_of
from inr.ntk.linearize import LinearizedModel, linearize
from inr.ntk.mode_dynamics import ModeDynamics, error_factors
from inr.ntk.operator import NTKOperator
from inr.ntk.outputs import check_outputs, num_rows
from inr.ntk.path_kernel import PathKernel
from inr.ntk.preconditioned import PreconditionedModule, precondition
from inr.ntk.preconditioner import RootBlock, adam_weighting, preconditioner_roots
from inr.ntk.probe import Probe, probe_field
from inr.ntk.rates import decay_rates, log_decays, max_lr, steps_to_learn
from inr.ntk.regression import KernelRegressor
from inr.ntk.spectrum import DENSE_ROWS, Spectrum, spectrum
from inr.ntk.subspace import subspace_rotation

__all__ = [
    "DENSE_ROWS",
    "Forecast",
    "InfiniteKernel",
    "KernelRegressor",
    "LinearizedModel",
    "ModeDynamics",
    "NTKOperator",
    "PathKernel",
    "PreconditionedModule",
    "Prediction",
    "Probe",
    "RootBlock",
    "Spectrum",
    "adam_weighting",
    "band_eigenvalues",
    "check_outputs",
    "condition_number",
    "cumulative_energy",
    "decay_rates",
    "dual_activation",
    "effective_rank",
    "empirical_ntk",
    "error_factors",
    "falloff_exponent",
    "fourier_content",
    "fourier_energies",
    "infinite_ntk",
    "infinite_ntk_of",
    "kernel_target_alignment",
    "linearize",
    "log_decays",
    "max_lr",
    "mode_energies",
    "num_rows",
    "participation_ratio",
    "precondition",
    "preconditioner_roots",
    "predict",
    "probe_field",
    "spectrum",
    "steps_to_learn",
    "subspace_rotation",
]
