"""Octave bands against transforms written as complex exponentials."""

import cmath
import itertools
import math

import pytest
import torch
from torch import Tensor

from inr.frequency import OctaveBands
from inr.lattice import lattice_points
from tests.tolerance import assert_close

SHAPES = [(1,), (2,), (11,), (16,), (5, 8), (12, 3), (1, 9), (2, 2), (3, 4, 5), (4, 1, 6)]


def signed_frequencies(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Cycles per unit along each axis, in the order of a flattened ``fftn``."""
    axes = [[j if j <= (n - 1) // 2 else j - n for j in range(n)] for n in shape]
    return list(itertools.product(*axes))


def transform(values: Tensor) -> Tensor:
    """Fourier coefficients of ``(*shape, c)`` values by their definition: ``(N, c)``."""
    shape = values.shape[:-1]
    cells = list(itertools.product(*map(range, shape)))
    waves = [
        [
            cmath.exp(-2j * math.pi * sum(k * j / n for k, j, n in zip(ks, js, shape, strict=True)))
            for js in cells
        ]
        for ks in signed_frequencies(tuple(shape))
    ]
    matrix = torch.tensor(waves, dtype=torch.complex128) / len(cells)
    return matrix @ values.flatten(0, -2).to(torch.complex128)


def draw_values(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(0))


def plane_wave(shape: tuple[int, ...], *frequency: int) -> Tensor:
    """``(*shape, 1)`` cosine of unit amplitude; the frequency is in coordinate order (x, y, z)."""
    points = lattice_points(shape, dtype=torch.float64)
    phase = 2 * math.pi * points @ torch.tensor(frequency, dtype=torch.float64)
    return phase.cos().reshape(*shape, 1)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_band_holds_the_frequencies_between_its_edges(shape: tuple[int, ...]) -> None:
    bands = OctaveBands(shape)
    radii = [math.hypot(*ks) for ks in signed_frequencies(shape)]
    for radius, band in zip(radii, bands.index.tolist(), strict=True):
        assert bands.edges[band] <= radius < bands.edges[band + 1]
    assert bands.edges == (0, *(2**b for b in range(len(bands))))
    assert bands.counts.tolist() == [bands.index.tolist().count(b) for b in range(len(bands))]
    assert bands.counts.min() > 0
    assert bands.counts[0] == 1


@pytest.mark.parametrize("shape", SHAPES)
def test_energies_are_those_of_the_explicit_transform(shape: tuple[int, ...]) -> None:
    bands = OctaveBands(shape)
    values = draw_values(*shape, 3)
    power = transform(values).abs().square().mean(-1)
    expected = [0.0] * len(bands)
    for ks, energy in zip(signed_frequencies(shape), power.tolist(), strict=True):
        squared = sum(k**2 for k in ks)
        expected[0 if squared == 0 else math.floor(math.log2(squared) / 2) + 1] += energy
    assert_close(bands.energies(values), expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_parseval_energies_sum_to_the_mean_square(shape: tuple[int, ...]) -> None:
    values = draw_values(*shape, 2)
    assert_close(OctaveBands(shape).energies(values).sum(), values.square().mean())


@pytest.mark.parametrize(
    ("shape", "frequency", "label"),
    [
        ((32, 64), (20, 0), "05_16-32"),  # beyond what the height can hold
        ((64, 32), (0, 20), "05_16-32"),
        ((32, 64), (16, 0), "05_16-32"),
        ((32, 64), (15, 0), "04_8-16"),
        ((32, 64), (3, 4), "03_4-8"),
        ((32, 64), (3, -3), "03_4-8"),  # the radius counts, not the larger part
        ((32, 64), (1, -1), "01_1-2"),
        ((32, 64), (20, 11), "05_16-32"),
        ((32, 64), (31, 15), "06_32-64"),
        ((64,), (8,), "04_8-16"),
        ((4, 8, 64), (20, 1, 1), "05_16-32"),
        ((4, 64, 8), (1, 20, 1), "05_16-32"),
    ],
)
def test_a_plane_wave_is_in_the_band_of_its_frequency(
    shape: tuple[int, ...], frequency: tuple[int, ...], label: str
) -> None:
    bands = OctaveBands(shape)
    expected = [0.5 if name == label else 0.0 for name in bands.labels]
    assert_close(bands.energies(plane_wave(shape, *frequency)), expected)


def test_a_constant_is_in_the_mean() -> None:
    bands = OctaveBands((6, 10))
    expected = [9.0] + [0.0] * (len(bands) - 1)
    assert_close(bands.energies(torch.full((6, 10, 1), -3.0).double()), expected)


def test_large_float32_lattices_keep_their_digits() -> None:
    values = draw_values(700, 900, 1, dtype=torch.float32)
    bands = OctaveBands((700, 900))
    assert_close(bands.energies(values), bands.energies(values.double()))


def test_sums_and_means_are_over_the_last_axis() -> None:
    bands = OctaveBands((3, 5))
    per_bin = draw_values(2, 4, 15)
    expected = torch.zeros(2, 4, len(bands), dtype=torch.float64)
    for bin, band in enumerate(bands.index.tolist()):
        expected[:, :, band] += per_bin[:, :, bin]
    assert_close(bands.sum(per_bin), expected)
    assert_close(bands.mean(per_bin), expected / torch.tensor([1.0, 8.0, 6.0]))


def test_labels_sort_by_frequency_and_do_not_depend_on_the_lattice() -> None:
    small, large = OctaveBands((3, 5)).labels, OctaveBands((1, 5000)).labels
    assert small == ("00_mean", "01_1-2", "02_2-4")
    assert large[:3] == small
    assert large[-1] == "12_2048-4096"
    assert list(large) == sorted(large)


def test_values_on_another_lattice_are_rejected() -> None:
    with pytest.raises(ValueError, match=r"shape \(5, 3, 2\); expected \(3, 5, 'c'\)"):
        OctaveBands((3, 5)).energies(torch.zeros(5, 3, 2))


def test_an_empty_axis_is_rejected() -> None:
    with pytest.raises(ValueError, match="axis is 0; expected 1 or more"):
        OctaveBands((3, 0))
