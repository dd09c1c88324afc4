"""Fitting a field with Lightning: steps and data, no mathematics."""

from inr.training._lightning import add_summary, callbacks_of, counted_steps, log_interval
from inr.training.atomic_checkpoint import AtomicCheckpointIO
from inr.training.clock import Clock
from inr.training.field_training import FieldTraining
from inr.training.snapshot import Snapshot
from inr.training.stack_training import StackTraining
from inr.training.step_options import StepOptions

__all__ = [
    "AtomicCheckpointIO",
    "Clock",
    "FieldTraining",
    "Snapshot",
    "StackTraining",
    "StepOptions",
    "add_summary",
    "callbacks_of",
    "counted_steps",
    "log_interval",
]
