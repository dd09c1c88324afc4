"""Losses ``(field, batch) -> scalar``.

A loss sees the field, not only its values, so that it may differentiate it in its coordinates.
"""

from inr.loss.huber import huber
from inr.loss.l1 import l1
from inr.loss.mse import mse
from inr.loss.relative_l2 import relative_l2

__all__ = ["huber", "l1", "mse", "relative_l2"]
