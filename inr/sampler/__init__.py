"""Samplers: which points of a signal a training step sees."""

from inr.sampler._sampler import Sampler
from inr.sampler.epoch import EpochSampler
from inr.sampler.point_cloud import PointCloudSampler
from inr.sampler.shape import ShapeSampler
from inr.sampler.uniform import UniformSampler

__all__ = ["EpochSampler", "PointCloudSampler", "Sampler", "ShapeSampler", "UniformSampler"]
