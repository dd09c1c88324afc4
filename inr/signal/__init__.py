"""Signals R^d -> R^c: what fields are fitted to, and how such fields are measured and shown."""

from inr.signal._array import as_array
from inr.signal._display import Display, Metric
from inr.signal._gradient_file import write_gradient
from inr.signal._image_display import ImageDisplay
from inr.signal._kinds import (
    KINDS,
    AudioSignal,
    FunctionSignal,
    ImageSetSignal,
    ImageSignal,
    PointCloudSignal,
    ShapeSignal,
    VideoSignal,
    VolumeSignal,
    find_array_kind,
    find_kind,
)
from inr.signal._lattice_signal import LatticeSignal
from inr.signal._level_set import write_level_set
from inr.signal._picture import displayed
from inr.signal._preview import (
    FilmPreview,
    MeshPreview,
    PicturePreview,
    Preview,
    SoundPreview,
    magnified,
)
from inr.signal._signal import FiniteSignal, Signal, SurfaceSignal
from inr.signal._slice_file import native_slice_suffix, write_slice
from inr.signal._units import GradientScale

__all__ = [
    "KINDS",
    "AudioSignal",
    "Display",
    "FilmPreview",
    "FiniteSignal",
    "FunctionSignal",
    "GradientScale",
    "ImageDisplay",
    "ImageSetSignal",
    "ImageSignal",
    "LatticeSignal",
    "MeshPreview",
    "Metric",
    "PicturePreview",
    "PointCloudSignal",
    "Preview",
    "ShapeSignal",
    "Signal",
    "SoundPreview",
    "SurfaceSignal",
    "VideoSignal",
    "VolumeSignal",
    "as_array",
    "displayed",
    "find_array_kind",
    "find_kind",
    "magnified",
    "native_slice_suffix",
    "write_gradient",
    "write_level_set",
    "write_slice",
]
