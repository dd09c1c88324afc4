"""Shares of a target along a kernel's eigenvectors, and the kernel's alignment with it."""

import torch
from torch import Tensor


def mode_energies(eigenvectors: Tensor, target: Tensor) -> Tensor:
    r"""Shares of the target's energy along eigenvectors.

    .. math:: \frac{\sum_o (q_i^\top y_o)^2}{\sum_o \|y_o\|^2}

    The shares of all n eigenvectors sum to 1. A target of zeros has the share 0 everywhere.

    Args:
        eigenvectors: ``(n, m)`` orthonormal columns.
        target: ``(n,)``, or ``(n, c)`` for the kernel that is the mean over c outputs. For the
            kernel of all pairs of outputs, flatten it.

    Shape:
        ``(m,)``, in float64 on the CPU.

    Raises:
        ValueError: The target has another number of rows than the eigenvectors.
    """
    columns = _as_columns(target, len(eigenvectors)).to(eigenvectors)
    parts = (eigenvectors.mT @ columns).cpu().double().square().sum(dim=1)
    whole = columns.cpu().double().square().sum()
    return parts / whole if whole > 0 else parts


def cumulative_energy(energies: Tensor) -> Tensor:
    """Shares of the energy that lie along the first i eigenvectors, for each i.

    Args:
        energies: ``(m,)`` shares from :func:`mode_energies`.

    Shape:
        ``(m,)``.
    """
    return energies.cumsum(dim=0)


def kernel_target_alignment(kernel: Tensor, target: Tensor) -> float:
    r"""The cosine between a kernel and the kernel of its target.

    .. math:: \frac{\langle K, Y Y^\top \rangle_F}{\|K\|_F \, \|Y Y^\top\|_F}

    It is between 0 and 1 for a positive semidefinite K, and 0 when K or Y is zero.

    Args:
        kernel: ``(n, n)`` kernel K.
        target: ``(n,)`` or ``(n, c)`` target Y.

    Raises:
        ValueError: The target has another number of rows than the kernel.

    References:
        Cristianini et al. 2001, "On Kernel-Target Alignment", definition 1.
    """
    columns = _as_columns(target, len(kernel)).to(kernel)
    # Y^T Y has the norm of Y Y^T, and is small.
    lengths = torch.linalg.norm(kernel) * torch.linalg.norm(columns.mT @ columns)
    return ((kernel @ columns * columns).sum() / lengths).item() if lengths > 0 else 0.0


def _as_columns(target: Tensor, rows: int) -> Tensor:
    if target.ndim not in (1, 2) or len(target) != rows:
        raise ValueError(
            f"the target has shape {tuple(target.shape)}; expected ({rows},) or ({rows}, c), a row "
            "for each of the kernel's. For the kernel of all pairs of outputs, flatten it."
        )
    return target[:, None] if target.ndim == 1 else target
