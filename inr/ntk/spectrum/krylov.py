"""A basis that grows by an operator's products, and the operator's projection on it."""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from inr.argument import check_count

# What is left of a product after orthogonalisation counts as rounding if its length is below this
# multiple of the dtype's eps times the product's length.
BREAKDOWN = 10.0


class SymmetricOperator(Protocol):
    """A symmetric matrix that may be given by its products alone, such as a symmetric tensor."""

    @property
    def shape(self) -> tuple[int, ...]:
        """``(rows, rows)``."""

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the blocks that it takes and returns."""

    @property
    def device(self) -> torch.device:
        """Device of the blocks."""

    def __matmul__(self, block: Tensor, /) -> Tensor:
        """The product ``(rows, b) -> (rows, b)``."""


def check_square(operator: SymmetricOperator) -> int:
    """Returns the number of rows of a square operator.

    Raises:
        ValueError: The operator is not square, or has no rows.
    """
    shape = tuple(operator.shape)
    if len(shape) != 2 or shape[0] != shape[1] or not shape[0]:
        raise ValueError(
            f"the kernel has shape {shape}; expected (rows, rows). Flatten its points and outputs."
        )
    return shape[0]


def check_pairs(k: int, rows: int) -> int:
    """Returns a number k of eigenpairs that is at most the number of rows.

    Raises:
        TypeError: k is not a whole number.
        ValueError: k is not positive, or larger than the number of rows.
    """
    if check_count("k", k) > rows:
        raise ValueError(f"k is {k}; expected at most {rows}, the rows of the kernel.")
    return k


def multiply(operator: SymmetricOperator, block: Tensor) -> Tensor:
    """The product of an operator with a block ``(rows, b)``.

    Raises:
        ValueError: The product is not finite.
    """
    product = operator @ block
    if not product.isfinite().all():
        raise ValueError(
            "a product with the kernel is not finite; expected finite numbers. Look for infinities "
            "and NaN in the weights and the points."
        )
    return product


class RitzPairs(NamedTuple):
    """Approximations of the operator's eigenpairs within a subspace, in float64 on the CPU.

    Attributes:
        values: ``(k,)`` Ritz values, descending.
        coordinates: ``(explored, k)`` Ritz vectors, in the basis.
        residuals: ``(k,)`` norms of K q - λ q.
        rounding: Error of the products, below which residuals hardly fall.
    """

    values: Tensor
    coordinates: Tensor
    residuals: Tensor
    rounding: float


class KrylovSpace:
    r"""An orthonormal basis Q whose first vectors have been multiplied by the operator K.

    These are the explored vectors. The others are the frontier F, which spans what the products add
    to the explored space:

    .. math:: K Q_{explored} = Q C

    Hence C gives all Ritz pairs and their residuals without another product. This holds too after
    random vectors have joined the frontier, and after the explored part has been compressed.

    Args:
        operator: Operator K, ``(rows, rows)``.
        capacity: Largest number of vectors that are held.

    Attributes:
        size: Number of vectors in the basis.
        explored: Number of explored vectors, which come first.
        images: Coefficients C, ``(size, explored)`` of a larger store, in float64 on the CPU.

    References:
        Stewart 2002, "A Krylov-Schur algorithm for large eigenproblems", whose Krylov decomposition
        this is.
    """

    def __init__(self, operator: SymmetricOperator, capacity: int) -> None:
        self.operator = operator
        self.rows = operator.shape[0]
        self.capacity = capacity
        self.size = self.explored = 0
        self.images = torch.zeros(capacity, capacity, dtype=torch.float64)
        # A row for each vector keeps vectors contiguous, and touches memory only as they are added.
        self._basis = torch.empty(capacity, self.rows, dtype=operator.dtype, device=operator.device)

    @property
    def frontier(self) -> int:
        """Number of vectors that are not explored."""
        return self.size - self.explored

    def lacks_room(self, count: int) -> bool:
        """Whether so many more vectors would exceed the capacity."""
        return min(self.rows, self.size + count) > self.capacity

    def add_random(self, count: int, generator: torch.Generator) -> int:
        """Adds random vectors outside of the explored space, at the frontier's beginning.

        The frontier is rotated so that it contains them: they are isotropic outside of the explored
        space.

        Returns:
            The number of vectors added, below ``count`` when the basis becomes complete.
        """
        count = min(count, self.rows - self.size)
        coordinates = torch.zeros(self.frontier + count, count, dtype=torch.float64)
        # Drawn on the CPU, so that a seed means the same on every device.
        for column, vector in enumerate(torch.randn(count, self.rows, generator=generator)):
            rest, inside = self._orthogonalise(self._like_basis(vector))
            coordinates[: self.frontier, column] = inside[self.explored :].cpu().double()
            coordinates[self.frontier, column] = rest.norm().item()
            self._append(rest / rest.norm())
        self.turn_frontier(torch.linalg.qr(coordinates, mode="complete").Q)
        return count

    def turn_frontier(self, rotation: Tensor) -> None:
        """Replaces the frontier F by F R.

        Args:
            rotation: Orthogonal matrix R, ``(frontier, frontier)``, in float64 on the CPU.
        """
        rows = slice(self.explored, self.size)
        self._basis[rows] = self._like_basis(rotation.mT) @ self._basis[rows]
        self.images[rows, : self.explored] = rotation.mT @ self.images[rows, : self.explored]

    def expand(self, width: int) -> None:
        """Multiplies the first vectors of the frontier, and appends new directions to it.

        Args:
            width: Number of vectors in this product.

        Raises:
            ValueError: The product is not finite.
        """
        vectors = self._basis[self.explored : self.explored + width]
        for image in multiply(self.operator, vectors.mT.contiguous()).mT:
            rest, coordinates = self._orthogonalise(image)
            self.images[: self.size, self.explored] = coordinates.cpu().double()
            length = rest.norm().item()
            rounding = BREAKDOWN * torch.finfo(rest.dtype).eps * image.norm().item()
            if length > rounding and self.size < self.rows:
                self.images[self.size, self.explored] = length
                self._append(rest / length)
            self.explored += 1

    def ritz(self, k: int) -> RitzPairs:
        """The k leading Ritz pairs, or all when fewer vectors are explored."""
        square = self.images[: self.explored, : self.explored]
        values, vectors = torch.linalg.eigh((square + square.mT) / 2)
        eps = torch.finfo(self._basis.dtype).eps * values.abs().max().item()
        values, vectors = values.flip(0)[:k], vectors.flip(1)[:, :k]
        residuals = self.images[: self.size, : self.explored] @ vectors
        residuals[: self.explored] -= vectors * values
        # The products of a symmetric operator are asymmetric by their rounding errors alone.
        asymmetry = (square - square.mT) @ vectors
        rounding = max(eps, asymmetry.norm(dim=0).max().item())
        return RitzPairs(values, vectors, residuals.norm(dim=0), rounding)

    def lift(self, coordinates: Tensor) -> Tensor:
        """Vectors ``(rows, k)`` from their ``(explored, k)`` coordinates."""
        return (self._like_basis(coordinates.mT) @ self._basis[: self.explored]).mT

    def compress(self, pairs: RitzPairs) -> None:
        """Replaces the explored vectors by these Ritz vectors. The frontier stays."""
        kept, frontier = len(pairs.values), slice(self.explored, self.size)
        couplings = self.images[frontier, : self.explored] @ pairs.coordinates
        basis = torch.cat([self.lift(pairs.coordinates).mT, self._basis[frontier]])
        self.explored, self.size = kept, len(basis)
        self._basis[: self.size] = basis
        self.images.zero_()
        self.images[:kept, :kept] = torch.diag(pairs.values)
        self.images[kept : self.size, :kept] = couplings

    def _orthogonalise(self, vector: Tensor) -> tuple[Tensor, Tensor]:
        """The part of a vector outside of the basis, and its coordinates within."""
        basis = self._basis[: self.size]
        coordinates = torch.zeros_like(basis[:, 0])
        # The first pass leaves rounding errors of what it subtracts; the second removes them.
        for _ in range(2):
            part = basis @ vector
            vector = vector - part @ basis
            coordinates += part
        return vector, coordinates

    def _append(self, vector: Tensor) -> None:
        self._basis[self.size] = vector
        self.size += 1

    def _like_basis(self, tensor: Tensor) -> Tensor:
        # The dtype changes first, since not every device has float64.
        return tensor.to(self._basis.dtype).to(self._basis.device)
