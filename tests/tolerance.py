"""How close is equal: one table for all tests."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

TOLERANCE = {
    torch.float64: {"rtol": 1e-9, "atol": 1e-11},
    torch.float32: {"rtol": 1e-5, "atol": 1e-6},
    torch.bfloat16: {"rtol": 2e-2, "atol": 2e-2},
}


def assert_close(actual: Any, expected: Any, *, looser: float = 1.0) -> None:
    """Asserts that two arrays agree to what the dtype of the first allows.

    Args:
        actual: What the library computed; numbers and lists count as float64.
        expected: What it should be, of the same shape, in any dtype.
        looser: Factor on both tolerances; whoever passes one says why in the line above.
    """
    if not isinstance(actual, Tensor | np.ndarray):
        actual = torch.tensor(actual, dtype=torch.float64)
    actual = torch.as_tensor(actual)
    table = TOLERANCE[actual.dtype]
    torch.testing.assert_close(
        actual.detach().double(),
        torch.as_tensor(expected, dtype=torch.float64).detach(),
        rtol=looser * table["rtol"],
        atol=looser * table["atol"],
    )
