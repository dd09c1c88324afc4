"""Kernels in the Fourier basis, against the basis written as complex exponentials."""

import cmath
import itertools
import math

import pytest
import torch
from torch import Tensor

from inr.frequency import OctaveBands
from inr.lattice import lattice_points
from inr.ntk.spectrum import bands as bands_module
from inr.ntk.spectrum.bands import band_eigenvalues, fourier_content, fourier_energies
from tests.tolerance import assert_close

SHAPES = [(1,), (9,), (4, 7), (6, 5), (1, 8), (3, 2, 5)]


def fourier_basis(shape: tuple[int, ...]) -> Tensor:
    """``(n, n)``: the unit vectors q_k as columns."""
    cells = list(itertools.product(*map(range, shape)))
    columns = [
        [
            cmath.exp(2j * math.pi * sum(k * j / n for k, j, n in zip(ks, js, shape, strict=True)))
            for ks in cells
        ]
        for js in cells
    ]
    return torch.tensor(columns, dtype=torch.complex128) / math.sqrt(len(cells))


def draw_kernel(count: int, symmetric: bool = True) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    factor = torch.randn(count, count, dtype=torch.float64, generator=generator)
    return factor @ factor.T if symmetric else factor


def draw_eigenvectors(count: int) -> Tensor:
    return torch.linalg.eigh(draw_kernel(count)).eigenvectors


def periodic_kernel(shape: tuple[int, ...]) -> Tensor:
    """Depends on the lag alone, which wraps around; wider along x than along other axes."""
    points = lattice_points(shape, dtype=torch.float64)
    lags = points[:, None] - points
    widths = torch.arange(1, 1 + len(shape))
    return torch.exp((2 * math.pi * lags).cos() * widths).prod(-1)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_energies_are_quadratic_forms_of_the_explicit_basis(
    shape: tuple[int, ...], symmetric: bool
) -> None:
    kernel, basis = draw_kernel(math.prod(shape), symmetric), fourier_basis(shape)
    expected = torch.einsum("jk,ji,ik->k", basis.conj(), kernel.to(basis.dtype), basis).real
    assert_close(fourier_energies(kernel, shape), expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_energies_of_a_translation_invariant_kernel_are_the_transform_of_one_row(
    shape: tuple[int, ...],
) -> None:
    kernel = periodic_kernel(shape)
    energies = fourier_energies(kernel, shape)
    assert_close(energies, torch.fft.fftn(kernel[0].reshape(shape)).real.flatten())
    assert_close(energies.sort().values, torch.linalg.eigvalsh(kernel))


@pytest.mark.parametrize("shape", SHAPES)
def test_energies_sum_to_the_trace(shape: tuple[int, ...]) -> None:
    kernel = draw_kernel(math.prod(shape))
    assert_close(fourier_energies(kernel, shape).sum(), kernel.trace())


def test_a_kernel_of_waves_along_the_width_has_their_frequency() -> None:
    shape = (8, 32)
    wave = (2 * math.pi * 10 * lattice_points(shape, dtype=torch.float64)[:, 0]).cos()
    energies = fourier_energies(torch.outer(wave, wave), shape).reshape(shape)
    expected = torch.zeros(shape)
    # Two complex waves of half the amplitude: (n / 2)² of energy, over n for the norm of each.
    expected[0, 10] = expected[0, 32 - 10] = 8 * 32 / 4
    assert_close(energies, expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_content_is_the_explicit_basis_squared_and_summed(shape: tuple[int, ...]) -> None:
    vectors, basis = draw_eigenvectors(math.prod(shape)), fourier_basis(shape)
    bands = OctaveBands(shape)
    power = (basis.conj().T @ vectors.to(basis.dtype)).abs().square()
    expected = torch.stack([power[bands.index == b].sum(0) for b in range(len(bands))], dim=-1)
    content = fourier_content(vectors, shape)
    assert_close(content, expected)
    assert_close(content.sum(-1), torch.ones(len(content)))


def test_content_does_not_depend_on_how_many_vectors_are_transformed_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vectors = draw_eigenvectors(35)[:, :12]
    whole = fourier_content(vectors, (5, 7))
    monkeypatch.setattr(bands_module, "VECTORS", 5)
    assert_close(fourier_content(vectors, (5, 7)), whole)


def test_content_of_plane_waves_is_one_band() -> None:
    x = lattice_points((4, 32), dtype=torch.float64)[:, 0]
    waves = torch.stack([(2 * math.pi * k * x).sin() for k in (1, 3, 4, 9)], dim=-1)
    content = fourier_content(waves / waves.norm(dim=0), (4, 32))
    assert content.argmax(-1).tolist() == [1, 2, 3, 4]
    assert_close(content.max(-1).values, torch.ones(4))


@pytest.mark.parametrize("shape", SHAPES)
def test_band_eigenvalues_are_mean_eigenvalues_of_a_translation_invariant_kernel(
    shape: tuple[int, ...],
) -> None:
    kernel, bands = periodic_kernel(shape), OctaveBands(shape)
    vectors = torch.linalg.eigh(kernel)
    # An eigenspace has one |k| only if the axes are alike, so that content weights the values.
    content = fourier_content(vectors.eigenvectors, shape)
    expected = content.T @ vectors.eigenvalues / bands.counts
    assert_close(band_eigenvalues(kernel, shape), expected)


def test_an_error_in_one_band_starts_to_decay_at_the_bands_eigenvalue() -> None:
    shape = (8, 12)
    kernel, bands = draw_kernel(96), OctaveBands(shape)
    basis, rates = fourier_basis(shape), band_eigenvalues(kernel, shape)
    for band in range(len(bands)):
        # On average over independent phases, the cross terms of the quadratic form vanish.
        members = basis[:, bands.index == band]
        covariance = members @ members.conj().T / members.shape[1]
        assert_close(rates[band], (kernel.to(covariance.dtype) @ covariance).trace().real)


def test_a_lattice_with_another_number_of_points_is_rejected() -> None:
    for function in (fourier_energies, fourier_content, band_eigenvalues):
        with pytest.raises(ValueError, match="6 rows is on a lattice of 2x4; expected 8 rows"):
            function(torch.eye(6), (2, 4))
