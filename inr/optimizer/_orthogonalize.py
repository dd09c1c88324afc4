"""Orthogonal matrices near given ones, as accurately as Muon needs them."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from inr.precision import has_fast_bfloat16

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
EPS = 1e-7


def orthogonalize(matrices: Float[Tensor, "*batch r c"], steps: int) -> Float[Tensor, "*batch r c"]:
    r"""Approximates the nearest orthogonal matrix U Vᵀ of each matrix U S Vᵀ.

    Newton-Schulz steps are

    .. math::
        X_0 = G / \|G\|_F, \quad X_{k+1} = (a + b A_k + c A_k^2) X_k, \quad A_k = X_k X_k^\top

    Five steps move singular values above 1/500 of the norm to between 0.68 and 1.21, and multiply
    the smallest ones by 485 over the norm. Tall matrices are transposed, so that A is as small as
    possible.

    Args:
        matrices: G, one matrix or many.
        steps: Number of Newton-Schulz steps.

    Returns:
        Matrices in the dtype of the computation: float64 for float64; for other dtypes bfloat16 on
        devices that are fast at it, and float32 on others.

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
    # A batch of one matrix takes longer than the matrix by itself.
    x = x.reshape(-1, *shape[-2:]) if shape[:-2].numel() > 1 else x.reshape(shape[-2:])
    multiply_add = torch.addmm if x.ndim == 2 else torch.baddbmm
    for _ in range(steps):
        gram = x @ x.mT
        x = multiply_add(x, multiply_add(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    x = x.view(shape)
    return x.mT if is_tall else x


def orthogonalize_all(matrices: Sequence[Tensor], steps: int) -> list[Tensor]:
    """Orthogonalises each matrix; those of one shape in one batch, which takes less time."""
    batches: dict[tuple[torch.Size, torch.dtype, torch.device], list[int]] = {}
    for number, matrix in enumerate(matrices):
        key = (matrix.shape, matrix.dtype, matrix.device)
        batches.setdefault(key, []).append(number)
    results: dict[int, Tensor] = {}
    for numbers in batches.values():
        batch = torch.stack([matrices[number] for number in numbers])
        results |= dict(zip(numbers, orthogonalize(batch, steps), strict=True))
    return [results[number] for number in range(len(matrices))]


def orthogonal_gains(
    singular_values: Float[Tensor, "*batch k"], steps: int
) -> Float[Tensor, "*batch k"]:
    """Factors, all above 0, by which :func:`orthogonalize` multiplies singular values.

    Args:
        singular_values: All singular values of each matrix.
        steps: Number of Newton-Schulz steps.
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
