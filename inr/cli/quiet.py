"""Warnings of this package as one line each, and silence of the libraries below."""

import logging
import sys
import warnings
from typing import Any


def quiet_libraries(program: str) -> None:
    """Shows our warnings as one line each, and no log records below errors.

    Args:
        program: Name at the beginning of each line.
    """

    def show(message: Any, *_: Any, **__: Any) -> None:
        print(f"{program}: {' '.join(str(message).split())}", file=sys.stderr)

    warnings.showwarning = show
    for name in ("pytorch_lightning", "lightning_fabric", "inr"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(pytorch_lightning|lightning_fabric|torch)\b")
