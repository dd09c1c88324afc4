"""Figures 2 and 3 of Tancik et al. 2020, shrunk."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from inr.encoding import FourierEncoding
from inr.experiment import Findings, Ntk1dExperiment
from inr.experiment._circle import circle_points, circulant_spectrum
from inr.experiment._standard_field import standard_field, standard_ntk
from inr.ntk import empirical_ntk, predict

NAMES = ("p0", "p1", "pinf")


def run(**options: object) -> Findings:
    shrunk: dict[str, object] = {"hidden_features": 256, "steps": 300, "num_points": 16}
    experiment = Ntk1dExperiment(**(shrunk | {"bandwidth": 32} | options))  # type: ignore[arg-type]
    return experiment.run(lambda *_: None)


@pytest.fixture(scope="module")
def findings() -> Findings:
    return run()


def encoding(num_frequencies: int, power: float) -> FourierEncoding:
    frequencies = torch.arange(1.0, num_frequencies + 1)[:, None]
    return FourierEncoding(frequencies, amplitude_power=power, norm=1.0)


# |DFT| of Θ's first row at k = 0, 1, 8, 15, 16, computed independently of this package.
REFERENCE = {
    0.0: (187.782, 8.3010, 8.3010, 8.3010, 11.1868),
    1.0: (201.604, 41.1854, 3.7361, 2.1416, 2.1934),
    math.inf: (224.601, 65.2231, 0.9321, 0.4415, 0.4387),
}


@pytest.mark.parametrize("power", REFERENCE)
def test_spectra_of_figure_2(power: float) -> None:
    x = circle_points(32)
    kernel = standard_ntk(encoding(16, power), x, x, 1024, 3)
    # The encoding's frequencies and amplitudes are in float32.
    np.testing.assert_allclose(kernel.diagonal(), 14, rtol=1e-6)
    spectrum = circulant_spectrum(kernel)[[0, 1, 8, 15, 16]]
    np.testing.assert_allclose(spectrum, REFERENCE[power], atol=5.1e-4)


def test_the_experiment_has_the_spectra_of_infinite_width(findings: Findings) -> None:
    x = circle_points(16)
    for name, power in zip(NAMES, REFERENCE, strict=True):
        spectrum = circulant_spectrum(standard_ntk(encoding(8, power), x, x, 256, 3))
        np.testing.assert_allclose(
            findings.arrays[f"spectrum_{name}_infinite"], spectrum, rtol=1e-4
        )
        condition = findings.metrics[f"condition_number_{name}_infinite"]
        assert condition == pytest.approx((spectrum.max() / spectrum.min()).item(), rel=1e-4)


def test_networks_have_nearly_the_kernel_of_infinite_width() -> None:
    x = circle_points(16).float()
    features = encoding(8, 1.0)
    infinite = standard_ntk(features, x, x, 1024, 3)
    kernels = torch.stack(
        [empirical_ntk(standard_field(features, 1, 1024, 3, seed), x) for seed in range(8)]
    ).double()
    scale = torch.linalg.norm(infinite)
    # The kernel of one network of width 1,024 is 6 % away on average, and the mean of several less.
    assert torch.linalg.norm(kernels[0] - infinite) < 0.2 * scale
    assert torch.linalg.norm(kernels.mean(0) - infinite) < 0.05 * scale


def test_larger_powers_have_worse_conditioned_kernels_and_learn_less(findings: Findings) -> None:
    for kind in ("infinite", "network"):
        numbers = [findings.metrics[f"condition_number_{name}_{kind}"] for name in NAMES]
        assert numbers == sorted(numbers)
    for kind in ("trained", "predicted"):
        losses = [findings.metrics[f"train_loss_{name}_{kind}"] for name in NAMES]
        assert losses == sorted(losses)


def brute_force_losses(lr: float, steps: int, data: dict[str, Tensor]) -> tuple[float, float]:
    """Outputs of the linearised network, by powers and inverses of its kernel."""
    field = standard_field(encoding(8, 1.0), 1, 256, 3, 0)
    x, x_test = data["x"].float(), data["x_test"].float()
    with torch.no_grad():
        f0, f0_test = field(x).double(), field(x_test).double()
    kernel = empirical_ntk(field, x, dtype=torch.float64)
    cross = empirical_ntk(field, x_test, x, dtype=torch.float64)
    step = torch.eye(16, dtype=torch.float64) - 2 * lr / 16 * kernel
    left = torch.linalg.matrix_power(step, steps) @ (f0 - data["y"])
    outputs = f0_test - cross @ torch.linalg.solve(kernel, f0 - data["y"] - left)
    return left.square().mean().item(), (outputs - data["y_test"]).square().mean().item()


def test_predictions_are_of_the_kernel_and_the_outputs_at_step_0(findings: Findings) -> None:
    data = {
        name: torch.from_numpy(findings.arrays[name]).double()
        for name in ("x", "y", "x_test", "y_test")
    }
    steps = findings.arrays["steps"]
    for look in (0, len(steps) // 2, len(steps) - 1):
        train, test = brute_force_losses(0.016, int(steps[look]), data)
        assert findings.arrays["train_loss_p1_predicted"][look] == pytest.approx(train, rel=1e-5)
        assert findings.arrays["test_loss_p1_predicted"][look] == pytest.approx(test, rel=1e-5)


def test_training_begins_as_predicted_and_stays_near(findings: Findings) -> None:
    for name in NAMES:
        for points in ("train", "test"):
            trained = findings.arrays[f"{points}_loss_{name}_trained"]
            predicted = findings.arrays[f"{points}_loss_{name}_predicted"]
            np.testing.assert_allclose(trained[:3], predicted[:3], rtol=5e-3)
            distances = np.abs(np.sqrt(trained) - np.sqrt(predicted)) / np.sqrt(trained[0])
            deviation = findings.metrics[f"{points}_deviation_{name}"]
            assert deviation == pytest.approx(distances.max())
            # 0.07 at most, in 6 seeds.
            assert deviation < 0.1


def test_predictions_are_better_for_wider_networks() -> None:
    deviations = [
        np.mean(
            [
                run(
                    hidden_features=width, amplitude_powers=(1.0,), steps=100, lr=lr, seed=seed
                ).metrics["train_deviation_p1"]
                for seed in range(3)
            ]
        )
        # The kernel grows with the width: a smaller rate keeps their product.
        for width, lr in ((32, 0.25), (512, 0.02))
    ]
    assert deviations[1] < 0.5 * deviations[0]


def test_smaller_steps_for_longer_are_the_same_course() -> None:
    options = {"amplitude_powers": (1.0,), "seed": 1}
    large = run(**options, lr=0.016, steps=60)
    small = run(**options, lr=0.0016, steps=600)
    # Half a percent apart at most, in 6 seeds: large steps are not quite a flow.
    for key in ("train_loss_p1_trained", "train_loss_p1_predicted", "test_loss_p1_trained"):
        assert small.metrics[key] == pytest.approx(large.metrics[key], rel=0.01)
    assert large.arrays["train_loss_p1_trained"][0] > 3 * large.metrics["train_loss_p1_trained"]


def test_the_rate_is_the_papers_for_half_the_sum_of_squares() -> None:
    x = circle_points(32)
    y = torch.sin(2 * math.pi * 3 * x) + torch.cos(2 * math.pi * 11 * x)
    kernel = standard_ntk(encoding(16, 1.0), x, x, 1024, 3)
    ours = predict(kernel, y, lr=0.016, steps=500).outputs
    paper = predict(kernel, y, lr=1e-3, steps=500, loss="half_sse").outputs
    torch.testing.assert_close(ours, paper)
    longer = predict(kernel, y, lr=1e-5, steps=50_000, loss="half_sse").outputs
    torch.testing.assert_close(ours, longer, rtol=0, atol=2e-3)
    assert (ours - y).abs().max() > 0.01


def test_a_signal_has_other_points_for_testing(findings: Findings) -> None:
    arrays = findings.arrays
    np.testing.assert_allclose(arrays["x"][:, 0], np.arange(16) / 16)
    assert len(arrays["x_test"]) == 16 * 7
    assert not np.isin(arrays["x_test"], arrays["x"]).any()
    signal = np.concatenate([arrays["y"], arrays["y_test"]])
    assert (signal.min(), signal.max()) == (-0.5, 0.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"amplitude_powers": ()}, r"amplitude_powers are \[\]; expected numbers, 0 or more"),
        ({"amplitude_powers": (1.0, -1.0)}, "expected numbers, 0 or more"),
        ({"bandwidth": 129}, "bandwidth is 129 for a signal of 256 points; expected 128 or less"),
        ({"refinement": 1}, "refinement is 1; expected 2 or more"),
    ],
)
def test_options_out_of_range_are_rejected(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Ntk1dExperiment(**options)  # type: ignore[arg-type]
