"""Signals and spectra on the circle."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from inr.experiment._circle import (
    check_bandwidth,
    circle_points,
    circulant_spectrum,
    on_unit_circle,
    power_law_signals,
    split_signals,
)
from inr.experiment._steps import log_spaced_steps
from tests.tolerance import assert_close


def random_kernel(n: int) -> Tensor:
    factor = torch.randn(n, n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return factor @ factor.T


def test_the_spectrum_of_a_stationary_kernel_is_its_eigenvalues() -> None:
    points = on_unit_circle(circle_points(12))
    kernel = torch.exp(points @ points.T)
    spectrum = circulant_spectrum(kernel)
    # Each frequency but the first and the last is a cosine and a sine.
    twice = torch.cat([spectrum, spectrum[1:-1]]).sort().values
    assert_close(twice, torch.linalg.eigvalsh(kernel))


def test_the_spectrum_of_any_kernel_is_its_part_in_each_wave() -> None:
    kernel = random_kernel(7)
    phases = 2 * math.pi * torch.arange(4).double()[:, None] * circle_points(7)[:, 0]
    parts = [
        c @ kernel @ c + s @ kernel @ s for c, s in zip(phases.cos(), phases.sin(), strict=True)
    ]
    assert_close(circulant_spectrum(kernel), torch.stack(parts) / 7)


@pytest.mark.parametrize("power", [0.5, 1.5])
def test_amplitudes_of_signals_fall_as_the_power(power: float) -> None:
    generator = torch.Generator().manual_seed(0)
    signals = power_law_signals(4000, 64, power, 16, generator)
    energies = torch.fft.rfft(signals, dim=0).abs().square()
    assert energies[16:].max() < 1e-20 * energies[1].max()
    # In mean logarithms, where the scale of each signal is the same for all its frequencies.
    # Frequency 0 is left out, since the scaling to the interval changes it.
    x, y = torch.arange(2, 17).double().log(), energies[1:16].log().mean(1)
    x, y = x - x.mean(), y - y.mean()
    assert (x @ y / (x @ x)).item() == pytest.approx(-2 * power, abs=0.03)


def test_signals_fill_their_interval_and_differ() -> None:
    signals = power_law_signals(3, 64, 1.0, 32, torch.Generator().manual_seed(0))
    assert_close(signals.amin(0), [-0.5] * 3)
    assert_close(signals.amax(0), [0.5] * 3)
    assert torch.linalg.matrix_rank(signals) == 3


def test_test_points_lie_between_training_points() -> None:
    data = split_signals(circle_points(12), 3)
    assert_close(data.x, circle_points(4))
    assert_close(data.x_test[:, 0], [i / 12 for i in range(12) if i % 3])
    # The values are the coordinates.
    assert_close(data.y, data.x)
    assert_close(data.y_test, data.x_test)


def test_a_bandwidth_that_points_do_not_resolve_is_rejected() -> None:
    assert check_bandwidth(8, 16) == 8
    with pytest.raises(ValueError, match=r"bandwidth is 9 for a signal of 16 points; expected 8"):
        check_bandwidth(9, 16)


@pytest.mark.parametrize("last", [1, 2, 7, 500])
def test_steps_grow_by_a_factor_from_the_first_to_the_last(last: int) -> None:
    steps = log_spaced_steps(last, per_decade=10)
    assert steps[:2] == [0, 1]
    assert steps[-1] == last
    gaps = [(b - a, a) for a, b in itertools.pairwise(steps[1:])]
    # A tenth of a decade is a quarter, but whole numbers are at least one apart.
    assert all(1 <= gap <= max(1, 0.3 * step + 1) for gap, step in gaps)


def test_each_decade_has_its_number_of_steps() -> None:
    steps = log_spaced_steps(10**6, per_decade=10)
    assert sum(step > 10**5 for step in steps) == 10
    assert log_spaced_steps(100, per_decade=3) == [0, 1, 2, 5, 10, 22, 46, 100]
