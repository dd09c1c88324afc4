"""Samplers: which points of a signal a training step sees."""

from inr.sampler._sampler import Sampler
from inr.sampler.lattice import LatticeSampler
from inr.sampler.uniform import UniformSampler

__all__ = ["LatticeSampler", "Sampler", "UniformSampler"]
