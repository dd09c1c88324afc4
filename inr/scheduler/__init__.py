"""Schedules of the learning rate, ``steps -> (step -> factor)``.

Each is a closed formula of the step, so that a resumed or prolonged run follows it exactly.
"""

from inr.scheduler.constant import constant
from inr.scheduler.cosine import cosine
from inr.scheduler.exponential import exponential
from inr.scheduler.warmup import warmup

__all__ = ["constant", "cosine", "exponential", "warmup"]
