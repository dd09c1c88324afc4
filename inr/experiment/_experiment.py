"""What every experiment is."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

Progress = Callable[[str, int, int], None]


class Findings(NamedTuple):
    """What an experiment found.

    Attributes:
        metrics: Numbers by name, what the theory says beside what was measured.
        arrays: All that the figure shows, by name.
        curves: For TensorBoard: by tag, whole numbers that increase, such as steps or widths, and a
            value for each.
        figure: What to look at.
    """

    metrics: dict[str, float]
    arrays: dict[str, np.ndarray]
    curves: dict[str, tuple[np.ndarray, np.ndarray]]
    figure: Figure


class Experiment(ABC):
    """A statement of the theory beside measurements, on data and networks of its own."""

    @abstractmethod
    def run(self, progress: Progress) -> Findings:
        """Computes everything; draws numbers from generators of its own alone.

        Args:
            progress: Called with what is done now, how much of it is done, and of how much.
        """
