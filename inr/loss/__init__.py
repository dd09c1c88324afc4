"""Losses ``(field, batch) -> scalar``, means over the points of a batch.

A loss takes the field, not its values, so that it can differentiate the field in its coordinates.
"""

from inr.loss._targets import compares, differentiates, losses_for, target_kind_of
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
    "compares",
    "differentiates",
    "huber",
    "l1",
    "losses_for",
    "mape",
    "mse",
    "relative_l2",
    "siren_sdf",
    "target_kind_of",
]
