"""What a sampler draws and a loss reads."""

from typing import NamedTuple

from torch import Tensor


class Batch(NamedTuple):
    """Points of a signal with the values it takes there.

    Attributes:
        coords: ``(n, d)``, in the unit cube.
        values: ``(n, c)``, in the signal's normalised range.
    """

    coords: Tensor
    values: Tensor
