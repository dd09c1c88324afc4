"""Signals on the circle [0, 1), and kernels that depend on distances along it."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from inr.argument import check_count

MOST_POINTS = 16_384


def circle_points(num_points: int) -> Tensor:
    """Equispaced points i / n of the circle, ``(n, 1)`` in float64."""
    return torch.arange(num_points, dtype=torch.float64)[:, None] / num_points


def on_unit_circle(x: Tensor) -> Tensor:
    """``[cos 2πx, sin 2πx]`` of points ``(n, 1)``: ``(n, 2)``."""
    return torch.cat([torch.cos(2 * math.pi * x), torch.sin(2 * math.pi * x)], dim=-1)


def circulant_spectrum(kernel: Tensor) -> Tensor:
    r"""The Rayleigh quotient of a kernel with each frequency of its n equispaced points.

    .. math:: \lambda_k = e_k^* K e_k, \quad e_k = n^{-1/2} [e^{2 \pi i k j / n}]_j

    For a kernel that depends on distances alone they are the eigenvalues, and the discrete Fourier
    transform of the first row. For another kernel they are the eigenvalues of its average over
    rotations.

    Shape:
        ``(n, n) -> (n // 2 + 1,)``, for frequencies from 0 to n / 2.
    """
    diagonal = torch.fft.ifft(torch.fft.fft(kernel, dim=1), dim=0).diagonal()
    return diagonal.real[: len(kernel) // 2 + 1]


def check_bandwidth(bandwidth: int, num_points: int) -> int:
    """Returns the bandwidth of a signal if this number of points of a period resolves it.

    Raises:
        TypeError: The bandwidth is not a whole number.
        ValueError: The bandwidth or the number of points is out of range.
    """
    if num_points > MOST_POINTS:
        raise ValueError(
            f"a signal has {num_points} points, for training and between; expected at most "
            f"{MOST_POINTS}, since kernels of all of them are held."
        )
    if check_count("bandwidth", bandwidth, minimum=2) > num_points // 2:
        raise ValueError(
            f"bandwidth is {bandwidth} for a signal of {num_points} points; expected "
            f"{num_points // 2} or less."
        )
    return bandwidth


def power_law_signals(
    num_signals: int, num_points: int, power: float, bandwidth: int, generator: torch.Generator
) -> Tensor:
    r"""Random signals on equispaced points, whose amplitudes fall as a power of the frequency.

    .. math:: s(x) \propto \mathrm{Re} \sum_{k=0}^{B-1} (1 + k)^{-\alpha} z_k e^{2 \pi i k x}

    with standard complex normal z_k, shifted and scaled to the interval from -1/2 to 1/2.

    Args:
        num_signals: Number c of signals.
        num_points: Number n of points.
        power: Exponent α of the amplitudes.
        bandwidth: Bandwidth B, up to n / 2: all frequencies of the signal are below B cycles.
        generator: Generator of the numbers z.

    Shape:
        ``(n, c)`` in float64.

    References:
        Tancik et al. 2020, "Fourier Features Let Networks Learn High Frequency Functions in Low
        Dimensional Domains", the signals of figures 3 and 4, as its code draws them.
    """
    shape = (bandwidth, num_signals)
    draws = torch.randn(*shape, 2, generator=generator, dtype=torch.float64)
    amplitudes = torch.arange(1, bandwidth + 1, dtype=torch.float64) ** -power
    content = torch.zeros(num_points, num_signals, dtype=torch.complex128)
    content[:bandwidth] = amplitudes[:, None] * torch.view_as_complex(draws)
    signals = torch.fft.ifft(content, dim=0).real
    low, high = signals.amin(0), signals.amax(0)
    return (signals - low) / (high - low) - 0.5


class CircleData(NamedTuple):
    """Training points and the points between them.

    Attributes:
        x: ``(n, 1)`` coordinates of the training points.
        y: ``(n, c)`` values at the training points.
        x_test: ``(m, 1)`` coordinates of the points between.
        y_test: ``(m, c)`` values at the points between.
    """

    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor


def split_signals(signals: Tensor, refinement: int) -> CircleData:
    """Splits signals on equispaced points into training points and the points between.

    Args:
        signals: ``(n, c)`` values of c signals at n points.
        refinement: Number of points for each training point.
    """
    points = circle_points(len(signals))
    trained = torch.arange(len(signals)) % refinement == 0
    return CircleData(points[trained], signals[trained], points[~trained], signals[~trained])
