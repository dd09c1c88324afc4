"""Measured exponents of power laws."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from inr.argument import check_count, check_list


class PowerLaw(NamedTuple):
    """A fit of a power law.

    Attributes:
        exponent: Exponent, the slope in double logarithms.
        error: Standard error of the exponent; NaN for two points, which determine no error.
    """

    exponent: float
    error: float

    def __str__(self) -> str:
        # Adding zero turns -0.0 into 0.0.
        return f"{round(self.exponent, 2) + 0.0:.2f} ± {self.error:.2f}"


def check_widths(name: str, widths: Sequence[int]) -> tuple[int, ...]:
    """Returns widths as a tuple if they increase and are two or more.

    Raises:
        TypeError: The widths are not a list, or one is not a whole number.
        ValueError: The widths are fewer than two, or do not increase.
    """
    checked = tuple(check_count(f"one of {name}", width) for width in check_list(name, widths))
    if len(checked) < 2 or any(b <= a for a, b in pairwise(checked)):
        raise ValueError(f"{name} are {list(checked)}; expected two or more that increase.")
    return checked


def fit_power_law(sizes: np.ndarray, values: np.ndarray) -> PowerLaw:
    r"""Least squares fit of ``values`` :math:`\propto` ``sizes`` :math:`^p` in logarithms.

    Args:
        sizes: ``(k,)`` positive sizes.
        values: ``(k, repeats)`` positive values for each size.
    """
    x = np.repeat(np.log(sizes), values.shape[1])
    y = np.log(values).ravel()
    x, y = x - x.mean(), y - y.mean()
    exponent = float(x @ y / (x @ x))
    freedom = len(x) - 2
    residual = float(np.sum((y - exponent * x) ** 2))
    error = (residual / freedom / float(x @ x)) ** 0.5 if freedom > 0 else float("nan")
    return PowerLaw(exponent, error)
