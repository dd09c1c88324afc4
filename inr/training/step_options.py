"""Options for the computation of training steps."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StepOptions:
    """What changes the time and memory that steps take, and their result by rounding alone.

    ``gradient_clip_val`` does more.

    Attributes:
        steps_per_batch: Steps of the optimizer in what Lightning takes for a batch, at most.
        micro_batch: Points at once, at most; None is a whole batch.
        feature_memory: Bytes for precomputed features.
        gradient_clip_val: Largest norm of the gradient; None is any.
        compile: Whether the network is compiled.
        full_precision_share: Share of the steps, the last ones, that are made without autocast.
    """

    steps_per_batch: int = 50
    micro_batch: int | None = None
    feature_memory: int = 0
    gradient_clip_val: float | None = None
    compile: bool = False
    full_precision_share: float = 0.0
