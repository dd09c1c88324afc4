"""The parameters' move under gradient descent, from products with the Jacobian alone."""

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from inr.argument import check_count, check_positive

# Iterations between two checks of convergence.
CHECK_EVERY = 8
# What is left of a vector after orthogonalisation counts as rounding if its length is below this
# multiple of the dtype's eps times the vector's length.
BREAKDOWN = 10.0


class Jacobian(Protocol):
    """A matrix that is given by its products from both sides."""

    def matmul(self, block: Tensor) -> Tensor:
        """The product ``(columns, k) -> (rows, k)``."""

    def rmatmul(self, block: Tensor) -> Tensor:
        """The product of the transpose, ``(rows, k) -> (columns, k)``."""


class ParameterMove(NamedTuple):
    """An approximation of the parameters' move under gradient descent.

    Attributes:
        move: ``(columns,)`` change of the parameters.
        iterations: Number of products from each side.
        residual: Length of the part of the gradient after the move that lies outside of the
            searched space, relative to the first gradient. It is zero when the move is exact.
        converged: Whether the residual is within the tolerance.
        eigenvalues: Eigenvalues of the kernel within the searched space, descending.
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

    The process of Golub and Kahan makes a lower bidiagonal B with :math:`J V = U B`. The move is
    :math:`V g(B^\top B)\, V^\top J^\top r`.

    For :math:`g = 1/(\lambda + \mu)` these are the iterates of LSQR, and hence of conjugate
    gradients on :math:`(J^\top J + \mu) \, d\theta = J^\top r`. They converge to the least-squares
    solution of least length, also where J cannot reach r. The gains of t steps are exact after t
    products. V is orthogonalised twice and held: ``max_iterations`` vectors of the parameters.

    Args:
        jacobian: Jacobian J.
        errors: ``(rows,)`` errors r.
        gains: Function g of eigenvalues ``(m,)``, descending, of the kernel J Jᵀ.
        tolerance: Largest residual that counts as converged.
        max_iterations: Largest number of products from each side.
        progress: Called after every eighth iteration with their number and the residual.

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
        if coupling and count % CHECK_EVERY and count < limit:
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
    r"""Multiplies the last vector of the basis and finds the next one.

    Returns:
        The entry of :math:`V^\top J^\top J V` that couples the two, zero when there is no next
        vector; and the last column of U.
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
    # The first pass leaves rounding errors of what it subtracts; the second removes them.
    for _ in range(2):
        rest = rest - (basis[:count] @ rest) @ basis[:count]
    above = rest.norm().item()
    if above <= eps * image.norm().item():
        return 0.0, left
    basis[count] = rest / above
    if count < bidiagonal.shape[1]:
        bidiagonal[count, count] = above
    return above * below, left
