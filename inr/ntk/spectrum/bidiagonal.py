"""How far descent moves the parameters, by products with the Jacobian alone."""

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from inr.argument import check_count, check_positive

# Products between two looks at what has converged.
LOOK = 8
# A vector is rounding below so many of the dtype's eps of what it was left by.
BREAKDOWN = 10.0


class Jacobian(Protocol):
    """A matrix that is known by its products from both sides."""

    def matmul(self, block: Tensor) -> Tensor:
        """``(columns, k) -> (rows, k)``."""

    def rmatmul(self, block: Tensor) -> Tensor:
        """``(rows, k) -> (columns, k)``, of the transpose."""


class ParameterMove(NamedTuple):
    """Where descent takes the parameters, as far as it is known.

    Attributes:
        move: ``(columns,)``.
        iterations: Products from each side.
        residual: The part of the gradient there that lies outside of the space searched so far, in
            units of the first gradient: zero when the move is exact.
        converged: Whether that is within the tolerance.
        eigenvalues: Of the kernel within that space, descending.
    """

    move: Tensor
    iterations: int
    residual: float
    converged: bool
    eigenvalues: Tensor


def parameter_move(
    jacobian: Jacobian,
    errors: Tensor,
    gains: Callable[[Tensor], Tensor],
    *,
    tolerance: float = 1e-8,
    max_iterations: int = 300,
    progress: Callable[[int, float], None] | None = None,
) -> ParameterMove:
    r"""The move :math:`J^\top g(J J^\top) r` of the parameters, with gains g of each mode.

    Golub and Kahan's process brings J to a lower bidiagonal :math:`J V = U B`, and the move is

    .. math:: V g(B^\top B)\, V^\top J^\top r

    For :math:`g = 1/(\lambda + \mu)` those are the iterates of LSQR, and hence of conjugate
    gradients on :math:`(J^\top J + \mu) \, d\theta = J^\top r`, which has the least-squares
    solution of least length also where r cannot be reached; gains of t steps are met exactly after
    t products. V is orthogonalised twice, and held: ``max_iterations`` vectors of the parameters.

    Args:
        jacobian: J.
        errors: ``(rows,)`` r.
        gains: g of eigenvalues ``(m,)``, descending, of the kernel J Jᵀ.
        tolerance: Residual that is allowed.
        max_iterations: Products from each side, at most.
        progress: Called after every eighth with the products so far and the residual.

    Raises:
        ValueError: A product is not finite, or an argument is out of range.

    References:
        Golub and Kahan 1965, "Calculating the singular values and pseudo-inverse of a matrix";
        Paige and Saunders 1982, "LSQR: An algorithm for sparse linear equations and sparse least
        squares".
    """
    check_positive("tolerance", tolerance)
    check_count("max_iterations", max_iterations)
    gradient = jacobian.rmatmul(errors[:, None])[:, 0]
    slope, size = gradient.norm().item(), errors.norm().item()
    limit = min(max_iterations, len(errors), len(gradient))
    if slope == 0:
        return ParameterMove(gradient, 0, 0.0, True, gradient.new_zeros(0).double().cpu())
    basis = gradient.new_empty(limit + 1, len(gradient))
    basis[0] = gradient / slope
    left = errors / size
    bidiagonal = torch.zeros(limit + 1, limit, dtype=torch.float64)
    bidiagonal[0, 0] = slope / size
    for count in range(1, limit + 1):
        coupling, left = _expand(jacobian, basis, bidiagonal, left, count)
        if coupling and count % LOOK and count < limit:
            continue
        _, scales, modes = torch.linalg.svd(bidiagonal[: count + 1, :count], full_matrices=False)
        weights = modes.mT @ (gains(scales.square()) * modes[:, 0]) * slope
        residual = coupling * abs(weights[-1].item()) / slope
        if progress is not None:
            progress(count, residual)
        if residual <= tolerance:
            break
    move = weights.to(basis) @ basis[:count]
    return ParameterMove(move, count, residual, residual <= tolerance, scales.square())


def _expand(
    jacobian: Jacobian, basis: Tensor, bidiagonal: Tensor, left: Tensor, count: int
) -> tuple[float, Tensor]:
    r"""Multiplies the basis's last vector and finds the next; zero when there is none.

    Returns:
        How :math:`J^\top J` couples the two, and the last column of U.
    """
    eps = BREAKDOWN * torch.finfo(basis.dtype).eps
    vector, diagonal = basis[count - 1], bidiagonal[count - 1, count - 1].item()
    image = jacobian.matmul(vector[:, None])[:, 0]
    rest = image - diagonal * left
    below = rest.norm().item()
    if not math.isfinite(below):
        raise ValueError(
            "a product with the Jacobian is not finite; expected finite numbers. Look for "
            "infinities and NaN in the weights and the points."
        )
    if below <= eps * image.norm().item():
        return 0.0, left
    bidiagonal[count, count - 1] = below
    left = rest / below
    image = jacobian.rmatmul(left[:, None])[:, 0]
    rest = image
    # Once leaves the rounding of what it takes away; twice is enough.
    for _ in range(2):
        rest = rest - (basis[:count] @ rest) @ basis[:count]
    above = rest.norm().item()
    if above <= eps * image.norm().item():
        return 0.0, left
    basis[count] = rest / above
    if count < bidiagonal.shape[1]:
        bidiagonal[count, count] = above
    return above * below, left
