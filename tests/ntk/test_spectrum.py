"""What eigenvalues say, on spectra that are known."""

import math

import pytest
import torch
from torch import Tensor

from inr.ntk import condition_number, effective_rank, eigenvalues
from tests.tolerance import assert_close


def make_kernel(*spectrum: float) -> Tensor:
    """A symmetric matrix with that spectrum and no structure."""
    torch.manual_seed(0)
    basis, _ = torch.linalg.qr(torch.randn(len(spectrum), len(spectrum), dtype=torch.float64))
    return basis @ torch.diag(torch.tensor(spectrum, dtype=torch.float64)) @ basis.T


def test_eigenvalues_descend() -> None:
    assert_close(eigenvalues(make_kernel(0.5, 7.0, 2.0, 3.0)), [7.0, 3.0, 2.0, 0.5])


def test_negative_eigenvalues_are_kept() -> None:
    assert_close(eigenvalues(make_kernel(2.0, -1e-3, 0.0)), [2.0, 0.0, -1e-3])


def test_eigenvalues_are_in_float64_and_of_the_symmetric_part() -> None:
    kernel = torch.tensor([[2.0, 3.0], [1.0, 2.0]])
    values = eigenvalues(kernel)
    assert values.dtype == torch.float64
    assert_close(values, [4.0, 0.0])


@pytest.mark.parametrize("n", [1, 2, 17])
def test_effective_rank_of_a_flat_spectrum_is_its_length(n: int) -> None:
    assert_close(effective_rank(torch.full((n,), 3.0, dtype=torch.float64)), n)


def test_effective_rank_of_rank_one_is_one() -> None:
    assert_close(effective_rank(torch.tensor([5.0, 0.0, 0.0])), 1.0)
    assert_close(effective_rank(torch.tensor([5.0, 0.0, -1e-3])), 1.0)


def test_effective_rank_is_the_exponential_of_the_entropy() -> None:
    # Entropy of (1/2, 1/4, 1/4) is 3/2 log 2, and that of a scaled spectrum the same.
    expected = 2**1.5
    assert_close(effective_rank(torch.tensor([2.0, 1.0, 1.0]).double()), expected)
    assert_close(effective_rank(torch.tensor([200.0, 100.0, 100.0]).double()), expected)


def test_the_condition_number_is_the_ratio_of_the_ends() -> None:
    assert_close(condition_number(torch.tensor([6.0, 2.0, 1.5]).double()), 4.0)


@pytest.mark.parametrize("least", [0.0, -1e-9])
def test_a_singular_kernel_has_an_infinite_condition_number(least: float) -> None:
    assert condition_number(torch.tensor([6.0, least])) == math.inf
