"""Tangent kernels of any ``nn.Module``: a plain PyTorch library."""

from inr.ntk.dynamics.dynamics import Prediction, predict
from inr.ntk.dynamics.forecast import Forecast
from inr.ntk.dynamics.mode_dynamics import ModeDynamics, error_factors
from inr.ntk.dynamics.path_kernel import PathKernel
from inr.ntk.dynamics.probe import Probe, probe_field
from inr.ntk.dynamics.rates import decay_rates, log_decays, max_lr, steps_to_learn
from inr.ntk.dynamics.regression import KernelRegressor
from inr.ntk.infinite.dual_activation import dual_activation
from inr.ntk.infinite.infinite import InfiniteKernel, infinite_ntk
from inr.ntk.kernel.empirical import empirical_ntk
from inr.ntk.kernel.linearize import LinearizedModel, linearize
from inr.ntk.kernel.operator import NTKOperator
from inr.ntk.kernel.outputs import check_outputs, num_rows
from inr.ntk.kernel.preconditioned import PreconditionedModule, RootBlock
from inr.ntk.spectrum.alignment import cumulative_energy, kernel_target_alignment, mode_energies
from inr.ntk.spectrum.bands import band_eigenvalues, fourier_content, fourier_energies
from inr.ntk.spectrum.conditioning import (
    condition_number,
    effective_rank,
    falloff_exponent,
    participation_ratio,
)
from inr.ntk.spectrum.log_spacing import log_spaced
from inr.ntk.spectrum.spectrum import DENSE_ROWS, Spectrum, spectrum
from inr.ntk.spectrum.subspace import subspace_rotation

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
    "kernel_target_alignment",
    "linearize",
    "log_decays",
    "log_spaced",
    "max_lr",
    "mode_energies",
    "num_rows",
    "participation_ratio",
    "predict",
    "probe_field",
    "spectrum",
    "steps_to_learn",
    "subspace_rotation",
]
