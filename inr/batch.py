"""What a sampler draws and a loss reads."""

from typing import NamedTuple

from torch import Tensor


class Batch(NamedTuple):
    """Points of a signal with the values it takes there.

    Attributes:
        coords: ``(n, d)``, in the unit cube.
        values: ``(n, c)``, in the signal's normalised range.
        index: ``(n,)`` int64, flat positions in the signal's lattice; None when they are on none.
    """

    coords: Tensor
    values: Tensor
    index: Tensor | None = None  # type: ignore[assignment]  # not that of a tuple
