"""Random Fourier features."""

import math

import pytest
import torch

from inr.encoding import GaussianEncoding
from tests.tolerance import assert_close


@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_frequencies_are_normal_with_the_scale_as_standard_deviation(scale: float) -> None:
    drawn = GaussianEncoding(2, num_frequencies=20_000, scale=scale).frequencies / scale
    # Five standard errors of 40,000 normal draws: of the mean 1/√n, of the deviation 1/√(2n).
    assert abs(drawn.mean()) < 5 / math.sqrt(40_000)
    assert abs(drawn.std() - 1) < 5 / math.sqrt(80_000)
    # P(|z| < 1) = 0.6827, which a uniform law of the same deviation (0.577) misses.
    assert abs((drawn.abs() < 1).double().mean() - 0.6827) < 5 * 0.4654 / math.sqrt(40_000)
    correlation = torch.corrcoef(drawn.T)[0, 1]
    assert abs(correlation) < 5 / math.sqrt(20_000)


def test_features_follow_the_formula() -> None:
    encoding = GaussianEncoding(3, num_frequencies=4, scale=2.0, seed=7).double()
    point = [0.2, 0.5, 0.9]
    phases = [
        2 * math.pi * sum(b * x for b, x in zip(row, point, strict=True))
        for row in encoding.frequencies.tolist()
    ]
    expected = [math.cos(phase) for phase in phases] + [math.sin(phase) for phase in phases]
    assert_close(encoding(torch.tensor(point, dtype=torch.float64)), expected)


def test_the_kernel_of_many_frequencies_is_gaussian() -> None:
    count, scale = 50_000, 1.5
    encoding = GaussianEncoding(2, num_frequencies=count, scale=scale)
    origin = torch.tensor([[0.4, 0.3]])
    offsets = torch.tensor([[0.0, 0.0], [0.05, 0.0], [0.0, 0.1], [0.1, -0.1], [0.2, 0.15]])
    kernel = (encoding(origin + offsets) @ encoding(origin).mT)[:, 0] / count
    expected = torch.exp(-2 * math.pi**2 * scale**2 * offsets.square().sum(1))
    # Five standard errors of a mean of cosines, whose deviation is at most 1/√2.
    assert ((kernel - expected).abs() < 5 / math.sqrt(2 * count)).all()
    assert abs(kernel[0] - 1) < 1e-5


@pytest.mark.parametrize("power", [0.0, 1.0])
def test_every_point_has_the_same_length(power: float) -> None:
    encoding = GaussianEncoding(2, num_frequencies=32, amplitude_power=power).double()
    lengths = torch.linalg.vector_norm(encoding(torch.rand(20, 2).double()), dim=1)
    # Amplitudes are made in float32.
    assert_close(lengths, torch.full((20,), math.sqrt(32)), looser=1e4)


def test_a_power_law_favours_low_frequencies() -> None:
    encoding = GaussianEncoding(2, num_frequencies=32, amplitude_power=2.0)
    lengths = torch.linalg.vector_norm(encoding.frequencies, dim=1)
    products = encoding.amplitudes * lengths**2
    assert_close(products / products[0], torch.ones(32))


def test_a_seed_repeats_and_another_differs() -> None:
    first, again, other = (GaussianEncoding(2, seed=seed).frequencies for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.isclose(first, other).any()


def test_frequencies_leave_the_global_seed_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    GaussianEncoding(2)
    assert torch.equal(torch.rand(3), expected)


def test_the_scale_only_stretches_the_frequencies() -> None:
    one, ten = (GaussianEncoding(2, scale=scale).frequencies for scale in (1.0, 10.0))
    assert_close(ten, 10 * one)


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"scale": 0.0}, ValueError, "scale is 0.0; expected a finite number above 0"),
        ({"scale": math.nan}, ValueError, "scale is nan"),
        ({"num_frequencies": 0}, ValueError, "num_frequencies is 0; expected 1 or more"),
        ({"num_frequencies": 2.5}, TypeError, "expected a whole number"),
    ],
)
def test_options_out_of_range_are_rejected(
    options: dict[str, float], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        GaussianEncoding(2, **options)  # type: ignore[arg-type]
