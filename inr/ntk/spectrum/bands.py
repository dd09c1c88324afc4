"""Kernels on a lattice in the Fourier basis."""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from inr.frequency import OctaveBands

# Eigenvectors that are transformed at once.
VECTORS = 256


def fourier_energies(kernel: Tensor, shape: Sequence[int]) -> Tensor:
    r"""Rayleigh quotient of a kernel with each vector of the discrete Fourier basis.

    .. math::
        q_k^H K q_k = \frac1n \sum_d e^{-2\pi i \sum_a k_a d_a / n_a} \sum_j K_{j,\, j-d},
        \qquad q_k = n^{-1/2} \left(e^{2\pi i \sum_a k_a j_a / n_a}\right)_j

    with lags d that wrap around the lattice: one transform of the kernel's mean over translations.
    They sum to the trace. For a kernel that depends on the lag alone they are the eigenvalues.

    Args:
        kernel: Symmetric kernel of the lattice's points. Of another matrix, only the symmetric part
            counts.
        shape: Cells per axis of the lattice, whose points are in C order.

    Shape:
        ``(n, n) -> (n,)``, in the order of a flattened ``fftn``.

    Raises:
        ValueError: The lattice has another number of points than the kernel.
    """
    _check_points(kernel, shape)
    axes = tuple(range(len(shape)))
    lag_sums = kernel.new_zeros(tuple(shape))
    for row, cell in zip(kernel, itertools.product(*map(range, shape)), strict=True):
        lag_sums += row.reshape(tuple(shape)).roll([-position for position in cell], axes)
    return torch.fft.fftn(lag_sums, norm="forward").real.flatten()


def band_eigenvalues(kernel: Tensor, shape: Sequence[int]) -> Tensor:
    r"""Mean of :func:`fourier_energies` over each octave band: the rate at which it is learned.

    Take an error that lies in one band, with equal energy and independent phases at each frequency
    of the band. Under the gradient flow of half the sum of squares, it starts to decay as
    :math:`e^{-\lambda_b t}` on average.

    Args:
        kernel: Symmetric kernel of the lattice's points.
        shape: Cells per axis of the lattice, whose points are in C order.

    Shape:
        ``(n, n) -> (num_bands,)``

    Raises:
        ValueError: The lattice has another number of points than the kernel.
    """
    return OctaveBands(shape, kernel.device).mean(fourier_energies(kernel, shape))


def fourier_content(eigenvectors: Tensor, shape: Sequence[int]) -> Tensor:
    r"""Share of each eigenvector's energy in each octave band.

    .. math:: p_{ib} = \sum_{k \in b} |q_k^H v_i|^2

    Args:
        eigenvectors: Columns of norm 1, with a row for each point of the lattice.
        shape: Cells per axis of the lattice, whose points are in C order.

    Shape:
        ``(n, m) -> (m, num_bands)``; rows sum to 1.

    Raises:
        ValueError: The lattice has another number of points than the vectors.
    """
    _check_points(eigenvectors, shape)
    bands = OctaveBands(shape, eigenvectors.device)
    axes = tuple(range(1, 1 + len(shape)))
    shares = []
    for vectors in eigenvectors.mT.split(VECTORS):
        transform = torch.fft.fftn(vectors.reshape(-1, *shape), dim=axes, norm="ortho")
        shares.append(bands.sum(transform.abs().square().flatten(1)))
    return torch.cat(shares)


def _check_points(matrix: Tensor, shape: Sequence[int]) -> None:
    if len(matrix) != math.prod(shape):
        raise ValueError(
            f"a matrix of {len(matrix)} rows is on a lattice of {'x'.join(map(str, shape))}; "
            f"expected {math.prod(shape)} rows, one per point."
        )
