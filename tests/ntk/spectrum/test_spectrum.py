"""Spectra of kernels by each method."""

import pytest
import torch
from torch import Tensor

from inr.ntk.spectrum.spectrum import DENSE_ROWS, spectrum
from tests.ntk.planted import Products, plant
from tests.tolerance import assert_close

MODES = torch.arange(1, 81, dtype=torch.float64)


class Diagonal:
    """An operator that can be large."""

    dtype, device = torch.float32, torch.device("cpu")

    def __init__(self, diagonal: Tensor) -> None:
        self.diagonal = diagonal.float()
        self.shape = (len(diagonal), len(diagonal))

    def __matmul__(self, block: Tensor) -> Tensor:
        return self.diagonal[:, None] * block


def test_eigenvalues_descend() -> None:
    found = spectrum(plant([0.5, 7.0, 2.0, 3.0]))
    assert_close(found.eigenvalues, [7.0, 3.0, 2.0, 0.5])
    assert (found.method, found.rows) == ("dense", 4)
    assert found.residuals is None and found.band is None and found.eigenvectors is None
    assert found.trace == pytest.approx(12.5, rel=1e-12)


def test_negative_eigenvalues_are_kept() -> None:
    assert_close(spectrum(plant([2.0, -1e-3, 0.0])).eigenvalues, [2.0, 0.0, -1e-3])


def test_dense_eigenvalues_are_in_float64_and_of_the_symmetric_part() -> None:
    values = spectrum(torch.tensor([[2.0, 3.0], [1.0, 2.0]])).eigenvalues
    assert values.dtype == torch.float64
    assert_close(values, [4.0, 0.0])


def test_dense_eigenvectors_are_those_of_the_leading_eigenvalues() -> None:
    matrix = plant(1 / MODES)
    found = spectrum(matrix, 5, eigenvectors=True)
    assert found.eigenvectors is not None and found.eigenvectors.shape == (80, 5)
    assert_close(found.eigenvalues, 1 / MODES[:5])
    assert_close(matrix @ found.eigenvectors, found.eigenvectors / MODES[:5])
    assert found.trace == pytest.approx((1 / MODES).sum().item(), rel=1e-12)


def test_an_operator_is_made_dense_by_itself_or_by_its_products() -> None:
    matrix = plant(1 / MODES)
    operator = Products(matrix)
    assert_close(spectrum(operator).eigenvalues, 1 / MODES)
    assert operator.widths == [80]

    class Formed(Products):
        def to_dense(self) -> Tensor:
            return matrix

    formed = Formed(matrix)
    assert_close(spectrum(formed).eigenvalues, 1 / MODES)
    assert formed.widths == []


def test_lanczos_gives_residuals() -> None:
    matrix = plant(1 / MODES)
    found = spectrum(Products(matrix), 5, method="lanczos", tolerance=1e-7, eigenvectors=True)
    assert found.method == "lanczos" and found.trace is None and found.band is None
    # An eigenvalue is right to the square of its residual over the gap.
    assert_close(found.eigenvalues, 1 / MODES[:5], looser=10)
    assert found.eigenvectors is not None and found.residuals is not None
    true = matrix @ found.eigenvectors - found.eigenvectors * found.eigenvalues
    assert_close(found.residuals, true.norm(dim=0))
    assert 0 < found.residuals.max() < 1e-7


def test_lanczos_keeps_to_the_products_it_may_make() -> None:
    operator = Products(plant(MODES**-0.5))
    found = spectrum(operator, 5, method="lanczos", max_products=9)
    assert sum(operator.widths) == 9
    assert found.eigenvectors is None
    assert found.residuals is not None and found.residuals[-1] > 1e-2


def test_quadrature_gives_a_band() -> None:
    matrix = plant(1 / MODES)
    operator = Products(matrix)
    found = spectrum(operator, method="quadrature", num_probes=20, steps=40)
    assert operator.widths == [20] * 40
    assert found.method == "quadrature" and found.residuals is None and found.trace is None
    assert found.band is not None and found.band.shape == (2, 80)
    covered = (found.band[0] <= 1.0001 / MODES) & (found.band[1] >= 0.9999 / MODES)
    assert covered.double().mean() > 0.9
    leading = spectrum(matrix, 5, method="quadrature", num_probes=20, steps=40)
    assert_close(leading.eigenvalues, found.eigenvalues[:5])
    assert leading.band is not None and torch.equal(leading.band, found.band[:, :5])
    assert leading.trace == pytest.approx((1 / MODES).sum().item(), rel=1e-12)


def test_auto_is_dense_for_few_rows_and_by_products_for_many() -> None:
    expected = torch.arange(1, DENSE_ROWS + 2, dtype=torch.float64) ** -2
    large = Diagonal(expected)
    leading = spectrum(large, 8)
    assert leading.method == "lanczos" and leading.rows == DENSE_ROWS + 1
    assert_close(leading.eigenvalues.float(), expected[:8])
    outline = spectrum(large, num_probes=2, steps=4)
    assert outline.method == "quadrature" and len(outline.eigenvalues) == DENSE_ROWS + 1
    assert spectrum(Diagonal(expected[:50]), 8).method == "dense"
    assert spectrum(Diagonal(expected[:50])).method == "dense"


def test_a_seed_is_passed_on() -> None:
    operator = plant(1 / MODES)
    for options in ({"method": "lanczos", "k": 5}, {"method": "quadrature"}):
        first, again, other = (
            spectrum(operator, seed=seed, **options).eigenvalues  # type: ignore[arg-type]
            for seed in (1, 1, 2)
        )
        assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize("method", ["dense", "lanczos", "quadrature"])
def test_progress_is_told_of_products(method: str) -> None:
    seen: list[tuple[int, int]] = []
    spectrum(plant(1 / MODES), 5, method=method, progress=lambda *counts: seen.append(counts))
    assert (
        len(seen) == {"dense": 0, "lanczos": seen[-1][0] if seen else 1, "quadrature": 32}[method]
    )
    if method == "lanczos":
        assert seen[-1][1] == 5


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"k": 4}, "k is 4; expected at most 3"),
        ({"k": 0}, "k is 0; expected 1 or more"),
        (
            {"method": "magic"},
            "method is 'magic'; expected one of auto, dense, lanczos, quadrature",
        ),
        ({"method": "lanczos"}, "k is None; expected a number for method='lanczos'. Pass k"),
        ({"method": "quadrature", "eigenvectors": True}, "Pass k with method='lanczos'"),
    ],
)
def test_options_out_of_range_are_rejected(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        spectrum(plant([3.0, 2.0, 1.0]), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["auto", "dense", "lanczos", "quadrature"])
def test_kernels_that_are_no_kernels_are_rejected(method: str) -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 3\); expected \(rows, rows\)"):
        spectrum(torch.ones(2, 3), 1, method=method)
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not finite"):
            spectrum(torch.tensor([[1.0, value], [value, 1.0]]), 1, method=method)
