"""The leading eigenpairs of a symmetric operator, by products alone."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from inr.argument import check_count, check_positive
from inr.ntk.spectrum.krylov import (
    KrylovSpace,
    RitzPairs,
    SymmetricOperator,
    check_pairs,
    check_square,
)

# Chance, at most, that an eigenvector which the Krylov space lacks escapes the search for it.
ESCAPE = 1e-3
# Eigenvalues are zero, for all that products can tell, below so many times their rounding.
LOST = 10.0
# Steps that a search is given room for; few need as many.
SEARCH_STEPS = 16


class Eigenpairs(NamedTuple):
    """Leading eigenpairs, as far as they are known.

    Attributes:
        eigenvalues: ``(k,)``, descending, in float64 on the CPU.
        eigenvectors: ``(rows, k)``, orthonormal columns, of the operator's dtype and device.
        residuals: ``(k,)`` norms of K q - λ q, in float64 on the CPU: within that of λ there is an
            eigenvalue.
    """

    eigenvalues: Tensor
    eigenvectors: Tensor
    residuals: Tensor


def leading_eigenpairs(
    operator: SymmetricOperator,
    k: int,
    *,
    tolerance: float = 1e-3,
    block_size: int = 1,
    max_products: int | None = None,
    max_basis: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Eigenpairs:
    r"""The k largest eigenvalues and their eigenvectors, by the block Lanczos method.

    The Krylov space of a random block grows until every wanted pair has converged:

    .. math:: \|K q_i - \lambda_i q_i\| \le \max(\text{tolerance} \cdot |\lambda_i|,\; \rho)

    with the rounding ρ of the products: the dtype's eps times the largest eigenvalue, or the
    asymmetry of :math:`Q^\top K Q` where that is more. It ends the wait for eigenvalues that are
    zero, or too small for the dtype.

    A Krylov space holds no more copies of an eigenvalue than its first block has vectors. So a
    random block then starts a chain of its own outside of what was found, which goes on until an
    eigenvector with an eigenvalue above the k-th would have shown in it, but for a chance of 1e-3.
    If one shows, the wanted pairs converge anew and another search follows. Eigenvalues hence come
    with their multiplicities, whatever the block size.

    Each vector is orthogonalised twice against the whole basis, which stays on the device.

    Args:
        operator: K, symmetric.
        k: Pairs, at most the rows.
        tolerance: Residual that is allowed, in units of the eigenvalue. An isolated eigenvalue is
            then much better known: its error is the residual's square over the gap.
        block_size: Vectors of a product. One needs the fewest vectors in all.
        max_products: Vectors to multiply, at most. The pairs are then returned as they are, with
            the residuals that they have, and copies of an eigenvalue may be missing. None is
            512 + 16 k.
        max_basis: Vectors to hold, at most. When they are more, the best Ritz vectors are kept and
            the rest is forgotten (a thick restart). None is 512, or more where k asks for it.
        seed: Seed of the random blocks.
        progress: Called after each product with the vectors multiplied and the pairs converged.

    Raises:
        ValueError: K is not square, an argument is out of range, or a product is not finite.

    References:
        Golub and Van Loan 2013, "Matrix Computations", section 10.3; Wu and Simon 2000,
        "Thick-restart Lanczos method for large symmetric eigenvalue problems".
    """
    rows = check_square(operator)
    check_pairs(k, rows)
    check_positive("tolerance", tolerance)
    check_count("block_size", block_size)
    limit = 512 + 16 * k if max_products is None else check_count("max_products", max_products, k)
    # The wanted pairs, the blocks that as many searches leave behind, and one more search.
    fewest = min(rows, k + (k + 2 * SEARCH_STEPS) * block_size)
    capacity = max(512, 2 * fewest) if max_basis is None else max_basis
    space = KrylovSpace(operator, min(rows, check_count("max_basis", capacity, fewest)))
    generator = torch.Generator().manual_seed(seed)
    search: _Search | None = None
    products = 0
    while space.explored < rows and products < limit:
        if space.lacks_room(2 * block_size):
            # A chain cannot go on without its beginning, which this forgets.
            search = None
            _compress(space, k)
            if space.lacks_room(2 * block_size):
                break
        if not space.frontier:
            space.add_random(block_size, generator)
        if search is None:
            width = _turn_to_residuals(space, k, block_size, tolerance)
        else:
            width = search.turn_frontier()
        width = min(width, limit - products)
        space.expand(width)
        products += width
        pairs = space.ritz(k)
        allowed = _allowed_residuals(pairs, tolerance)
        converged = int((pairs.residuals <= allowed).sum())
        if progress is not None:
            progress(products, converged)
        level = (pairs.values + allowed)[-1].item()
        if search is not None:
            search.record(width)
        if converged < k or (search is not None and search.largest > level):
            search = None
        elif search is not None:
            if search.escape(level) <= ESCAPE:
                break
        elif space.size < rows:
            if space.lacks_room(SEARCH_STEPS * block_size):
                _compress(space, k)
            search = _Search(space, block_size, generator)
    pairs = space.ritz(k)
    return Eigenpairs(pairs.values, space.lift(pairs.coordinates), pairs.residuals)


def _allowed_residuals(pairs: RitzPairs, tolerance: float) -> Tensor:
    sizes, zero = pairs.values.abs(), LOST * pairs.rounding
    return torch.where(sizes < zero, zero, (tolerance * sizes).clamp(min=pairs.rounding))


def _turn_to_residuals(space: KrylovSpace, k: int, width: int, tolerance: float) -> int:
    """Brings what the wanted pairs lack most to the frontier's beginning; returns its width."""
    if space.frontier <= width:
        return space.frontier
    pairs = space.ritz(k)
    outside = space.images[space.explored : space.size, : space.explored] @ pairs.coordinates
    rotation, _, _ = torch.linalg.svd(outside / _allowed_residuals(pairs, tolerance))
    space.turn_frontier(rotation)
    return width


def _compress(space: KrylovSpace, k: int) -> None:
    """Keeps the wanted pairs, and of the others those that fill a third of the room."""
    others = max(0, space.capacity - space.frontier - k) // 3
    space.compress(space.ritz(k + others))


class _Search:
    r"""A random chain outside of what was explored, and whether an eigenvector can hide from it.

    From a random block :math:`V_1` of b vectors in the N dimensions that are left, the chain builds
    :math:`V = [V_1 \dots V_s]`, the block tridiagonal :math:`T = V^\top K V`, and the next block F
    with its coupling R. An eigenvector u with eigenvalue λ that is not in the explored part obeys
    :math:`V^\top (K - \lambda) u = 0`. Hence

    .. math:: \|V_1^\top u\| = \|E_1^\top (\lambda - T)^{-1} E_s R^\top F^\top u\|
        \le \|E_1^\top (\lambda - T)^{-1} E_s R^\top\|,

    a bound that falls by a factor with each step when T has no eigenvalue near λ. For a random
    block, however, :math:`N \|V_1^\top u\|^2` follows, nearly, a χ² law of b degrees of freedom: a
    small bound makes it improbable that u is there.

    Args:
        space: What was found so far.
        width: b.
        generator: Of the random block.
    """

    def __init__(self, space: KrylovSpace, width: int, generator: torch.Generator) -> None:
        self._space = space
        self._dimensions = space.rows - space.explored
        self._first = space.add_random(width, generator)
        self._tridiagonal = torch.zeros(0, 0, dtype=torch.float64)
        # Of the chain's last block with the frontier, and then with the chain's next block.
        self._coupling = torch.zeros(self._first, 0, dtype=torch.float64)

    def turn_frontier(self) -> int:
        """Brings the chain's next block to the frontier's beginning; returns its width."""
        if not len(self._tridiagonal):
            return self._first
        rotation, lengths, _ = torch.linalg.svd(self._coupling)
        # Before the frontier turns, of which the coupling is a view.
        self._coupling = rotation[:, : len(lengths)].mT @ self._coupling
        self._space.turn_frontier(rotation)
        return len(lengths)

    def record(self, width: int) -> None:
        """Takes up the step by which the space was expanded."""
        images, last = self._space.images, slice(self._space.explored - width, self._space.explored)
        old = len(self._tridiagonal)
        # Its lower triangle: that is the one that eigh reads.
        self._tridiagonal = torch.block_diag(self._tridiagonal, images[last, last])
        self._tridiagonal[old:, old - self._coupling.shape[1] : old] = self._coupling[:width]
        self._coupling = images[self._space.explored : self._space.size, last]
        self._values, self._vectors = torch.linalg.eigh(self._tridiagonal)

    @property
    def largest(self) -> float:
        """The largest eigenvalue in the chain."""
        return self._values[-1].item()

    def escape(self, level: float) -> float:
        """Chance, at most, that there is an eigenvector with an eigenvalue above ``level``.

        Args:
            level: More than :attr:`largest`.
        """
        if not self._coupling.any():
            return 0.0
        first, last = self._vectors[: self._first], self._vectors[-self._coupling.shape[1] :]
        bound = torch.linalg.norm(first / (level - self._values) @ last.mT @ self._coupling.mT, 2)
        half_width = torch.tensor(self._first / 2, dtype=torch.float64)
        return torch.special.gammainc(half_width, self._dimensions / 2 * bound**2).item()
