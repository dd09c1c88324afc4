"""Functions of known content on a lattice of one or two axes: noise, waves, chirps and steps."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from inr.lattice import lattice_points


def draw_power_law(
    lattice: Sequence[int], exponent: float, max_frequency: float | None, generator: torch.Generator
) -> Tensor:
    r"""A periodic function with random phases, whose power falls as a power of the frequency.

    .. math:: s(x) = \sum_{0 < |k| \le B} |k|^{-\alpha / 2} \cos(2 \pi k \cdot x + \phi_k)

    so that the power at k, the square of its Fourier coefficient, is proportional to
    :math:`|k|^{-\alpha}`: exactly, since phases alone are random. In two dimensions this is the
    power of each k, not the sum over a ring.

    Args:
        lattice: Cells per axis, in array order.
        exponent: Exponent α: 0 is white, 1 pink, 2 brown.
        max_frequency: Highest frequency B, in cycles per unit; what the lattice can tell when None.
        generator: Generator of the phases φ.

    Shape:
        ``lattice``, in float64, with mean 0.
    """
    axes = [torch.fft.fftfreq(n, 1 / n, dtype=torch.float64) for n in lattice]
    squares = sum(axis.square() for axis in torch.meshgrid(*axes, indexing="ij"))
    radius = torch.as_tensor(squares).sqrt()
    # At the highest frequency of an even number of cells, a phase cannot be told from an amplitude.
    is_told = torch.ones(*lattice, dtype=torch.bool)
    for axis, n in enumerate(lattice):
        if n % 2 == 0:
            is_told.index_fill_(axis, torch.tensor(n // 2), False)
    limit = math.inf if max_frequency is None else max_frequency
    kept = (radius > 0) & (radius <= limit) & is_told
    amplitudes = torch.where(kept, radius.clamp(min=1) ** (-exponent / 2), 0.0)
    # The phases of white noise are uniform, and odd in k as those of a real function are.
    noise = torch.randn(*lattice, generator=generator, dtype=torch.float64)
    content = torch.fft.fftn(noise)
    content = torch.where(kept, content / content.abs(), 0)
    return torch.fft.ifftn(content * amplitudes).real * math.prod(lattice)


def draw_sines(
    lattice: Sequence[int], frequencies: Tensor, amplitudes: Tensor, generator: torch.Generator
) -> Tensor:
    r"""A sum of waves with random phases.

    .. math:: s(x) = \sum_j a_j \cos(2 \pi f_j \cdot x + \phi_j)

    Args:
        lattice: Cells per axis, in array order.
        frequencies: Frequencies ``(m, d)``, in cycles per unit, in coordinate order.
        amplitudes: Amplitudes ``(m,)``.
        generator: Generator of the phases φ.

    Shape:
        ``lattice``, in float64.
    """
    points = lattice_points(lattice, dtype=torch.float64)
    phases = torch.rand(len(frequencies), generator=generator, dtype=torch.float64)
    values = torch.zeros(len(points), dtype=torch.float64)
    for frequency, amplitude, phase in zip(frequencies, amplitudes, phases, strict=True):
        values += amplitude * torch.cos(2 * math.pi * (points @ frequency + phase))
    return values.view(*lattice)


def make_chirp(lattice: Sequence[int], first: float, last: float) -> Tensor:
    r"""A wave whose frequency grows with x, or with the distance from the centre of a plane.

    .. math:: s(r) = \cos 2 \pi \left( f_0 r + \tfrac12 (f_1 - f_0) r^2 / R \right)

    so that the frequency at r, the derivative of the phase over 2π, is
    :math:`f_0 + (f_1 - f_0) r / R`. On a line r is x and R = 1; on a plane r is the distance from
    the centre, and R = 1/2 is reached at the middle of each side: a zone plate.

    Args:
        lattice: Cells per axis, in array order.
        first: Frequency f_0 at r = 0, in cycles per unit.
        last: Frequency f_1 at r = R.

    Shape:
        ``lattice``, in float64.
    """
    points = lattice_points(lattice, dtype=torch.float64)
    is_line = len(lattice) == 1
    radius = points[:, 0] if is_line else (points - 0.5).norm(dim=1)
    reach = 1.0 if is_line else 0.5
    phase = first * radius + (last - first) * radius.square() / (2 * reach)
    return torch.cos(2 * math.pi * phase).view(*lattice)


def draw_steps(lattice: Sequence[int], pieces: int, generator: torch.Generator) -> Tensor:
    """A function that is constant on pieces: on the Voronoi cells of random points.

    Args:
        lattice: Cells per axis, in array order.
        pieces: Number of random points, uniform in the unit cube; the constants are uniform
            between 0 and 1.
        generator: Generator of the points and the constants.

    Shape:
        ``lattice``, in float64.
    """
    points = lattice_points(lattice, dtype=torch.float64)
    centres = torch.rand(pieces, len(lattice), generator=generator, dtype=torch.float64)
    levels = torch.rand(pieces, generator=generator, dtype=torch.float64)
    nearest = [torch.cdist(part, centres).argmin(1) for part in points.split(2**16)]
    return levels[torch.cat(nearest)].view(*lattice)
