"""Records of probes, and the charts that show them."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np


class Chart(NamedTuple):
    """A chart of TensorBoard's custom scalars.

    Attributes:
        group: Name of the group of charts.
        title: Title of the chart.
        tags: Regular expression of the tags that the chart shows.
    """

    group: str
    title: str
    tags: str


@dataclass(frozen=True)
class Record:
    """What a probe measured at one step.

    Attributes:
        arrays: Content of the probe's ``.npz`` file; none is written when empty.
        scalars: Numbers for the loggers, by tag.
        curves: Arrays ``(x, y)`` for TensorBoard, by tag: y against whole numbers x.
    """

    arrays: dict[str, Any] = field(default_factory=dict)
    scalars: dict[str, float] = field(default_factory=dict)
    curves: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
