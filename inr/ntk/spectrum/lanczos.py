"""The leading eigenpairs of a symmetric operator from products alone."""

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

# Largest allowed chance that the search misses an eigenvector outside of the Krylov space.
ESCAPE = 1e-3
# Eigenvalues below this multiple of the products' rounding count as zero.
LOST = 10.0
# Steps for which a search has room in the basis; few searches take as many.
SEARCH_STEPS = 16


class Eigenpairs(NamedTuple):
    """Approximations of the leading eigenpairs.

    Attributes:
        eigenvalues: ``(k,)`` eigenvalues, descending, in float64 on the CPU.
        eigenvectors: ``(rows, k)`` orthonormal columns, of the operator's dtype and device.
        residuals: ``(k,)`` norms of K q - λ q, in float64 on the CPU. An exact eigenvalue lies
            within this distance of λ.
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
    asymmetry of :math:`Q^\top K Q` where that is more. With ρ, eigenvalues that are zero or too
    small for the dtype converge too.

    A Krylov space holds at most as many copies of an eigenvalue as its first block has vectors.
    Therefore a search follows: a random block starts a second chain outside of the found space.
    The chain grows until it would show any missing eigenvector with an eigenvalue above the k-th,
    but for a chance of 1e-3. If it shows one, the wanted pairs converge anew and another search
    follows. So eigenvalues come with their multiplicities, for every block size.

    Each vector is orthogonalised twice against the whole basis, which stays on the device.

    Args:
        operator: Symmetric operator K.
        k: Number of pairs, at most the rows.
        tolerance: Largest residual of a converged pair, relative to the eigenvalue. The error of an
            isolated eigenvalue is much smaller: the residual's square over the gap.
        block_size: Number of vectors in a product. A block of one needs the fewest vectors in all.
        max_products: Largest number of vectors to multiply. When it is reached, the pairs are
            returned with the residuals that they have, and copies of an eigenvalue may be missing.
            None is 512 + 16 k.
        max_basis: Largest number of vectors to hold. When it is reached, the best Ritz vectors are
            kept and the others dropped (a thick restart). None is 512, or more for a large k.
        seed: Seed of the random blocks.
        progress: Callback after each product, called with the numbers of vectors multiplied and of
            pairs converged.

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
    # Room for the wanted pairs, a block left behind by the search for each, and one more search.
    fewest = min(rows, k + (k + 2 * SEARCH_STEPS) * block_size)
    capacity = max(512, 2 * fewest) if max_basis is None else max_basis
    space = KrylovSpace(operator, min(rows, check_count("max_basis", capacity, fewest)))
    generator = torch.Generator().manual_seed(seed)
    search: _Search | None = None
    products = 0
    while space.explored < rows and products < limit:
        if space.lacks_room(2 * block_size):
            # Compression drops the beginning of a search's chain, so that the search ends.
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
    """Rotates the largest residuals of the wanted pairs to the frontier's beginning.

    Returns:
        The number of frontier vectors to multiply next.
    """
    if space.frontier <= width:
        return space.frontier
    pairs = space.ritz(k)
    outside = space.images[space.explored : space.size, : space.explored] @ pairs.coordinates
    rotation, _, _ = torch.linalg.svd(outside / _allowed_residuals(pairs, tolerance))
    space.turn_frontier(rotation)
    return width


def _compress(space: KrylovSpace, k: int) -> None:
    """Keeps the wanted pairs, and as many others as fill a third of the remaining room."""
    others = max(0, space.capacity - space.frontier - k) // 3
    space.compress(space.ritz(k + others))


class _Search:
    r"""A search for eigenvectors outside of the explored space, by a random chain.

    From a random block :math:`V_1` of b vectors in the N dimensions that are left, the chain builds
    :math:`V = [V_1 \dots V_s]`, the block tridiagonal :math:`T = V^\top K V`, and the next block F
    with its coupling R. An eigenvector u with eigenvalue λ outside of the explored space obeys
    :math:`V^\top (K - \lambda) u = 0`. Hence

    .. math:: \|V_1^\top u\| = \|E_1^\top (\lambda - T)^{-1} E_s R^\top F^\top u\|
        \le \|E_1^\top (\lambda - T)^{-1} E_s R^\top\|,

    a bound that falls by a factor with each step when T has no eigenvalue near λ. For a random
    block, however, :math:`N \|V_1^\top u\|^2` nearly follows a χ² law of b degrees of freedom.
    Therefore a small bound makes it improbable that such a u exists.

    Args:
        space: Krylov space of the search; the chain is built in its frontier.
        width: Number b of vectors in the random block.
        generator: Generator of the random block.
    """

    def __init__(self, space: KrylovSpace, width: int, generator: torch.Generator) -> None:
        self._space = space
        self._dimensions = space.rows - space.explored
        self._first = space.add_random(width, generator)
        self._tridiagonal = torch.zeros(0, 0, dtype=torch.float64)
        # Coupling of the chain's last block with the frontier; turn_frontier reduces it to the
        # chain's next block.
        self._coupling = torch.zeros(self._first, 0, dtype=torch.float64)

    def turn_frontier(self) -> int:
        """Rotates the chain's next block to the frontier's beginning, and returns its width."""
        if not len(self._tridiagonal):
            return self._first
        rotation, lengths, _ = torch.linalg.svd(self._coupling)
        # This comes first: the coupling is a view of images that the rotation changes.
        self._coupling = rotation[:, : len(lengths)].mT @ self._coupling
        self._space.turn_frontier(rotation)
        return len(lengths)

    def record(self, width: int) -> None:
        """Records the last expansion of the space as a step of the chain.

        Args:
            width: Number of vectors in the expansion.
        """
        images, last = self._space.images, slice(self._space.explored - width, self._space.explored)
        old = len(self._tridiagonal)
        # Only the lower triangle is filled, which eigh reads.
        self._tridiagonal = torch.block_diag(self._tridiagonal, images[last, last])
        self._tridiagonal[old:, old - self._coupling.shape[1] : old] = self._coupling[:width]
        self._coupling = images[self._space.explored : self._space.size, last]
        self._values, self._vectors = torch.linalg.eigh(self._tridiagonal)

    @property
    def largest(self) -> float:
        """The largest Ritz value of the chain."""
        return self._values[-1].item()

    def escape(self, level: float) -> float:
        """Bound on the chance that an eigenvector with an eigenvalue above ``level`` is missing.

        Args:
            level: A number above :attr:`largest`.
        """
        if not self._coupling.any():
            return 0.0
        first, last = self._vectors[: self._first], self._vectors[-self._coupling.shape[1] :]
        bound = torch.linalg.norm(first / (level - self._values) @ last.mT @ self._coupling.mT, 2)
        half_width = torch.tensor(self._first / 2, dtype=torch.float64)
        return torch.special.gammainc(half_width, self._dimensions / 2 * bound**2).item()
