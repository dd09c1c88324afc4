"""MGH and MINC, by nibabel."""

from __future__ import annotations

from typing import Any

import numpy as np

from .layout import Decoded, plan_layout
from .nifti import is_invertible
from .source import Source
from .volume_format import Container, to_rows

AXES = "xyzt"


def decode(source: Source) -> Decoded:
    """Reads numbers, scaled where the format scales them; they are written as NIfTI."""
    try:
        import nibabel
    except ImportError:
        raise source.needs("nibabel") from None
    image: Any = nibabel.load(source.path)
    # MINC has time first and x last, as C order has.
    native = AXES if isinstance(image, nibabel.MGHImage) else "tzyx"[-len(image.shape) :]
    source.check_dtype(np.dtype(image.get_data_dtype()))
    layout = plan_layout(source, image.shape, native[: len(image.shape)])
    selected = np.asarray(image.dataobj[layout.selection])
    written = layout.written_axes
    axes = written[::-1] if native == AXES else written
    affine = np.array(image.affine, float)
    if native != AXES:
        affine = affine[:, [2, 1, 0, 3]]
    spacing = [float(length) for length in np.linalg.norm(affine[:3, :3], axis=0)]
    x, y, z = spacing
    container = Container(
        ".nii.gz",
        axes,
        spacing=(x, y, z) if min(spacing) > 0 else None,
        unit="mm",
        affine=to_rows(affine) if is_invertible(affine) else None,
    )
    return Decoded(selected, layout, container)
