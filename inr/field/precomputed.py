"""Precomputed features: an encoding on a lattice, cached or factored by axis."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from inr.encoding import Encoding, FourierEncoding
from inr.lattice import lattice_points

# Features at once while a cache is made, and complex numbers that a core multiplies at once.
CHUNK = 2**20
BLOCK = 2**15


class CachedFeatures:
    """Features of every point of a lattice, made once by the encoding itself.

    In float32 and float64 they are what the encoding gives, in a shorter dtype their rounding.

    Args:
        encoding: γ, as it is now, on ``device``.
        lattice: Cells per axis, in array order: ``(H, W)``, ``(D, H, W)``.
        dtype: Dtype of the features. Points are float64 for float64, and float32 for all others.
        device: Device of the features.

    Attributes:
        features: ``(N, m)``, in C order.
    """

    @torch.no_grad()
    def __init__(
        self,
        encoding: Encoding,
        lattice: Sequence[int],
        *,
        dtype: torch.dtype,
        device: torch.device | str,
    ) -> None:
        count = math.prod(lattice)
        self.features = torch.empty(count, encoding.out_features, dtype=dtype, device=device)
        chunk = max(1, CHUNK // encoding.out_features)
        for start in range(0, count, chunk):
            index = torch.arange(start, min(start + chunk, count), device=device)
            points = lattice_points(lattice, index, dtype=_full_precision(dtype))
            self.features[start : start + chunk] = encoding(points)

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the features."""
        return self.features.dtype

    @property
    def nbytes(self) -> int:
        """Memory of the features, in bytes."""
        return self.features.nbytes

    def __call__(self, index: Tensor) -> Tensor:
        """Features of points by their flat positions: ``(n,) -> (n, m)``."""
        return self.features.index_select(0, index)


class FactoredFeatures:
    r"""Fourier features of a lattice's points from one table for each axis.

    .. math:: a_j e^{2\pi i b_j^\top x} = a_j \prod_k e^{2\pi i b_{jk} x_k}

    A table has the cosines and sines of one factor at an axis's cell centres; a point's features
    are a product of complex numbers. The tables are made in float64, so that the result is nearer
    to the exact value than the encoding's own float32 phases.

    Args:
        encoding: γ, as it is now. Its frequencies are not trained.
        lattice: Cells per axis, in array order: ``(H, W)``, ``(D, H, W)``.
        dtype: Dtype of the features. Tables are float64 for float64, and float32 for all others.
        device: Device of the features.

    Attributes:
        tables: One for each axis, in coordinate order: ``(cells, 2m)``, cosines before sines.

    Raises:
        ValueError: The lattice has not as many axes as the encoding takes coordinates.
    """

    @torch.no_grad()
    def __init__(
        self,
        encoding: FourierEncoding,
        lattice: Sequence[int],
        *,
        dtype: torch.dtype,
        device: torch.device | str,
    ) -> None:
        if len(lattice) != encoding.in_features:
            raise ValueError(
                f"the lattice has {len(lattice)} axes; expected {encoding.in_features}, "
                "as many as the encoding takes coordinates."
            )
        self.lattice = tuple(lattice)
        self.dtype = dtype
        frequencies = encoding.frequencies.cpu().double()
        tables = [
            _axis_table(cells, waves)
            for cells, waves in zip(self.lattice[::-1], frequencies.unbind(1), strict=True)
        ]
        tables[0] *= encoding.amplitudes.cpu().double().repeat(2)
        self.tables = [table.to(_full_precision(dtype)).to(device) for table in tables]

    @property
    def nbytes(self) -> int:
        """Memory of the tables, in bytes."""
        return sum(table.nbytes for table in self.tables)

    def __call__(self, index: Tensor) -> Tensor:
        """Features of points by their flat positions: ``(n,) -> (n, 2m)``."""
        width = self.tables[0].shape[1]
        features = torch.empty(len(index), width, dtype=self.dtype, device=index.device)
        cells = torch.unravel_index(index, self.lattice)[::-1]
        rows = _rows_at_once(features)
        parts = (numbers.split(rows) for numbers in (features, *cells))
        for block, *block_cells in zip(*parts, strict=True):
            self._multiply_axes(block_cells, block)
        return features

    def _multiply_axes(self, cells: Sequence[Tensor], out: Tensor) -> None:
        """Writes the features of the points at ``cells`` of the axes to ``out``, ``(n, 2m)``."""
        factors = [
            table.index_select(0, cell) for table, cell in zip(self.tables, cells, strict=True)
        ]
        product = factors[0]
        for number, factor in enumerate(factors[1:], start=2):
            is_result = number == len(factors) and out.dtype == factor.dtype
            product = _multiply(product, factor, out if is_result else torch.empty_like(product))
        if product is not out:
            out.copy_(product)


PrecomputedFeatures = CachedFeatures | FactoredFeatures


def precompute_features(
    encoding: Encoding,
    lattice: Sequence[int],
    *,
    dtype: torch.dtype,
    device: torch.device | str,
    budget: int,
) -> PrecomputedFeatures | None:
    """Features of an encoding on a lattice, in the fastest way that the memory allows.

    Args:
        encoding: γ, as it is now, on ``device``.
        lattice: Cells per axis, in array order.
        dtype: Dtype of the features.
        device: Device of the features.
        budget: Most memory of all features, in bytes.

    Returns:
        Cached features within the budget; beyond it the factored ones of a Fourier encoding. None
        where there is neither, the encoding is trained, or has no more features than coordinates,
        so that there is nothing to save.
    """
    is_trained = any(parameter.requires_grad for parameter in encoding.parameters())
    if is_trained or encoding.out_features <= encoding.in_features:
        return None
    if math.prod(lattice) * encoding.out_features * dtype.itemsize <= budget:
        return CachedFeatures(encoding, lattice, dtype=dtype, device=device)
    # A subclass that overrides `encode` is not separable by axis.
    if isinstance(encoding, FourierEncoding) and type(encoding).encode is FourierEncoding.encode:
        return FactoredFeatures(encoding, lattice, dtype=dtype, device=device)
    return None


def _full_precision(dtype: torch.dtype) -> torch.dtype:
    return torch.float64 if dtype == torch.float64 else torch.float32


def _axis_table(cells: int, waves: Tensor) -> Tensor:
    """``(cells, 2m)`` cosines and sines of ``waves`` cycles per unit at an axis's cell centres."""
    centres = (torch.arange(cells, dtype=waves.dtype) + 0.5) / cells
    phases = 2 * math.pi * torch.outer(centres, waves)
    return torch.cat([phases.cos(), phases.sin()], dim=1)


def _rows_at_once(features: Tensor) -> int:
    """Points to multiply at once: on a CPU, as many as its cores' own caches hold."""
    if features.device.type != "cpu":
        return max(1, len(features))
    return max(1, 2 * BLOCK * torch.get_num_threads() // features.shape[1])


def _multiply(left: Tensor, right: Tensor, out: Tensor) -> Tensor:
    """The product of complex numbers in ``(n, 2m)``, real parts before imaginary ones."""
    (a, b), (c, d), (real, imaginary) = (pair.chunk(2, dim=1) for pair in (left, right, out))
    torch.mul(a, c, out=real).addcmul_(b, d, value=-1)
    torch.mul(b, c, out=imaginary).addcmul_(a, d)
    return out
