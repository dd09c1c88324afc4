"""How much of a target lies along which of a kernel's eigenvectors."""

import torch
from torch import Tensor


def mode_energies(eigenvectors: Tensor, target: Tensor) -> Tensor:
    r"""Shares of the target's energy along eigenvectors.

    .. math:: \frac{\sum_o (q_i^\top y_o)^2}{\sum_o \|y_o\|^2}

    All n eigenvectors together have the whole energy, 1; fewer have less. A target of zeros has
    no energy anywhere.

    Args:
        eigenvectors: ``(n, m)``, orthonormal columns.
        target: ``(n,)``, or ``(n, c)`` for the kernel that is the mean over c outputs. For the
            kernel of all pairs of outputs, flatten it.

    Shape:
        ``(m,)``, in float64 on the CPU.

    Raises:
        ValueError: The target has another number of rows.
    """
    columns = _as_columns(target, len(eigenvectors)).to(eigenvectors)
    parts = (eigenvectors.mT @ columns).cpu().double().square().sum(dim=1)
    whole = columns.cpu().double().square().sum()
    return parts / whole if whole > 0 else parts


def cumulative_energy(energies: Tensor) -> Tensor:
    """Shares of the energy that lie along the first i eigenvectors, for each i.

    Args:
        energies: ``(m,)`` as :func:`mode_energies` gives them.

    Shape:
        ``(m,)``.
    """
    return energies.cumsum(dim=0)


def kernel_target_alignment(kernel: Tensor, target: Tensor) -> float:
    r"""The cosine between a kernel and the kernel of its target.

    .. math:: \frac{\langle K, Y Y^\top \rangle_F}{\|K\|_F \, \|Y Y^\top\|_F}

    Between 0 and 1 for a positive semidefinite K; 0 when K or Y is zero.

    Args:
        kernel: ``(n, n)``.
        target: Y, ``(n,)`` or ``(n, c)``.

    Raises:
        ValueError: The target has another number of rows.

    References:
        Cristianini et al. 2001, "On Kernel-Target Alignment", definition 1.
    """
    columns = _as_columns(target, len(kernel)).to(kernel)
    # With Y^T Y instead of Y Y^T, which is as large as the kernel.
    lengths = torch.linalg.norm(kernel) * torch.linalg.norm(columns.mT @ columns)
    return ((kernel @ columns * columns).sum() / lengths).item() if lengths > 0 else 0.0


def _as_columns(target: Tensor, rows: int) -> Tensor:
    if target.ndim not in (1, 2) or len(target) != rows:
        raise ValueError(
            f"the target has shape {tuple(target.shape)}; expected ({rows},) or ({rows}, c), a row "
            "for each of the kernel's. For the kernel of all pairs of outputs, flatten it."
        )
    return target[:, None] if target.ndim == 1 else target
