"""Matrices made orthogonal, as far as Muon needs it."""

from collections.abc import Sequence

import torch
from torch import Tensor

from inr.precision import has_fast_bfloat16

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
EPS = 1e-7


def orthogonalize(matrices: Tensor, steps: int) -> Tensor:
    r"""The nearest orthogonal matrix U Vᵀ of each matrix U S Vᵀ, nearly, by Newton-Schulz steps.

    .. math::
        X_0 = G / \|G\|_F, \quad X_{k+1} = (a + b A_k + c A_k^2) X_k, \quad A_k = X_k X_k^\top

    Five steps take singular values above 1/500 of the norm to between 0.68 and 1.21, and multiply
    the smallest by 485 over the norm. A tall matrix is transposed, so that A has its short side.
    float64 stays what it is; other dtypes are computed in bfloat16 where the device is fast at it,
    else in float32.

    Args:
        matrices: G, one or many.
        steps: How many.

    Shape:
        ``(..., r, c) -> (..., r, c)``, in the dtype that was computed in.

    References:
        Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks",
        https://kellerjordan.github.io/posts/muon/.
    """
    a, b, c = COEFFICIENTS
    is_tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.to(_dtype(matrices))
    x = x.mT if is_tall else x
    x = x / torch.linalg.vector_norm(x, dim=(-2, -1), keepdim=True).clamp(min=EPS)
    shape = x.shape
    # A batch of one takes longer than the matrix itself.
    x = x.reshape(-1, *shape[-2:]) if shape[:-2].numel() > 1 else x.reshape(shape[-2:])
    multiply_add = torch.addmm if x.ndim == 2 else torch.baddbmm
    for _ in range(steps):
        gram = x @ x.mT
        x = multiply_add(x, multiply_add(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    x = x.view(shape)
    return x.mT if is_tall else x


def orthogonalize_all(matrices: Sequence[Tensor], steps: int) -> list[Tensor]:
    """:func:`orthogonalize` of each; those of one shape are one batch, which takes less time."""
    batches: dict[tuple[torch.Size, torch.dtype, torch.device], list[int]] = {}
    for number, matrix in enumerate(matrices):
        key = (matrix.shape, matrix.dtype, matrix.device)
        batches.setdefault(key, []).append(number)
    results: dict[int, Tensor] = {}
    for numbers in batches.values():
        batch = torch.stack([matrices[number] for number in numbers])
        results |= dict(zip(numbers, orthogonalize(batch, steps), strict=True))
    return [results[number] for number in range(len(matrices))]


def orthogonal_gains(singular_values: Tensor, steps: int) -> Tensor:
    """What :func:`orthogonalize` multiplies each singular value of a matrix by: all are above 0.

    Args:
        singular_values: ``(..., k)``, all of each matrix.
        steps: Of Newton-Schulz.

    Shape:
        ``(..., k)``.
    """
    a, b, c = COEFFICIENTS
    norms = torch.linalg.vector_norm(singular_values, dim=-1, keepdim=True).clamp(min=EPS)
    gains = (1 / norms).expand_as(singular_values)
    for _ in range(steps):
        squares = (singular_values * gains).square()
        gains = gains * (a + b * squares + c * squares.square())
    return gains


def _dtype(matrices: Tensor) -> torch.dtype:
    if matrices.dtype == torch.float64:
        return torch.float64
    return torch.bfloat16 if has_fast_bfloat16(matrices.device) else torch.float32
