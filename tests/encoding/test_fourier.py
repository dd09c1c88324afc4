"""Fourier features with any frequencies, against loops in float64."""

import math

import pytest
import torch

from inr.encoding import FourierEncoding
from tests.tolerance import assert_close

FREQUENCIES = torch.tensor([[1.0, 0.5], [-2.0, 3.0], [0.25, -4.0]], dtype=torch.float64)
POINTS = torch.tensor([[0.1, 0.7], [0.35, 0.2], [0.9, 0.65], [0.0, 1.0]], dtype=torch.float64)


def brute_force(power: float, norm: float | None) -> list[list[float]]:
    """γ of each point by the docstring's formula, one number at a time."""
    lengths = [math.hypot(*b) for b in FREQUENCIES.tolist()]
    if math.isinf(power):
        weights = [1.0 if length == min(lengths) else 0.0 for length in lengths]
    else:
        weights = [length**-power for length in lengths]
    total = math.sqrt(len(lengths)) if norm is None else norm
    scale = total / math.sqrt(sum(weight**2 for weight in weights))
    rows = []
    for x, y in POINTS.tolist():
        phases = [2 * math.pi * (u * x + v * y) for u, v in FREQUENCIES.tolist()]
        pairs = list(zip(weights, phases, strict=True))
        cosines = [scale * weight * math.cos(phase) for weight, phase in pairs]
        rows.append(cosines + [scale * weight * math.sin(phase) for weight, phase in pairs])
    return rows


@pytest.mark.parametrize("norm", [None, 0.5, 3.0])
@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0, math.inf])
def test_features_follow_the_formula(power: float, norm: float | None) -> None:
    encoding = FourierEncoding(FREQUENCIES, amplitude_power=power, norm=norm)
    assert_close(encoding(POINTS), brute_force(power, norm))


@pytest.mark.parametrize("power", [0.0, 1.0, math.inf])
@pytest.mark.parametrize("norm", [None, 2.5])
def test_the_length_is_the_same_everywhere(power: float, norm: float | None) -> None:
    encoding = FourierEncoding(FREQUENCIES, amplitude_power=power, norm=norm)
    lengths = torch.linalg.vector_norm(encoding(POINTS), dim=1)
    assert_close(lengths, 4 * [math.sqrt(3) if norm is None else norm])


def test_equal_amplitudes_are_one_by_default() -> None:
    assert torch.equal(FourierEncoding(FREQUENCIES).amplitudes, torch.ones(3).double())


def test_an_infinite_power_leaves_all_of_the_lowest_frequencies() -> None:
    encoding = FourierEncoding(torch.tensor([[3.0, 4.0], [0.0, -2.0], [2.0, 0.0]]), norm=2.0,
                               amplitude_power=math.inf)  # fmt: skip
    assert_close(encoding.amplitudes, [0.0, math.sqrt(2), math.sqrt(2)])


def test_the_kernel_of_the_features_depends_on_differences_only() -> None:
    encoding = FourierEncoding(FREQUENCIES, amplitude_power=1.0)
    shift = torch.tensor([0.013, 0.29], dtype=torch.float64)
    kernel = encoding(POINTS) @ encoding(POINTS).mT
    moved = encoding(POINTS + shift) @ encoding(POINTS + shift).mT
    assert_close(moved, kernel)
    differences = POINTS[:, None] - POINTS
    expected = encoding.amplitudes**2 * torch.cos(2 * math.pi * differences @ FREQUENCIES.mT)
    assert_close(kernel, expected.sum(-1))


def test_frequencies_are_trained_only_on_request() -> None:
    fixed, trained = (FourierEncoding(FREQUENCIES, trainable=flag) for flag in (False, True))
    assert not list(fixed.parameters())
    assert_close(trained(POINTS), fixed(POINTS))
    trained(POINTS)[:, 4].sum().backward()
    # Only the second sine: its gradient in b is the sum of 2πx cos(2πb·x).
    slopes = 2 * math.pi * torch.cos(2 * math.pi * POINTS @ FREQUENCIES[1])
    expected = torch.zeros(3, 2).double()
    expected[1] = (slopes[:, None] * POINTS).sum(0)
    assert_close(trained.frequencies.grad, expected)


def test_the_given_frequencies_are_copied() -> None:
    given = FREQUENCIES.clone()
    encoding = FourierEncoding(given)
    given.zero_()
    assert torch.equal(encoding.frequencies, FREQUENCIES)


def test_frequencies_must_be_a_matrix() -> None:
    with pytest.raises(ValueError, match=r"shape \(3,\); expected \(m, d\)"):
        FourierEncoding(torch.ones(3))


def test_a_zero_frequency_has_no_power_law_amplitude() -> None:
    frequencies = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    assert_close(FourierEncoding(frequencies)(torch.rand(1, 2))[0, [0, 2]], [1.0, 0.0])
    with pytest.raises(ValueError, match="a frequency is zero"):
        FourierEncoding(frequencies, amplitude_power=1.0)


@pytest.mark.parametrize("power", [-1.0, math.nan])
def test_a_negative_power_is_rejected(power: float) -> None:
    with pytest.raises(ValueError, match="expected 0 or more"):
        FourierEncoding(FREQUENCIES, amplitude_power=power)


@pytest.mark.parametrize("norm", [0.0, -1.0, math.inf])
def test_a_norm_that_is_no_length_is_rejected(norm: float) -> None:
    with pytest.raises(ValueError, match="norm is"):
        FourierEncoding(FREQUENCIES, norm=norm)
