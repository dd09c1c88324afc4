"""The base class of experiments, and their results."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

Progress = Callable[[str, int, int], None]


class Findings(NamedTuple):
    """The results of an experiment.

    Attributes:
        metrics: Numbers by name, from the theory and from measurements.
        arrays: All data in the figure, by name.
        curves: Curves for TensorBoard, by tag: increasing whole numbers, such as steps or widths,
            and a value for each.
        figure: Figure that shows the theory beside the measurements.
    """

    metrics: dict[str, float]
    arrays: dict[str, np.ndarray]
    curves: dict[str, tuple[np.ndarray, np.ndarray]]
    figure: Figure


class Experiment(ABC):
    """A statement of the theory beside measurements, on data and networks of its own."""

    @abstractmethod
    def run(self, progress: Progress) -> Findings:
        """Computes the findings. Random numbers come from generators of its own alone.

        Args:
            progress: Callback, called with the name of the present task, the amount done and the
                amount in all.
        """
