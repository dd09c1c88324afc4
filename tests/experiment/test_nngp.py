"""Random networks as samples of a Gaussian process, shrunk."""

import math

import numpy as np
import pytest
import torch

from inr.experiment import Findings, NngpExperiment
from inr.experiment._moments import chance_distance, excess_kurtosis

NUM_NETWORKS = 1500


def run(network: str, widths: tuple[int, ...], num_networks: int = NUM_NETWORKS) -> Findings:
    experiment = NngpExperiment(widths=widths, network=network, num_networks=num_networks)
    return experiment.run(lambda *_: None)


@pytest.fixture(scope="module")
def findings() -> Findings:
    return run("mlp", (16, 64))


def test_kurtosis_has_its_exact_value_at_every_width(findings: Findings) -> None:
    arrays = findings.arrays
    # Two layers: each multiplies the fourth moment by 1 + 5 / n.
    exact = np.array([3 * (1 + 5 / 16) ** 2 - 3, 3 * (1 + 5 / 64) ** 2 - 3])
    np.testing.assert_allclose(arrays["excess_kurtosis_theory"], exact)
    errors = arrays["excess_kurtosis_standard_error"]
    # Heavy tails are seldom sampled, and then missing from the standard error, too.
    assert (np.abs(arrays["excess_kurtosis"] - exact) < 4 * errors).all()
    # Neither value is the 0 of a Gaussian.
    assert (exact > 2 * errors).all()


def test_outputs_have_the_covariance_of_infinite_width(findings: Findings) -> None:
    metrics = findings.metrics
    assert metrics["covariance_error_widest"] < 2 * metrics["covariance_error_by_chance"]
    # ReLU networks with normal weights and unit features keep the mean square.
    np.testing.assert_allclose(findings.arrays["nngp"].diagonal(0, 1, 2), 1, rtol=1e-6)
    assert findings.arrays["nngp"].min() < 0.5


def test_sirens_have_the_covariance_of_infinite_width() -> None:
    findings = run("siren", (8, 64), 800)
    errors = findings.arrays["covariance_errors"]
    assert errors[-1] < 2 * findings.metrics["covariance_error_by_chance"]


def test_a_narrow_siren_is_as_flat_as_its_last_bias() -> None:
    arrays = run("siren", (16, 512), 800).arrays
    excess, theory = arrays["excess_kurtosis"], arrays["excess_kurtosis_theory"]
    # The excess kurtosis is -1.2 for a uniform number and 0 for a Gaussian one.
    assert theory[0] < -1.05
    assert -0.25 < theory[1] < -0.05
    # The standard error, and the neglected terms of order 1/n.
    room = 3 * arrays["excess_kurtosis_standard_error"] + 2 / arrays["widths"]
    assert (np.abs(excess - theory) < room).all()


def test_a_gaussian_has_no_excess_kurtosis_and_the_standard_error_of_the_books() -> None:
    samples = np.random.default_rng(0).standard_normal((100_000, 1))
    excess, error = excess_kurtosis(samples)
    assert error == pytest.approx(math.sqrt(24 / 100_000), rel=0.05)
    assert abs(excess) < 3 * error


@pytest.mark.parametrize(("law", "expected"), [("uniform", -1.2), ("laplace", 3.0)])
def test_excess_kurtosis_of_other_laws(law: str, expected: float) -> None:
    generator = np.random.default_rng(0)
    # Points of two scales: kurtosis has no unit.
    shape, scale = (200_000, 2), np.array([1.0, 7.0])
    samples = generator.uniform(-1, 1, shape) if law == "uniform" else generator.laplace(size=shape)
    excess, error = excess_kurtosis(scale * samples)
    assert abs(excess - expected) < 4 * error < 0.25


def test_points_of_one_sample_are_no_further_samples() -> None:
    samples = np.random.default_rng(0).standard_normal((1000, 1))
    one, repeated = excess_kurtosis(samples), excess_kurtosis(np.repeat(samples, 9, axis=1))
    np.testing.assert_allclose(repeated, one)


def test_chance_takes_second_moments_as_far_as_stated() -> None:
    covariance = np.array([[2.0, 0.9], [0.9, 1.0]])
    generator = np.random.default_rng(0)
    samples = generator.multivariate_normal([0, 0], covariance, size=(4000, 50))
    moments = np.einsum("rni,rnj->rij", samples, samples) / 50
    distances = np.linalg.norm(moments - covariance, axis=(1, 2)) / np.linalg.norm(covariance)
    assert math.sqrt((distances**2).mean()) == pytest.approx(
        chance_distance(covariance, 50), rel=0.05
    )


def test_an_experiment_depends_on_its_seed_alone() -> None:
    def draw(seed: int) -> np.ndarray:
        experiment = NngpExperiment(widths=(2, 4), num_networks=3, num_points=2, seed=seed)
        return experiment.run(lambda *_: None).arrays["outputs"]

    state = torch.get_rng_state()
    first = draw(0)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(3)
    assert np.array_equal(draw(0), first)
    assert not np.isclose(draw(1), first).all(axis=(1, 2)).any()
