"""Statements of the theory beside measurements, each on data and networks of its own."""

from inr.experiment._experiment import Experiment, Findings, Progress
from inr.experiment.lazy import LazyExperiment
from inr.experiment.nngp import NngpExperiment
from inr.experiment.ntk_1d import Ntk1dExperiment
from inr.experiment.ntk_1d_scale import Ntk1dScaleExperiment
from inr.experiment.overparameterized import OverparameterizedExperiment
from inr.experiment.spectral_bias import SpectralBiasExperiment

__all__ = [
    "Experiment",
    "Findings",
    "LazyExperiment",
    "NngpExperiment",
    "Ntk1dExperiment",
    "Ntk1dScaleExperiment",
    "OverparameterizedExperiment",
    "Progress",
    "SpectralBiasExperiment",
]
