"""Fitting a field with Lightning: steps and data, no mathematics."""

from inr.training.atomic_checkpoint import AtomicCheckpointIO
from inr.training.clock import Clock
from inr.training.field_training import FieldTraining
from inr.training.stack_training import StackTraining
from inr.training.step_options import StepOptions

__all__ = [
    "AtomicCheckpointIO",
    "Clock",
    "FieldTraining",
    "StackTraining",
    "StepOptions",
]
