"""Leading eigenpairs of matrices whose eigenvalues are known."""

import numpy as np
import pytest
import scipy.sparse.linalg
import torch
from torch import Tensor

from inr.ntk.spectrum import lanczos
from inr.ntk.spectrum.lanczos import Eigenpairs, leading_eigenpairs
from tests.ntk.planted import Products, plant
from tests.tolerance import assert_close

ROWS, K = 150, 12
MODES = torch.arange(1, ROWS + 1, dtype=torch.float64)


def repeat(values: Tensor, first: int, copies: int) -> Tensor:
    """A spectrum in which the mode ``first`` comes several times."""
    counts = torch.ones(len(values), dtype=torch.long)
    counts[first] = copies
    return values.repeat_interleave(counts)[: len(values)]


SPECTRA: dict[str, Tensor] = {
    "separated": 2.0**-MODES + 1e-9,
    "power law": 1 / MODES,
    "slow power law": MODES**-0.5,
    "exponential": torch.exp(-MODES / 5),
    "flat": torch.ones(ROWS, dtype=torch.float64),
    "two values": (MODES <= 40).double() + 1,
    "a pair": repeat(1 / MODES, 2, 2),
    "a triple": repeat(1 / MODES, 0, 3),
    "twelve": repeat(1 / MODES, 0, 12),
    "pairs": ((MODES + 1) // 2) ** -1,
    "a pair at the edge": repeat(1 / MODES, K - 1, 2),
    "twelve over the edge": repeat(1 / MODES, 5, 12),
    "nearly a pair": torch.cat([torch.tensor([1.0, 1 - 1e-5]).double(), 1 / MODES[1:-1]]),
    "rank 5": torch.where(MODES <= 5, 1 / MODES, 0.0),
    "rank 12": torch.where(MODES <= 12, 1 / MODES, 0.0),
    "zero": torch.zeros(ROWS, dtype=torch.float64),
    "slightly negative": torch.where(MODES <= 5, 1 / MODES, -1e-8 * MODES),
    "negative": -MODES,
}


def assert_found(matrix: Tensor, pairs: Eigenpairs, expected: Tensor) -> None:
    """Asserts that eigenvalues, vectors and residuals are what they claim to be."""
    values, vectors, residuals = pairs.eigenvalues, pairs.eigenvectors.double(), pairs.residuals
    rounding = 20 * torch.finfo(matrix.dtype).eps * expected.abs().max().item()
    assert values.dtype == residuals.dtype == torch.float64
    assert pairs.eigenvectors.dtype == matrix.dtype
    allowed = 1e-3 * expected.abs() + rounding
    assert ((values - expected).abs() <= allowed).all(), (values - expected).abs() / allowed
    assert (residuals <= allowed).all()
    true = (matrix.double() @ vectors - vectors * values).norm(dim=0)
    assert (true - residuals).abs().max() <= rounding
    identity = torch.eye(len(values), dtype=torch.float64)
    assert (vectors.T @ vectors - identity).abs().max() < 50 * torch.finfo(matrix.dtype).eps


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("block_size", [1, 3])
@pytest.mark.parametrize("name", SPECTRA)
def test_planted_eigenpairs_are_found(name: str, block_size: int, dtype: torch.dtype) -> None:
    expected = SPECTRA[name].sort(descending=True).values
    matrix = plant(expected, dtype)
    pairs = leading_eigenpairs(Products(matrix), K, block_size=block_size)
    assert_found(matrix, pairs, expected[:K])


def test_a_smaller_tolerance_gives_more_digits() -> None:
    matrix = plant(1 / MODES)
    pairs = leading_eigenpairs(matrix, K, tolerance=1e-9)
    assert_close(pairs.eigenvalues, 1 / MODES[:K])
    assert (pairs.residuals <= 1e-9 * pairs.eigenvalues).all()


def test_pairs_are_those_of_dense_and_of_arpack() -> None:
    factor = torch.randn(80, 30, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    kernel = torch.exp(-torch.cdist(factor, factor).square() / 60)
    pairs = leading_eigenpairs(kernel, 6, tolerance=1e-9)
    dense, vectors = np.linalg.eigh(kernel.numpy())
    assert_close(pairs.eigenvalues, dense[::-1][:6].copy())
    arpack = scipy.sparse.linalg.eigsh(kernel.numpy(), 6, return_eigenvectors=False)
    assert_close(pairs.eigenvalues, np.sort(arpack)[::-1].copy())
    cosines = torch.from_numpy(vectors[:, ::-1][:, :6].copy()).T @ pairs.eigenvectors
    # Vectors are right to the residual over the gap.
    assert_close(cosines.abs(), torch.eye(6), looser=1e3)


@pytest.mark.parametrize(
    "counts", [{10: 5, 7: 1, 6: 1}, {10: 1, 7: 5}, {8: 11, 5: 6, 3: 9, 2: 9, 1: 10, 0: 8}]
)
@pytest.mark.parametrize("k", [1, 3, 6])
def test_few_values_of_many_copies_are_found(k: int, counts: dict[int, int]) -> None:
    """Krylov spaces are exhausted at once, and a search may find a whole eigenvector at once."""
    expected = torch.tensor([float(v) for v, copies in counts.items() for _ in range(copies)])
    for seed in range(8):
        matrix = plant(expected, seed=seed)
        assert_found(matrix, leading_eigenpairs(matrix, k, seed=seed), expected[:k].double())


def test_a_search_finds_copies_that_lie_in_the_frontier() -> None:
    # An exhausted Krylov space goes on from its rounding, which turns to copies before they show.
    expected = 1 / torch.arange(1, 10, dtype=torch.float64).repeat_interleave(13)
    for seed in range(4):
        matrix = plant(expected, seed=seed)
        pairs = leading_eigenpairs(matrix, 13, block_size=4, seed=seed)
        assert_found(matrix, pairs, expected[:13])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_eigenvalues_that_are_zero_need_a_product_each(dtype: torch.dtype) -> None:
    operator = Products(plant((torch.arange(340) < 20).double(), dtype))
    leading_eigenpairs(operator, 37)
    assert sum(operator.widths) < 60


def test_copies_are_found_by_what_the_wanted_pairs_lack() -> None:
    operator = Products(plant(((torch.arange(400, dtype=torch.float64) // 12) + 1) ** -1.5))
    leading_eigenpairs(operator, K)
    # Going on with all that has begun takes 120.
    assert sum(operator.widths) < 100


@pytest.mark.parametrize("name", ["power law", "slow power law", "exponential"])
def test_it_takes_hardly_more_products_than_arpack(name: str) -> None:
    matrix = plant(SPECTRA[name])
    ours, theirs = Products(matrix), Products(matrix)
    leading_eigenpairs(ours, K)
    linear = scipy.sparse.linalg.LinearOperator(
        (ROWS, ROWS),
        matvec=lambda v: (theirs @ torch.from_numpy(v).reshape(-1, 1)).numpy()[:, 0],
        dtype=np.float64,
    )
    start = np.random.default_rng(0).standard_normal(ROWS)
    scipy.sparse.linalg.eigsh(linear, K, tol=1e-3, v0=start)
    # ARPACK neither looks for copies nor could it find more than one at a time.
    assert sum(ours.widths) <= 1.15 * sum(theirs.widths)


@pytest.mark.parametrize("k", [ROWS - 1, ROWS])
@pytest.mark.parametrize("name", ["power law", "flat", "rank 5"])
def test_nearly_all_pairs_are_found(name: str, k: int) -> None:
    matrix = plant(SPECTRA[name])
    operator = Products(matrix)
    assert_found(matrix, leading_eigenpairs(operator, k), SPECTRA[name][:k])
    assert sum(operator.widths) <= ROWS


@pytest.mark.parametrize("value", [3.0, 0.0, -2.0])
def test_a_number_is_its_eigenvalue(value: float) -> None:
    pairs = leading_eigenpairs(torch.tensor([[value]]), 1)
    assert pairs.eigenvalues.tolist() == [value]
    assert pairs.eigenvectors.abs().tolist() == [[1.0]]
    assert pairs.residuals.tolist() == [0.0]


@pytest.mark.parametrize("block_size", [1, 2])
@pytest.mark.parametrize("copies", [1, 3])
def test_a_full_basis_is_compressed(copies: int, block_size: int) -> None:
    expected = repeat(torch.linspace(2, 1, 400, dtype=torch.float64), 1, copies)
    matrix = torch.diag(expected)
    operator = Products(matrix)
    size = 4 + (4 + 32) * block_size
    pairs = leading_eigenpairs(operator, 4, block_size=block_size, tolerance=1e-8, max_basis=size)
    assert sum(operator.widths) > 2 * size
    assert_close(pairs.eigenvalues, expected[:4])
    assert (pairs.residuals <= 1e-8 * pairs.eigenvalues).all()
    true = matrix @ pairs.eigenvectors - pairs.eigenvectors * pairs.eigenvalues
    assert_close(pairs.residuals, true.norm(dim=0))


def test_an_unfinished_search_returns_what_it_has() -> None:
    matrix = plant(MODES**-0.5)
    operator = Products(matrix)
    pairs = leading_eigenpairs(operator, K, block_size=4, max_products=30)
    assert sum(operator.widths) == 30
    vectors = pairs.eigenvectors
    true = (matrix @ vectors - vectors * pairs.eigenvalues).norm(dim=0)
    assert_close(pairs.residuals, true)
    assert pairs.residuals[0] < 0.1 * pairs.residuals[-1]
    assert pairs.residuals[-1] > 1e-2 * pairs.eigenvalues[-1]


def test_progress_counts_products_and_converged_pairs() -> None:
    operator, seen = Products(plant(1 / MODES)), []
    leading_eigenpairs(operator, K, block_size=2, progress=lambda *counts: seen.append(counts))
    assert [products for products, _ in seen] == np.cumsum(operator.widths).tolist()
    assert seen[0] == (2, 0)
    assert seen[-1][1] == K
    assert set(operator.widths) == {2}


def test_a_seed_repeats_and_another_one_agrees() -> None:
    matrix = plant(1 / MODES)
    first, again = leading_eigenpairs(matrix, K, seed=1), leading_eigenpairs(matrix, K, seed=1)
    other = leading_eigenpairs(matrix, K, seed=2)
    assert torch.equal(first.eigenvectors, again.eigenvectors)
    assert not torch.equal(first.eigenvectors, other.eigenvectors)
    # An eigenvalue is right to the square of its residual over the gap.
    assert_close(first.eigenvalues, other.eigenvalues, looser=1e5)


def test_products_that_are_not_exact_end_at_their_rounding() -> None:
    exact = plant(torch.exp(-MODES))

    class Rough(Products):
        def __matmul__(self, block: Tensor) -> Tensor:
            product = super().__matmul__(block)
            noise = torch.randn(product.shape, generator=generator, dtype=product.dtype)
            return product + 1e-5 * product.norm() / noise.norm() * noise

    generator = torch.Generator().manual_seed(0)
    operator = Rough(exact)
    pairs = leading_eigenpairs(operator, 20)
    assert sum(operator.widths) < 60
    assert (pairs.eigenvalues - torch.exp(-MODES[:20])).abs().max() < 1e-5
    assert 1e-7 < pairs.residuals[-1] < 1e-5


def test_a_missing_copy_escapes_the_search_no_more_often_than_stated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The chance is a bound, and searches after the first make misses rarer still."""
    expected = repeat(MODES**-0.5, 4, 2)
    matrix = torch.diag(expected)
    for escape, most in ((0.999, 1.0), (0.1, 0.1)):
        monkeypatch.setattr(lanczos, "ESCAPE", escape)
        found = [leading_eigenpairs(matrix, 8, seed=seed) for seed in range(40)]
        misses = [(pairs.eigenvalues - expected[:8]).abs().max() > 0.01 for pairs in found]
        assert np.mean(misses) <= most
        if most == 1:
            # Hardly any search: there is something to miss.
            assert np.mean(misses) > 0.2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"k": 0}, "k is 0; expected 1 or more"),
        ({"k": 6}, "k is 6; expected at most 5"),
        ({"tolerance": 0.0}, "tolerance is 0.0; expected a finite number above 0"),
        ({"block_size": 0}, "block_size is 0"),
        ({"max_products": 1}, "max_products is 1; expected 2 or more"),
        ({"max_basis": 4}, "max_basis is 4; expected 5 or more"),
    ],
)
def test_options_out_of_range_are_rejected(options: dict[str, float], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        leading_eigenpairs(plant([5.0, 4.0, 3.0, 2.0, 1.0]), **{"k": 2, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(3, 4), (3,), (0, 0)])
def test_a_kernel_that_is_not_square_is_rejected(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"the kernel has shape .* expected \(rows, rows\)"):
        leading_eigenpairs(torch.zeros(shape), 1)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_products_that_are_not_finite_are_rejected(value: float) -> None:
    matrix = plant(1 / MODES)
    matrix[3, 4] = matrix[4, 3] = value
    with pytest.raises(ValueError, match="not finite"):
        leading_eigenpairs(matrix, K)
