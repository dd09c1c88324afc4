"""Signals R^d -> R^c: the ground truth that a field is fitted to."""

from inr.signal._lattice_signal import LatticeSignal
from inr.signal._signal import FiniteSignal, Signal, SurfaceSignal
from inr.signal.audio import AudioSignal
from inr.signal.function import FunctionSignal
from inr.signal.image import ImageSignal
from inr.signal.image_set import ImageSetSignal
from inr.signal.point_cloud import PointCloudSignal
from inr.signal.shape import ShapeSignal
from inr.signal.video import VideoSignal
from inr.signal.volume import VolumeSignal

__all__ = [
    "AudioSignal",
    "FiniteSignal",
    "FunctionSignal",
    "ImageSetSignal",
    "ImageSignal",
    "LatticeSignal",
    "PointCloudSignal",
    "ShapeSignal",
    "Signal",
    "SurfaceSignal",
    "VideoSignal",
    "VolumeSignal",
]
