"""Lazy and feature-learning networks, shrunk: slopes against width, and the limit of their loss."""

import numpy as np
import pytest
import torch

from inr.experiment import Findings, LazyExperiment
from inr.experiment._power_law import check_widths, fit_power_law
from inr.experiment._seeding import seeded
from tests.tolerance import assert_close

PARAMETERIZATIONS = ("standard", "ntk", "mean_field")


def ignore(what: str, done: int, total: int) -> None:
    """A progress callback that does nothing."""


@pytest.fixture(scope="module")
def findings() -> Findings:
    return LazyExperiment(widths=(32, 128, 512), steps=60, repeats=6).run(ignore)


@pytest.mark.parametrize("name", PARAMETERIZATIONS)
def test_initial_kernels_tend_to_that_of_infinite_width(findings: Findings, name: str) -> None:
    # Theory: -0.5, up to the chance of six networks of each width.
    assert -0.75 < findings.metrics[f"slope_initial_error_{name}"] < -0.25
    errors = findings.arrays["initial_errors"][PARAMETERIZATIONS.index(name)]
    assert errors[-1].mean() < 0.2


@pytest.mark.parametrize("name", ["standard", "ntk"])
def test_lazy_kernels_move_less_the_wider_the_network(findings: Findings, name: str) -> None:
    assert -1.1 < findings.metrics[f"slope_drift_{name}"] < -0.45
    drifts = findings.arrays["drifts"][PARAMETERIZATIONS.index(name)]
    assert drifts.max() < 0.6


def test_mean_field_kernels_move_whatever_the_width(findings: Findings) -> None:
    assert abs(findings.metrics["slope_drift_mean_field"]) < 0.2
    _, ntk, mean_field = findings.arrays["drifts"]
    assert (mean_field.mean(-1) > 5 * ntk.mean(-1)).all()


def test_two_parameterizations_begin_at_one_kernel(findings: Findings) -> None:
    _, ntk, mean_field = findings.arrays["initial_errors"]
    # Kernels of float32 weights that are stored at other scales.
    assert_close(mean_field, ntk, looser=1e5)


def test_losses_tend_to_what_infinite_width_predicts(findings: Findings) -> None:
    losses = findings.arrays["losses"][1].mean(1)
    expected = findings.arrays["expected_losses_ntk"]
    errors = np.abs(np.log(losses / expected))
    # Six networks are few: the mean square of their initial outputs varies by chance.
    assert errors[-1].max() < 0.5
    # The difference is chance at first, and the effect of the finite width in the end.
    assert errors[-1, -1] < errors[0, -1]


def test_one_learning_rate_serves_all_mean_field_widths(findings: Findings) -> None:
    losses = findings.arrays["losses"][2].mean(1)
    assert np.abs(np.log(losses[1:] / losses[-1])).max() < 0.5
    assert (losses[:, -1] < 0.3 * losses[:, 0]).all()


def test_an_experiment_depends_on_its_seed_alone() -> None:
    def run(seed: int) -> np.ndarray:
        experiment = LazyExperiment(widths=(4, 8), steps=2, repeats=2, seed=seed)
        return experiment.run(ignore).arrays["losses"]

    state = torch.get_rng_state()
    first = run(0)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(3)
    assert np.array_equal(run(0), first)
    # Two seeds, two widths and two networks of each. Initial outputs are equal in the first two
    # parameterisations, and different in the third.
    initial = np.stack([first, run(1)])[..., 0]
    assert_close(initial[:, 0], initial[:, 1], looser=1e5)
    assert len(np.unique(initial[:, 1:].round(12))) == 2 * 2 * 2 * 2


def test_seeded_draws_differ_from_seed_to_seed() -> None:
    draws = []
    for seed in ((0, 0), (0, 1), (1, 0), (1, 1), (0, 2**31)):
        with seeded(*seed):
            draws.append(torch.rand(()).item())
    assert len(set(draws)) == len(draws)


def test_a_power_is_found_with_its_standard_error() -> None:
    sizes = np.array([2, 4, 16, 64])
    law = fit_power_law(sizes, 5.0 * sizes[:, None] ** -0.7 * np.ones(3))
    assert_close(law.exponent, -0.7)
    assert law.error < 1e-12
    # The spread of exponents over many sets of noisy values.
    noise = np.random.default_rng(0).lognormal(sigma=0.3, size=(2000, 4, 3))
    laws = [fit_power_law(sizes, sizes[:, None] ** -0.7 * factors) for factors in noise]
    spread = np.std([law.exponent for law in laws])
    assert np.mean([law.error for law in laws]) == pytest.approx(spread, rel=0.06)
    assert np.mean([law.exponent for law in laws]) == pytest.approx(-0.7, abs=0.01)


def test_what_rounds_to_zero_has_no_sign() -> None:
    law = fit_power_law(np.array([1, 10]), np.array([[1.0], [0.999]]))
    assert str(law) == "0.00 ± nan"


@pytest.mark.parametrize("widths", [(8,), (8, 8), (16, 8)])
def test_widths_that_do_not_increase_are_rejected(widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="two or more that increase"):
        check_widths("widths", widths)


def test_networks_that_diverge_are_reported() -> None:
    with pytest.raises(ValueError, match="diverge at lr=50; expected a smaller lr"):
        LazyExperiment(widths=(4, 8), lr=50.0, steps=100, repeats=2).run(ignore)
