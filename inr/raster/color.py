"""Conversion of the colour models of print and of colour science to RGB."""

from __future__ import annotations

import numpy as np


def separate_to_rgb(inks: np.ndarray) -> np.ndarray:
    """Convert inks to RGB without a colour profile.

    Args:
        inks: (H, W, 4 or 5) unsigned integers: cyan, magenta, yellow, black, where the dtype's
            greatest is full ink, and possibly alpha.

    Returns:
        (H, W, 3 or 4) array of the same dtype.
    """
    top = np.iinfo(inks.dtype).max
    paper = (top - inks[..., :4]).astype(np.float64) / top
    rgb = np.round(paper[..., :3] * paper[..., 3:] * top).astype(inks.dtype)
    return np.concatenate([rgb, inks[..., 4:]], axis=-1)


# CIE XYZ relative to the D50 white point of print, to the linear RGB of sRGB's D65 (Bradford).
WHITE = np.array([0.9642, 1.0, 0.8249])
RGB_FROM_XYZ = np.array(
    [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
)


def lab_to_rgb(lab: np.ndarray, *, offset: bool) -> np.ndarray:
    """Convert CIE L*a*b* as TIFF stores it, relative to D50, to sRGB.

    Args:
        lab: (H, W, 3) uint8 or uint16.
        offset: Whether a* and b* are stored with an offset, as the ICC does, instead of signed.

    Returns:
        (H, W, 3) array of the same dtype, colours beyond sRGB clipped.
    """
    top = np.iinfo(lab.dtype).max
    chroma = lab[..., 1:] - lab.dtype.type(top // 2 + 1) if offset else lab[..., 1:]
    signed = np.ascontiguousarray(chroma).view(f"i{lab.dtype.itemsize}")
    a, b = np.moveaxis(signed / 256.0 ** (lab.dtype.itemsize - 1), -1, 0)
    level = (lab[..., 0] * (100.0 / top) + 16) / 116
    roots = np.stack([level + a / 500, level, level - b / 200], axis=-1)
    xyz = WHITE * np.where(roots > 6 / 29, roots**3, (roots - 4 / 29) * 3 * (6 / 29) ** 2)
    linear = (xyz @ RGB_FROM_XYZ.T).clip(0, 1)
    rgb = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    return np.round(rgb * top).astype(lab.dtype)


def map_palette(indices: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Look up colours.

    Args:
        indices: (H, W) unsigned integers or booleans.
        palette: (3, N) uint16 colours, as TIFF stores them.

    Returns:
        (H, W, 3) uint8 array.
    """
    colors = palette.T
    # Some writers fill the 16-bit map with 8-bit colours.
    if colors.max() > 255:
        colors = colors >> 8
    return colors.astype(np.uint8)[indices.astype(np.intp)]
