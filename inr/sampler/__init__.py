"""Samplers, which choose the points of a signal for each training step."""

from inr.sampler._sampler import Sampler
from inr.sampler.epoch import EpochSampler
from inr.sampler.point_cloud import PointCloudSampler
from inr.sampler.shape import ShapeSampler
from inr.sampler.uniform import UniformSampler

__all__ = ["EpochSampler", "PointCloudSampler", "Sampler", "ShapeSampler", "UniformSampler"]
