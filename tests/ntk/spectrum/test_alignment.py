"""Energies and angles that are known."""

import math

import pytest
import torch
from torch import Tensor

from inr.ntk.spectrum.alignment import cumulative_energy, kernel_target_alignment, mode_energies
from tests.tolerance import assert_close


def random(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_a_combination_of_eigenvectors_has_the_squares_of_its_coefficients() -> None:
    basis, _ = torch.linalg.qr(random(7, 7))
    target = 3 * basis[:, 1] - 4 * basis[:, 4]
    expected = torch.zeros(7, dtype=torch.float64)
    expected[1], expected[4] = 9 / 25, 16 / 25
    assert_close(mode_energies(basis, target), expected)


def test_energies_of_several_outputs_are_weighted_by_their_size() -> None:
    basis, _ = torch.linalg.qr(random(7, 7))
    target = torch.stack([basis[:, 0], 3 * basis[:, 2]], dim=1)
    energies = mode_energies(basis, target)
    assert_close(energies[[0, 2]], [0.1, 0.9])
    assert_close(energies.sum(), 1.0)


def test_leading_eigenvectors_hold_only_their_part() -> None:
    basis, _ = torch.linalg.qr(random(7, 7))
    assert_close(mode_energies(basis[:, :2], basis[:, 1] + basis[:, 5]), [0.0, 0.5])


def test_a_target_of_zeros_has_no_energy() -> None:
    assert mode_energies(torch.eye(3), torch.zeros(3)).tolist() == [0, 0, 0]


def test_alignment_is_the_cosine_with_the_ideal_kernel() -> None:
    factor, target = random(6, 6), random(6, 2)
    kernel, ideal = factor @ factor.T, target @ target.T
    expected = (kernel * ideal).sum() / kernel.norm() / ideal.norm()
    assert_close(kernel_target_alignment(kernel, target), expected)
    assert_close(kernel_target_alignment(ideal, target), 1.0)
    assert_close(kernel_target_alignment(torch.eye(6).double(), target[:, 0]), 1 / math.sqrt(6))


def test_alignment_with_nothing_is_zero() -> None:
    assert kernel_target_alignment(torch.zeros(3, 3), torch.ones(3)) == 0
    assert kernel_target_alignment(torch.eye(3), torch.zeros(3)) == 0


def test_energies_of_all_outputs_are_those_of_the_flattened_target() -> None:
    basis, _ = torch.linalg.qr(random(12, 12))
    target = random(6, 2)
    # Row n c + o of the kernel of all pairs of outputs is output o of point n.
    expected = [(basis[:, i] @ target.flatten()) ** 2 / target.square().sum() for i in range(12)]
    assert_close(mode_energies(basis, target.flatten()), torch.stack(expected))


def test_cumulative_energies_are_shares_of_leading_subspaces() -> None:
    basis, _ = torch.linalg.qr(random(7, 7))
    target = random(7, 2)
    energies = cumulative_energy(mode_energies(basis, target))
    for count in range(1, 8):
        projected = basis[:, :count] @ (basis[:, :count].T @ target)
        assert_close(energies[count - 1], (projected.norm() / target.norm()) ** 2)
    assert_close(energies[-1], 1.0)


def test_energies_are_in_float64_whatever_the_dtypes() -> None:
    basis, _ = torch.linalg.qr(random(7, 7))
    target = random(7)
    energies = mode_energies(basis.float(), target)
    assert energies.dtype == torch.float64
    assert_close(energies.float(), mode_energies(basis, target.float()))


@pytest.mark.parametrize("shape", [(6,), (6, 2), (7, 2, 1), ()])
def test_a_target_of_other_rows_is_rejected(shape: tuple[int, ...]) -> None:
    for measure in (mode_energies, kernel_target_alignment):
        with pytest.raises(ValueError, match=r"expected \(7,\) or \(7, c\).* flatten"):
            measure(torch.eye(7), torch.ones(shape))
