"""Arrays as data of signals."""

from typing import Any

import numpy as np


def as_array(source: Any) -> np.ndarray:
    """A NumPy array of what holds numbers: NumPy, PyTorch, Pillow, xarray, or nested lists.

    Raises:
        ValueError: The numbers are complex, text or objects.
    """
    if hasattr(source, "detach"):
        source = source.detach().cpu()
        source = source.float() if str(source.dtype) == "torch.bfloat16" else source
    array = np.asarray(source)
    if array.dtype.kind not in "buif":
        raise ValueError(
            f"the array holds {array.dtype}; expected booleans, integers or real numbers."
        )
    return array


def narrow_integers(array: np.ndarray) -> np.ndarray:
    """Whole numbers of 64 bits in 32, where they fit: images have no more."""
    if array.dtype.kind not in "ui" or array.dtype.itemsize < 8:
        return array.astype(np.uint8) if array.dtype.kind == "b" else array
    narrow = np.dtype("u4" if array.min(initial=0) >= 0 else "i4")
    if array.max(initial=0) > np.iinfo(narrow).max or array.min(initial=0) < np.iinfo(narrow).min:
        raise ValueError("the array holds whole numbers beyond 32 bits; expected floats.")
    return array.astype(narrow)
