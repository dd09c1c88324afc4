"""Losses ``(field, batch) -> scalar``.

A loss sees the field, not only its values, so that it may differentiate it in its coordinates.
"""

from inr.loss._suits import differentiates, target_kind_of
from inr.loss.bce import bce
from inr.loss.clamped_l1 import clamped_l1
from inr.loss.huber import huber
from inr.loss.l1 import l1
from inr.loss.mape import mape
from inr.loss.mse import mse
from inr.loss.relative_l2 import relative_l2
from inr.loss.siren_sdf import siren_sdf

__all__ = [
    "bce",
    "clamped_l1",
    "differentiates",
    "huber",
    "l1",
    "mape",
    "mse",
    "relative_l2",
    "siren_sdf",
    "target_kind_of",
]
