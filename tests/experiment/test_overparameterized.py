"""Theorem 4.1 of Du et al. 2019, and the lemmas of its proof, shrunk."""

import numpy as np
import pytest
import torch

from inr.encoding import GaussianEncoding
from inr.experiment import Findings, OverparameterizedExperiment
from inr.experiment._seeding import seeded
from inr.experiment.overparameterized import _descend, _TwoLayerReLU
from inr.lattice import lattice_points
from tests.tolerance import assert_close

WIDTHS = (4, 64, 512, 4096)
LR_FRACTION = 0.25


@pytest.fixture(scope="module")
def findings() -> Findings:
    experiment = OverparameterizedExperiment(
        widths=WIDTHS, steps=80, repeats=3, lr_fraction=LR_FRACTION
    )
    return experiment.run(lambda *_: None)


def test_errors_of_wide_networks_keep_below_the_bound_at_every_step(findings: Findings) -> None:
    errors, eigenvalues = findings.arrays["errors"], findings.arrays["eigenvalues"]
    # For the sum of squares the largest stable rate is 2 / λ_max.
    rate = LR_FRACTION * 2 / eigenvalues.max()
    bound = (1 - rate * eigenvalues.min() / 2) ** np.arange(errors.shape[-1])
    assert_close(findings.arrays["bound"], bound)
    assert_close(findings.metrics["rate_bound"], -np.log(bound[1]))
    assert (errors[1:] <= bound * errors[1:, :, :1] * (1 + 1e-9)).all()
    assert not findings.arrays["bound_broken"][1:].any()


def test_networks_of_four_neurons_may_break_the_bound(findings: Findings) -> None:
    errors, bound = findings.arrays["errors"][0], findings.arrays["bound"]
    broken = errors[:, -1] > bound[-1] * errors[:, 0]
    assert broken.any()
    assert (findings.arrays["bound_broken"][0] >= broken).all()
    assert findings.metrics["bound_broken_narrowest"] >= broken.mean()
    assert findings.metrics["rate_narrowest"] < findings.metrics["rate_bound"] / 2


def test_wide_networks_follow_the_kernel_of_infinite_width(findings: Findings) -> None:
    errors, expected = (findings.arrays[name] for name in ("errors", "expected_errors"))
    assert_close(expected[..., 0], errors[..., 0])
    distances = np.abs(np.log(errors / expected)).max(-1).mean(-1)
    assert (np.diff(distances) < 0).all()
    assert distances[-1] < 0.6
    # While it falls by six orders of magnitude.
    assert errors[-1, :, -1].max() < 1e-6 * errors[-1, :, 0].min()
    metrics = findings.metrics
    assert metrics["rate_widest"] == pytest.approx(metrics["rate_infinite_width"], rel=0.2)


def test_the_kernel_of_infinite_width_is_the_mean_over_neurons(findings: Findings) -> None:
    points = lattice_points((6, 6), dtype=torch.float64)
    encoding = GaussianEncoding(2, num_frequencies=16, scale=2.0, seed=0, norm=1.0)
    features = encoding.double()(points)
    weights = torch.randn(100_000, 32, generator=torch.Generator().manual_seed(1)).double()
    active = (features @ weights.T > 0).double()
    kernel = features @ features.T * (active @ active.T) / len(weights)
    # 36 eigenvalues of a mean over 10⁵ neurons.
    measured = torch.linalg.eigvalsh(kernel).numpy()
    np.testing.assert_allclose(measured, findings.arrays["eigenvalues"], rtol=0.02)


def test_least_eigenvalues_tend_to_that_of_infinite_width(findings: Findings) -> None:
    least = findings.arrays["least_eigenvalue"]
    theory = findings.metrics["least_eigenvalue_theory"]
    distances = np.abs(least - theory).mean(1) / theory
    assert distances[0] > 0.5
    assert distances[-1] < 0.05


def test_neurons_stay_near_where_they_began(findings: Findings) -> None:
    metrics, arrays = findings.metrics, findings.arrays
    assert -0.6 < metrics["slope_movement"] < -0.4
    assert -0.6 < metrics["slope_flips"] < -0.38
    lengths = np.sqrt(arrays["errors"][..., 0])
    least = arrays["eigenvalues"].min()
    bound = 4 * np.sqrt(36) * lengths / (np.sqrt(np.array(WIDTHS))[:, None] * least)
    assert_close(arrays["movement_bound"], bound)
    assert (arrays["movement"][1:] < bound[1:]).all()


def test_a_training_is_the_papers_by_hand() -> None:
    generator = np.random.default_rng(0)
    z = generator.standard_normal((5, 3))
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    y = generator.standard_normal(5)
    with seeded(0):
        model = _TwoLayerReLU(3, 40)
    start, signs = model.weight.detach().numpy().copy(), model.signs[:, 0].numpy()
    assert set(signs) == {-1.0, 1.0}
    lr, steps = 0.9, 20
    found = _descend(model, torch.from_numpy(z), torch.from_numpy(y)[:, None], lr, steps)
    weights, errors = start.copy(), []
    for _ in range(steps + 1):
        hidden = z @ weights.T
        residuals = np.maximum(hidden, 0) @ signs / np.sqrt(40) - y
        errors.append(residuals @ residuals)
        if len(errors) <= steps:
            for r in range(40):
                slope = signs[r] / np.sqrt(40) * ((hidden[:, r] > 0) * residuals) @ z
                # The gradient of the mean over five values is 2/5 of that of ½ Σ r².
                weights[r] -= lr * 2 / 5 * slope
    assert_close(found.errors, errors)
    distances = np.linalg.norm(weights - start, axis=1)
    assert_close(found.movement, distances.max())
    assert found.movement > 1.2 * distances.mean()
    assert_close(found.flips, ((z @ weights.T > 0) != (z @ start.T > 0)).mean())
    assert found.flips > 0
    active = (z @ start.T > 0).astype(float)
    least = np.linalg.eigvalsh(z @ z.T * (active @ active.T) / 40)[0]
    assert_close(found.least_eigenvalue, least)


def test_a_rate_that_diverges_is_rejected() -> None:
    with pytest.raises(ValueError, match="less than 1"):
        OverparameterizedExperiment(lr_fraction=1.0)
