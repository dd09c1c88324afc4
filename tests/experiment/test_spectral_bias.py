"""Times to learn a frequency, shrunk."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from inr.experiment import Findings, SpectralBiasExperiment
from inr.experiment._circle import circle_points, circulant_spectrum, on_unit_circle
from inr.experiment.spectral_bias import first_layer_ntk, two_layer_network
from inr.ntk import empirical_ntk


@pytest.fixture(scope="module")
def findings() -> Findings:
    experiment = SpectralBiasExperiment(
        frequencies=(1, 2, 3, 4, 6, 8), num_points=64, hidden_features=4096, fit_from=2
    )
    return experiment.run(lambda *_: None)


def series(k: int, bias: bool) -> float:
    """λ_k / n on infinitely many points, by the theorems of Basri et al. 2019."""
    if k == 0:
        return 1 / math.pi**2 + bias / 4
    if k == 1:
        return 1 / 8 + bias / math.pi**2
    if k % 2 == 0:
        return (k**2 + 1) / (math.pi**2 * (k**2 - 1) ** 2)
    return bias / (math.pi**2 * k**2)


@pytest.mark.parametrize("bias", [True, False])
def test_eigenvalues_are_those_of_the_paper_and_their_aliases(bias: bool) -> None:
    n = 64
    eigenvalues = circulant_spectrum(first_layer_ntk(n, bias=bias)) / n
    for k in range(n // 4):
        aliases = sum(series(abs(k + j * n), bias) for j in range(-4000, 4001))
        # The series' tail, beyond 4,000 aliases.
        assert eigenvalues[k].item() == pytest.approx(aliases, rel=1e-9, abs=2e-8)


@pytest.mark.parametrize("bias", [True, False])
def test_a_wide_network_starts_at_zero_with_this_kernel(bias: bool) -> None:
    neurons = 2**15
    network = two_layer_network(neurons, bias=bias, seed=0).double()
    x = on_unit_circle(circle_points(16))
    # Neurons cancel in pairs. Each addition rounds by at most the sum of all sizes.
    sizes = functional.linear(network.hidden[0](x).relu(), network.output.weight.abs())
    assert (network(x).abs() <= neurons * torch.finfo(x.dtype).eps * sizes).all()
    kernel = first_layer_ntk(16, bias=bias)
    difference = empirical_ntk(network, x, dtype=torch.float64) - kernel
    # About m^-1/2 for m pairs of neurons: 0.008.
    assert torch.linalg.norm(difference) < 0.02 * torch.linalg.norm(kernel)


@pytest.mark.parametrize("name", ["with_bias", "without_bias"])
def test_frequencies_take_the_steps_that_their_eigenvalues_say(
    findings: Findings, name: str
) -> None:
    predicted, measured = (findings.arrays[f"{name}_{key}"] for key in ("predicted", "measured"))
    eigenvalues = circulant_spectrum(first_layer_ntk(64, bias=name == "with_bias")).numpy()
    rates = 0.8 * eigenvalues[findings.arrays[f"{name}_frequencies"]] / eigenvalues.max()
    np.testing.assert_allclose(predicted, np.log(0.1) / np.log(1 - rates))
    # 8 % at most, in 5 seeds.
    np.testing.assert_allclose(measured, predicted, rtol=0.1)
    steps, errors, curve = (
        findings.arrays[f"{name}_k8_{x}"] for x in ("steps", "errors", "predicted")
    )
    np.testing.assert_allclose(curve, (1 - rates[-1]) ** steps)
    np.testing.assert_allclose(errors, curve, atol=0.03)


@pytest.mark.parametrize("name", ["with_bias", "without_bias"])
def test_the_measured_exponent_is_the_predicted_one(findings: Findings, name: str) -> None:
    # From frequency 2 on.
    logarithms = (
        np.log(findings.arrays[f"{name}_{key}"][1:]) for key in ("frequencies", "predicted")
    )
    predicted = findings.metrics[f"exponent_{name}_predicted"]
    assert predicted == pytest.approx(np.polyfit(*logarithms, 1)[0])
    # 0.05 at most, in 5 seeds.
    assert findings.metrics[f"exponent_{name}"] == pytest.approx(predicted, abs=0.06)


@pytest.mark.parametrize(("bias", "odd"), [(True, 0), (True, 1), (False, 0)])
def test_times_grow_as_the_square_of_high_frequencies(bias: bool, odd: int) -> None:
    # Many points have few aliases.
    times = 1 / circulant_spectrum(first_layer_ntk(1024, bias=bias))
    low, high = 16 + odd, 64 + odd
    exponent = (times[high] / times[low]).log().item() / math.log(high / low)
    assert exponent == pytest.approx(2, abs=0.02)


def test_without_biases_odd_frequencies_are_never_learned(findings: Findings) -> None:
    assert findings.arrays["without_bias_frequencies"].tolist() == [1, 2, 4, 6, 8]
    assert findings.metrics["error_without_bias_k3"] == pytest.approx(1, abs=1e-4)
    # It trained longer than any other.
    assert (
        findings.arrays["without_bias_k3_steps"][-1]
        >= findings.arrays["without_bias_predicted"].max()
    )
    assert findings.arrays["with_bias_frequencies"].tolist() == [1, 2, 3, 4, 6, 8]
    assert "error_with_bias_k3" not in findings.metrics


def test_frequencies_that_a_narrow_network_does_not_learn_are_named() -> None:
    experiment = SpectralBiasExperiment(
        frequencies=(2, 4, 6), num_points=48, hidden_features=2, fit_from=2
    )
    with pytest.raises(ValueError, match=r"of the frequencies \[2, 4, 6\] only \[\] were learned"):
        experiment.run(lambda *_: None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frequencies": (1, 2, 3)}, "expected two even ones from fit_from=4 on"),
        ({"num_points": 127}, "num_points is 127; expected 128 or more"),
        ({"num_points": 129}, "num_points is 129; expected an even number"),
        ({"hidden_features": 7}, "hidden_features is 7; expected an even number"),
        ({"fraction": 1.0}, "expected them below 1"),
        ({"lr": 1.0}, "expected them below 1"),
    ],
)
def test_options_out_of_range_are_rejected(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SpectralBiasExperiment(**options)  # type: ignore[arg-type]
