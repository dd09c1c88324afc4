"""The Shepp-Logan head in three dimensions."""

from __future__ import annotations

import numpy as np

# Density, half axes (a, b, c), centre (x, y, z) and angle in degrees from the x axis towards y.
ELLIPSOIDS = (
    (1.0, (0.69, 0.92, 0.9), (0.0, 0.0, 0.0), 0),
    (-0.8, (0.6624, 0.874, 0.88), (0.0, 0.0, 0.0), 0),
    (-0.2, (0.41, 0.16, 0.21), (-0.22, 0.0, -0.25), 108),
    (-0.2, (0.31, 0.11, 0.22), (0.22, 0.0, -0.25), 72),
    (0.2, (0.21, 0.25, 0.5), (0.0, 0.35, -0.25), 0),
    (0.2, (0.046, 0.046, 0.046), (0.0, 0.1, -0.25), 0),
    (0.1, (0.046, 0.023, 0.02), (-0.08, -0.65, -0.25), 0),
    (0.1, (0.046, 0.023, 0.02), (0.06, -0.65, -0.25), 90),
    (0.2, (0.056, 0.04, 0.1), (0.06, -0.105, 0.625), 90),
    (-0.2, (0.056, 0.056, 0.1), (0.0, 0.1, 0.625), 0),
)


def find_density(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """The density at points of [-1, 1]^3: the sum over the ellipsoids that they are in.

    References:
        Kak and Slaney 1988, "Principles of Computerized Tomographic Imaging", for the ellipsoids of
        the head phantom; Yu, Ye and Wang 2004, "Katsevich-type algorithms for variable radius
        spiral cone-beam CT", for densities of more contrast.
    """
    total = np.zeros(np.broadcast_shapes(np.shape(x), np.shape(y), np.shape(z)))
    for density, (a, b, c), (x0, y0, z0), degrees in ELLIPSOIDS:
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        along = (x - x0) * cosine + (y - y0) * sine
        across = (y - y0) * cosine - (x - x0) * sine
        total += density * ((along / a) ** 2 + (across / b) ** 2 + ((z - z0) / c) ** 2 <= 1)
    return total


def make_phantom(shape: tuple[int, int, int]) -> np.ndarray:
    """``(D, H, W)`` densities at the cell centres of [-1, 1]^3."""
    centres = ((2 * np.arange(n) + 1) / n - 1 for n in shape)
    z, y, x = np.meshgrid(*centres, indexing="ij", sparse=True)
    return find_density(x, y, z).astype(np.float32)
