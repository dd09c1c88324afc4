"""Estimated spectra of matrices whose eigenvalues are known."""

import pytest
import torch

from inr.ntk.spectrum.quadrature import SpectralMeasure, spectral_measure
from tests.ntk.planted import Products, plant
from tests.tolerance import assert_close

ROWS = 60
MODES = torch.arange(1, ROWS + 1, dtype=torch.float64)
DTYPES = [torch.float64, torch.float32]


@pytest.mark.parametrize("dtype", DTYPES)
def test_as_many_steps_as_rows_find_every_eigenvalue(dtype: torch.dtype) -> None:
    expected = torch.linspace(1, 3, ROWS, dtype=torch.float64)
    measure = spectral_measure(plant(expected, dtype), steps=2 * ROWS, num_probes=3)
    assert measure.nodes.shape == (3, ROWS)
    rounding = 50 * torch.finfo(dtype).eps
    assert (measure.nodes - expected).abs().max() < rounding
    assert_close(measure.weights.sum(dim=1), torch.ones(3))
    assert measure.spread.count_nonzero() == 0


def moments(measure: SpectralMeasure, degrees: range) -> torch.Tensor:
    return torch.stack([(measure.weights * measure.nodes**p).sum(dim=1) for p in degrees])


def test_moments_below_twice_the_steps_are_exact() -> None:
    matrix = plant(1 / MODES)
    exact = moments(spectral_measure(matrix, steps=ROWS), range(8))
    found = moments(spectral_measure(matrix, steps=4), range(8))
    assert_close(found, exact)
    assert (moments(spectral_measure(matrix, steps=3), range(6, 7)) != exact[6]).all()


def test_moments_of_many_vectors_are_traces() -> None:
    measure = spectral_measure(plant(1 / MODES), num_probes=2000, steps=3)
    for power, draws in enumerate(ROWS * moments(measure, range(4))):
        error = draws.std() / 2000**0.5
        assert abs(draws.mean() - (MODES**-power).sum()) <= 4 * error + 1e-9


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_few_distinct_eigenvalues_are_exact(scale: float, dtype: torch.dtype) -> None:
    expected = scale * torch.tensor([2.0] * 20 + [1.0] * 40, dtype=torch.float64)
    measure = spectral_measure(plant(expected, dtype), num_probes=30)
    counts = measure.counts(scale * torch.tensor([0.5, 1.5, 2.5]))
    assert_close(counts.mean[[0, 2]], [60, 0])
    assert counts.band[0, 1] <= 20 <= counts.band[1, 1]
    assert counts.band[1, 1] - counts.band[0, 1] < 8
    values, band = measure.eigenvalues()
    # Near the 20th, where the larger eigenvalue ends, either one may be estimated.
    for part in (slice(0, 15), slice(25, 60)):
        assert (values[part] / expected[part] - 1).abs().max() < 1e-5
        assert (band[:, part] / expected[part] - 1).abs().max() < 1e-5


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_outline_of_a_power_law_is_found(dtype: torch.dtype) -> None:
    rows = 600
    expected = 1 / torch.arange(1, rows + 1, dtype=torch.float64)
    measure = spectral_measure(plant(expected, dtype), num_probes=16)
    values, band = measure.eigenvalues()
    assert (values.diff() <= 0).all() and (band.diff() <= 0).all()
    assert abs(values[0] - 1) < 10 * torch.finfo(dtype).eps
    assert ((values / expected).log2().abs() < 1).double().mean() > 0.97
    # Without the nodes' spread, the scatter alone would cover half of the thresholds.
    covered = (band[0] <= expected) & (expected <= band[1])
    assert covered.double().mean() > 0.9


def test_a_band_that_ends_below_the_nodes_ends_at_zero() -> None:
    rows = 300
    expected = torch.exp(-torch.arange(rows, dtype=torch.float64) / 10)
    values, band = spectral_measure(plant(expected), steps=8).eigenvalues()
    assert values[-1] > 1e4 * expected[-1]
    assert band[0, -1] == 0


def test_slightly_negative_nodes_are_reported() -> None:
    matrix = plant(torch.where(MODES <= 5, 1 / MODES, -1e-6))
    values, band = spectral_measure(matrix).eigenvalues()
    assert_close(values[10:], torch.full((ROWS - 10,), -1e-6))
    assert_close(band[:, 20:], torch.full((2, ROWS - 20), -1e-6))


@pytest.mark.parametrize("confidence", [0.6, 0.95])
def test_the_band_covers_the_count_as_often_as_it_says(confidence: float) -> None:
    matrix = torch.diag(torch.linspace(1, 2, 40, dtype=torch.float64))
    thresholds = torch.tensor([1.25, 1.5, 1.75])
    expected = torch.tensor([30, 20, 10])
    hits, draws = torch.zeros(3), 200
    for seed in range(draws):
        measure = spectral_measure(matrix, steps=40, num_probes=3, seed=seed)
        lower, upper = measure.counts(thresholds, confidence).band
        hits += (lower <= expected) & (expected <= upper)
    # Four standard errors of a binomial draw, and counts are not quite normal.
    slack = 4 * (confidence * (1 - confidence) / draws) ** 0.5
    assert (hits / draws - confidence).abs().max() < slack


def test_the_mean_count_has_no_bias() -> None:
    matrix = torch.diag(torch.linspace(1, 2, 40, dtype=torch.float64))
    measure = spectral_measure(matrix, steps=40, num_probes=1500)
    counts = measure.counts(torch.tensor([1.25, 1.5, 1.9]), confidence=0.9999)
    expected = torch.tensor([30, 20, 4])
    assert ((counts.band[0] < expected) & (expected < counts.band[1])).all()
    assert (counts.band[1] - counts.band[0]).max() < 1


def test_an_eigenvalue_at_a_threshold_is_counted() -> None:
    nodes = torch.tensor([[0.5, 1.0], [1.0, 2.0]], dtype=torch.float64)
    measure = SpectralMeasure(nodes, torch.full_like(nodes, 0.5), torch.zeros_like(nodes), rows=8)
    assert measure.counts(torch.tensor([1.0, 1.0 + 1e-6])).mean.tolist() == [6, 2]


def test_eigenvalues_that_are_all_the_same_are_all_counted() -> None:
    measure = spectral_measure(torch.eye(7))
    assert_close(measure.counts(torch.tensor([1.0 - 1e-6, 1.0 + 1e-6])).mean, [7, 0])


@pytest.mark.parametrize("value", [3.0, 0.0])
def test_a_number_is_its_eigenvalue(value: float) -> None:
    values, band = spectral_measure(torch.tensor([[value]])).eigenvalues()
    assert values.tolist() == [value]
    assert band.tolist() == [[value], [value]]


def test_vectors_share_products() -> None:
    operator, seen = Products(plant(1 / MODES)), []
    spectral_measure(operator, num_probes=5, steps=7, progress=lambda *counts: seen.append(counts))
    assert operator.widths == [5] * 7
    assert seen == [(5 * step, 35) for step in range(1, 8)]


def test_a_seed_repeats_and_another_one_differs() -> None:
    first, again, other = (spectral_measure(plant(1 / MODES), seed=s).weights for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"num_probes": 1}, "num_probes is 1; expected 2 or more"),
        ({"steps": 0}, "steps is 0; expected 1 or more"),
    ],
)
def test_options_out_of_range_are_rejected(options: dict[str, int], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        spectral_measure(torch.eye(3), **options)  # type: ignore[arg-type]


def test_a_confidence_out_of_range_is_rejected() -> None:
    with pytest.raises(ValueError, match="confidence is 95; expected a number between 0 and 1"):
        spectral_measure(torch.eye(3)).eigenvalues(confidence=95)


def test_products_that_are_not_finite_are_rejected() -> None:
    with pytest.raises(ValueError, match="not finite"):
        spectral_measure(torch.full((3, 3), float("nan")))
