"""Signals R^d -> R^c: the ground truth that a field is fitted to."""

from inr.signal._lattice_signal import LatticeSignal
from inr.signal._signal import Signal
from inr.signal.image import ImageSignal
from inr.signal.image_set import ImageSetSignal

__all__ = ["ImageSetSignal", "ImageSignal", "LatticeSignal", "Signal"]
