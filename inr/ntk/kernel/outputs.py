"""The pairs of outputs that a kernel has, and their order."""

import math
from typing import Literal

from torch import Tensor

Outputs = Literal["full", "mean"] | int


def check_outputs(outputs: Outputs, num_outputs: int) -> None:
    """Rejects what is no selection of outputs.

    Raises:
        ValueError: ``outputs`` is neither ``full``, ``mean`` nor the number of an output.
    """
    is_number = isinstance(outputs, int) and not isinstance(outputs, bool)
    if outputs in ("full", "mean") or (is_number and 0 <= outputs < num_outputs):  # type: ignore[operator]
        return
    raise ValueError(
        f"outputs is {outputs!r}; expected full, mean or a number below {num_outputs}."
    )


def select(values: Tensor, outputs: Outputs) -> Tensor:
    """The columns of ``(n, c)`` outputs that a kernel counts: one for a number, else all."""
    return values[:, outputs : outputs + 1] if isinstance(outputs, int) else values


def arrange(blocks: Tensor, outputs: Outputs) -> Tensor:
    """Rows whose inner products are the kernel's entries.

    Args:
        blocks: ``(n, c, q)`` Jacobians of the selected outputs.
        outputs: Selection of outputs of the kernel.

    Shape:
        ``(n·c, q)`` with row n·c + o for ``full``; ``(n, c·q)`` divided by √c for ``mean``;
        ``(n, q)`` for a number.
    """
    if outputs == "full":
        return blocks.flatten(0, 1)
    return blocks.flatten(1) / math.sqrt(blocks.shape[1])


def num_rows(num_points: int, num_outputs: int, outputs: Outputs) -> int:
    """Rows of the kernel of that many points."""
    return num_points * num_outputs if outputs == "full" else num_points
