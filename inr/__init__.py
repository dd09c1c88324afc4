"""Train implicit neural representations and watch their tangent kernel.

``inr.fit`` fits an array or a file, and ``inr.load`` reads what was fitted; :class:`inr.Fitted` is
what both return. Importing this package loads none of its parts: they are loaded when they are
used. ``inr.encoding``, ``inr.network``, ``inr.field``, ``inr.signal`` and ``inr.ntk`` are a library
for PyTorch by themselves.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inr.cli.library import fit
    from inr.fitted import Fitted, load

__version__ = "0.1.0"
__all__ = ["Fitted", "__version__", "fit", "load"]

_HOMES = {"fit": "inr.cli.library", "Fitted": "inr.fitted", "load": "inr.fitted"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'inr' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
