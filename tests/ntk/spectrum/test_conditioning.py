"""Single numbers that describe known spectra."""

import math

import numpy as np
import pytest
import torch

from inr.ntk.spectrum.conditioning import (
    condition_number,
    effective_rank,
    falloff_exponent,
    participation_ratio,
)
from tests.tolerance import assert_close

MODES = torch.arange(1, 1001, dtype=torch.float64)


@pytest.mark.parametrize("n", [1, 2, 17])
def test_ranks_of_a_flat_spectrum_are_its_length(n: int) -> None:
    values = torch.full((n,), 3.0, dtype=torch.float64)
    assert_close(effective_rank(values), n)
    assert_close(participation_ratio(values), n)


@pytest.mark.parametrize("rank", [effective_rank, participation_ratio])
def test_ranks_of_rank_one_are_one_and_of_zeros_zero(rank) -> None:  # type: ignore[no-untyped-def]
    assert_close(rank(torch.tensor([5.0, 0.0, 0.0])), 1.0)
    assert_close(rank(torch.tensor([5.0, 0.0, -1e-3])), 1.0)
    assert rank(torch.tensor([0.0, 0.0, -1e-3])) == 0


def test_effective_rank_is_the_exponential_of_the_entropy() -> None:
    # Entropy of (1/2, 1/4, 1/4) is 3/2 log 2, and that of a scaled spectrum the same.
    expected = 2**1.5
    assert_close(effective_rank(torch.tensor([2.0, 1.0, 1.0]).double()), expected)
    assert_close(effective_rank(torch.tensor([200.0, 100.0, 100.0]).double()), expected)


def test_participation_ratio_is_the_square_of_the_sum_over_the_sum_of_squares() -> None:
    assert_close(participation_ratio(torch.tensor([2.0, 1.0, 1.0]).double()), 16 / 6)
    assert_close(participation_ratio(torch.tensor([200.0, 100.0, 100.0]).double()), 16 / 6)
    assert participation_ratio(1 / MODES) < effective_rank(1 / MODES)


def test_the_condition_number_is_the_ratio_of_the_ends() -> None:
    assert_close(condition_number(torch.tensor([6.0, 2.0, 1.5]).double()), 4.0)


@pytest.mark.parametrize("least", [0.0, -1e-9])
def test_a_singular_kernel_has_an_infinite_condition_number(least: float) -> None:
    assert condition_number(torch.tensor([6.0, least])) == math.inf


@pytest.mark.parametrize("exponent", [0.0, 0.5, 2.0, 3.7])
def test_the_exponent_of_a_power_law_is_found(exponent: float) -> None:
    assert_close(falloff_exponent(7 * MODES**-exponent), exponent)
    assert_close(falloff_exponent(7 * MODES[:8] ** -exponent), exponent)


def test_each_of_few_modes_counts_once() -> None:
    values = torch.tensor([50.0, 9.0, 8.0, 5.0, 2.0, 1.5, 1.2, 0.3, 0.1], dtype=torch.float64)
    slope, _ = np.polyfit(np.log(np.arange(1, 10)), np.log(values.numpy()), 1)
    assert_close(falloff_exponent(values), -slope)


def test_each_decade_of_modes_has_as_much_weight() -> None:
    # Steeper in the last of three decades, which has nine tenths of the modes.
    values = torch.where(MODES <= 100, MODES**-1.0, 100 * MODES**-2.0)
    assert 1.0 < falloff_exponent(values) < 1.4


def test_rounding_is_no_mode() -> None:
    floor = torch.where(MODES <= 100, MODES**-2.0, 1e-15 * (-1) ** MODES)
    assert_close(falloff_exponent(floor.sort(descending=True).values), 2.0)
    noise = torch.where(MODES <= 100, MODES**-2.0, 1e-8 / MODES)
    assert_close(falloff_exponent(noise, floor=1e-7), 2.0)
    assert falloff_exponent(noise) > 2.1


def test_few_modes_have_no_exponent() -> None:
    assert math.isnan(falloff_exponent(MODES[:7] ** -2.0))
    assert math.isnan(falloff_exponent(torch.where(MODES <= 7, 1 / MODES, 0.0)))
    assert math.isnan(falloff_exponent(torch.zeros(9)))
