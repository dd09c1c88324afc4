"""Promises of encodings."""

from collections.abc import Callable

import torch

from inr.encoding import Encoding
from inr.testing._module import draw_inputs, module_checks
from inr.testing._require import require


def encoding_checks() -> tuple[Callable[[Encoding], None], ...]:
    """Checks of what every encoding promises.

    Each takes an encoding on the CPU, in float32, and calls it with points of the unit cube.
    """
    return (*module_checks(), computes_in_full_precision_under_autocast)


def check_encoding(encoding: Encoding) -> None:
    """Runs :func:`encoding_checks` on an encoding.

    Args:
        encoding: Encoding on the CPU, in float32.

    Raises:
        AssertionError: The encoding breaks a promise.
    """
    for check in encoding_checks():
        check(encoding)


def computes_in_full_precision_under_autocast(encoding: Encoding) -> None:
    """Autocast does not change the features, since it would round their phases."""
    points = draw_inputs(encoding)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = encoding(points)
    require(
        torch.equal(features, encoding(points)),
        encoding,
        "computes something else under autocast; expected its phases in full precision",
    )
