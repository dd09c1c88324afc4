"""Kernels of infinite width against published numbers, closed forms and Neural Tangents."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from inr.encoding import FourierEncoding, GaussianEncoding, IdentityEncoding
from inr.ntk.infinite.dual_activation import dual_activation
from inr.ntk.infinite.infinite import InfiniteKernel, infinite_ntk
from inr.ntk.spectrum.conditioning import condition_number, falloff_exponent
from inr.ntk.spectrum.spectrum import spectrum
from tests.tolerance import assert_close

REFERENCE = json.loads(Path(__file__).with_name("neural_tangents.json").read_text())
SMALL: dict[str, Any] = {"hidden_layers": 2, "hidden_features": 8, "bias_std": 0.3}


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(
    "kernel",
    REFERENCE["kernels"],
    ids=lambda kernel: f"{kernel['network']['activation']}-{kernel['network']['bias_std']}",
)
def test_the_kernels_are_those_of_neural_tangents(kernel: dict[str, Any]) -> None:
    x1, x2 = (torch.tensor(REFERENCE[name], dtype=torch.float64) for name in ("x1", "x2"))
    computed = infinite_ntk(x1, x2, **kernel["network"])
    assert_close(computed.nngp, kernel["nngp"])
    assert_close(computed.ntk, kernel["ntk"])


@pytest.mark.parametrize("layers", [0, 1, 3, 6])
def test_the_relu_kernel_of_a_point_with_itself_counts_the_layers(layers: int) -> None:
    x = draw(6, 3)
    x = math.sqrt(3) * x / torch.linalg.vector_norm(x, dim=1, keepdim=True)
    kernels = infinite_ntk(
        x,
        hidden_layers=layers,
        hidden_features=5,
        parameterization="ntk",
        weight_std=math.sqrt(2),
    )
    assert_close(kernels.ntk.diagonal(), torch.full((6,), 2.0 * (layers + 1)))
    assert_close(kernels.nngp.diagonal(), torch.full((6,), 2.0))


# |DFT| at 0, 1, 8, 15 and 16 cycles, and condition number: Tancik et al. 2020, figure 2, whose
# kernels have the diagonal 14.
FIGURE_2 = {
    0.0: ([187.782, 8.3010, 8.3010, 8.3010, 11.1868], 22.6),
    1.0: ([201.604, 41.1854, 3.7361, 2.1416, 2.1934], 94.1),
    math.inf: ([224.601, 65.2231, 0.9321, 0.4415, 0.4387], 512.0),
}


@pytest.mark.parametrize("power", FIGURE_2)
def test_amplitudes_of_fourier_features_shape_the_spectrum_as_published(power: float) -> None:
    frequencies = torch.arange(1, 17, dtype=torch.float64)[:, None]
    encoding = FourierEncoding(frequencies, amplitude_power=power, norm=1)
    points = torch.arange(32, dtype=torch.float64)[:, None] / 32
    kernel = infinite_ntk(encoding(points), hidden_layers=3, hidden_features=1024, bias_std=0.0).ntk
    content, condition = FIGURE_2[power]
    assert_close(kernel.diagonal(), torch.full((32,), 14.0))
    computed = torch.fft.fft(kernel[0]).abs()[[0, 1, 8, 15, 16]]
    assert computed.tolist() == pytest.approx(content, rel=1e-5, abs=6e-5)
    assert condition_number(spectrum(kernel).eigenvalues) == pytest.approx(condition, rel=2e-3)


@pytest.mark.parametrize("layers", [2, 4])
@pytest.mark.parametrize("scale", [2.0, 5.0, 10.0, 30.0])
def test_fourier_features_flatten_the_spectrum(layers: int, scale: float) -> None:
    points = draw(96, 2).sigmoid()
    falloffs, conditions = [], []
    encodings = [IdentityEncoding(2)]
    encodings += [GaussianEncoding(2, scale=s, norm=1.0).double() for s in (scale / 2, scale)]
    for encoding in encodings:
        kernel = infinite_ntk(
            encoding(points), hidden_layers=layers, hidden_features=64, bias_std=0.0
        ).ntk
        values = spectrum(kernel).eigenvalues
        falloffs.append(falloff_exponent(values))
        conditions.append(condition_number(values))
    assert falloffs[0] > falloffs[1] > falloffs[2]
    assert conditions[0] > conditions[1] > conditions[2]


@pytest.mark.parametrize("frequency", [0, 1, 2, 3, 4, 5, 8])
def test_a_two_layer_relu_network_on_the_circle_learns_no_odd_frequencies_from_three(
    frequency: int,
) -> None:
    # Without biases, and with only its first layer trained: Basri et al. 2019, section 3.
    count = 4096
    angles = 2 * math.pi * torch.arange(count, dtype=torch.float64) / count
    cosine = torch.cos(angles)
    one = torch.ones((), dtype=torch.float64)
    row = cosine * dual_activation("relu", one, cosine, one)[1]
    # K/n is circulant: its eigenvalues are the Fourier coefficients of its row.
    eigenvalue = (row * torch.cos(frequency * angles)).mean()
    k = frequency
    odd = 0.25 if k == 1 else 0.0
    coefficient = 2 * (k**2 + 1) / (math.pi * (k**2 - 1)) ** 2 if k % 2 == 0 else odd
    expected = 1 / math.pi**2 if k == 0 else coefficient / 2
    # The mean over points is the mean over the circle but for an error at the kink.
    assert eigenvalue.item() == pytest.approx(expected, abs=3e-8)


def test_the_kernel_of_a_linear_map_is_the_gram_matrix_of_its_features() -> None:
    x = draw(4, 3)
    for parameterization, weight, bias in (
        ("standard", 1.0, 1.0),
        ("ntk", 0.25 / 3, 0.49),
        ("mean_field", 1 / 3, 1.0),
    ):
        kernels = infinite_ntk(
            x,
            hidden_layers=0,
            hidden_features=9,
            parameterization=parameterization,
            weight_std=0.5,
            bias_std=0.7,
        )
        assert_close(kernels.ntk, weight * x @ x.T + bias)
        assert_close(kernels.nngp, 0.25 / 3 * x @ x.T + 0.49)


def test_only_the_units_of_the_standard_kernel_know_the_width() -> None:
    x = draw(5, 3)
    for parameterization in ("standard", "ntk", "mean_field"):
        narrow, wide = (
            infinite_ntk(
                x,
                hidden_layers=2,
                hidden_features=width,
                activation="tanh",
                parameterization=parameterization,
                bias_std=0.4,
            )
            for width in (10, 40)
        )
        grows = not torch.allclose(wide.ntk, narrow.ntk)
        assert grows == (parameterization == "standard")
        assert_close(wide.nngp, narrow.nngp / (4 if parameterization == "mean_field" else 1))


def test_without_width_to_spare_standard_and_mean_field_differ_by_the_first_layer_alone() -> None:
    # At n = 1 the factors are 1 but for 1/√d before the features.
    x = draw(5, 4)
    standard, mean_field = (
        infinite_ntk(
            x, hidden_layers=1, hidden_features=1, bias_std=0.2, parameterization=parameterization
        )
        for parameterization in ("standard", "mean_field")
    )
    variances = 0.25 * x @ x.T + 0.04
    slopes = dual_activation(
        "relu", variances.diagonal()[:, None], variances, variances.diagonal()
    )[1]
    assert_close(standard.nngp, mean_field.nngp)
    assert_close(standard.ntk - mean_field.ntk, slopes * (1 - 0.25) * (x @ x.T))


def test_biases_that_start_at_zero_are_trained_but_under_ntk() -> None:
    x = draw(4, 3)
    for parameterization, difference in (("standard", 1.0), ("ntk", 0.0)):
        without, at_zero = (
            infinite_ntk(
                x,
                hidden_layers=0,
                hidden_features=1,
                parameterization=parameterization,
                bias_std=bias,
            )
            for bias in (None, 0.0)
        )
        assert_close(at_zero.ntk - without.ntk, torch.full((4, 4), difference))
        assert_close(at_zero.nngp, without.nngp)


@pytest.mark.parametrize(("activation", "chunk_size"), [("relu", 1), ("sine", 3), ("gelu", 4)])
def test_tiles_are_parts_of_the_whole(activation: str, chunk_size: int) -> None:
    x, x2 = draw(7, 3), draw(4, 3, seed=1)
    for other in (None, x2):
        whole = infinite_ntk(x, other, activation=activation, **SMALL)
        tiled = infinite_ntk(x, other, activation=activation, chunk_size=chunk_size, **SMALL)
        for part, expected in zip(tiled, whole, strict=True):
            assert_close(part, expected)
    joint = infinite_ntk(torch.cat([x, x2]), activation=activation, **SMALL)
    for part, expected in zip(whole, joint, strict=True):
        assert_close(part, expected[:7, 7:])


def test_batches_are_computed_one_by_one() -> None:
    x, x2 = draw(2, 3, 5, 4), draw(3, 6, 4, seed=1)
    kernels = infinite_ntk(x, x2, **SMALL)
    assert kernels.ntk.shape == (2, 3, 5, 6)
    for part, expected in zip(kernels, infinite_ntk(x[1, 2], x2[2], **SMALL), strict=True):
        assert_close(part[1, 2], expected)
    alone = infinite_ntk(x, chunk_size=2, **SMALL)
    assert_close(alone.ntk[0, 1], infinite_ntk(x[0, 1], **SMALL).ntk)


def test_single_precision_features_get_kernels_of_double_precision() -> None:
    x = draw(5, 3).float()
    kernels = infinite_ntk(x, **SMALL)
    assert kernels.ntk.dtype == kernels.nngp.dtype == torch.float64
    assert_close(kernels.ntk, infinite_ntk(x.double(), **SMALL).ntk)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "erf", "sine", "tanh"])
def test_gradients_in_the_features_are_those_of_differences(activation: str) -> None:
    def compute(x: Tensor, x2: Tensor) -> InfiniteKernel:
        return infinite_ntk(x, x2, activation=activation, **SMALL)

    points = [draw(2, 2).requires_grad_(), draw(1, 2, seed=1).requires_grad_()]
    assert torch.autograd.gradcheck(compute, points)


@pytest.mark.parametrize("activation", ["relu", "erf", "gelu"])
def test_gradients_of_coincident_points_are_those_along_both(activation: str) -> None:
    # The points of a kernel's diagonal move together: Θ(x, x) of a rotated x is the same, and of a
    # longer one it grows by its own difference.
    x = draw(4, 3).requires_grad_()
    diagonal = infinite_ntk(x, activation=activation, **SMALL).ntk.diagonal()
    gradient = torch.autograd.grad(diagonal.sum(), x)[0]
    step = 1e-5
    longer, shorter = (
        infinite_ntk(x.detach() * (1 + s), activation=activation, **SMALL).ntk.diagonal()
        for s in (step, -step)
    )
    # This is the error of central differences with this step.
    assert_close((gradient * x).sum(1), (longer - shorter) / (2 * step), looser=100)
    along = torch.linalg.cross(x, draw(4, 3, seed=2), dim=1)
    assert_close((gradient * along).sum(1), torch.zeros(4))


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "sine", "softplus"])
def test_gradients_are_finite_at_coincident_opposite_and_zero_points(activation: str) -> None:
    x = draw(3, 2)
    x = torch.cat([x, x, -x, torch.zeros(1, 2).double()]).requires_grad_()
    kernels = infinite_ntk(
        x, x.detach(), hidden_layers=2, hidden_features=4, activation=activation, bias_std=0.0
    )
    assert torch.autograd.grad(kernels.ntk.sum() + kernels.nngp.sum(), x)[0].isfinite().all()


def test_a_kernel_is_symmetric_and_has_no_negative_eigenvalues() -> None:
    x = draw(30, 2)
    for activation in ("relu", "sine", "tanh", "elu"):
        for kernel in infinite_ntk(x, activation=activation, chunk_size=8, **SMALL):
            assert_close(kernel, kernel.T)
            values = torch.linalg.eigvalsh(kernel)
            assert values[0] > -1e-12 * values[-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "swish"}, "activation is 'swish'; expected one of"),
        ({"parameterization": "lazy"}, "parameterization is 'lazy'; expected one of standard, ntk"),
        ({"hidden_layers": -1}, "hidden_layers is -1; expected 0 or more"),
        ({"hidden_features": 0}, "hidden_features is 0; expected 1 or more"),
        ({"weight_std": 0.0}, "weight_std is 0.0; expected a finite number above 0"),
        ({"bias_std": -1.0}, "bias_std is -1.0; expected a finite number, 0 or more"),
        ({"chunk_size": 0}, "chunk_size is 0; expected 1 or more"),
        ({"x2": torch.ones(3, 2)}, r"shapes \(4, 3\) and \(3, 2\); expected .* with the same d"),
        ({"x2": torch.ones(3)}, r"shapes \(4, 3\) and \(3,\); expected \(\*batch, n, d\)"),
        ({"x1": torch.ones(())}, r"shapes \(\) and \(\); expected \(\*batch, n, d\)"),
        ({"x1": torch.ones(4, 0)}, r"shapes \(4, 0\) and \(4, 0\); expected \(\*batch, n, d\)"),
        (
            {"x1": torch.ones(2, 4, 3), "x2": torch.ones(5, 4, 3)},
            r"shapes \(2, 4, 3\) and \(5, 4, 3\); expected batches that broadcast",
        ),
    ],
)
def test_what_is_out_of_range_is_rejected(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        infinite_ntk(**{"x1": draw(4, 3)} | SMALL | options)
