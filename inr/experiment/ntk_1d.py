"""A signal on the circle, learned as the kernel at step 0 predicts."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional

from inr.argument import check_count, check_list, check_positive
from inr.encoding import FourierEncoding
from inr.experiment._circle import (
    CircleData,
    check_bandwidth,
    circulant_spectrum,
    power_law_signals,
    split_signals,
)
from inr.experiment._experiment import Experiment, Findings, Progress
from inr.experiment._figures import COLORS, panels
from inr.experiment._gradient_descent import gradient_descent
from inr.experiment._stability import check_stable
from inr.experiment._standard_field import standard_field, standard_ntk
from inr.experiment._steps import log_spaced_steps
from inr.field import Field
from inr.ntk import condition_number, empirical_ntk, predict


class _Kernels(NamedTuple):
    """Kernels of the training points, at infinite width and of the network at step 0."""

    infinite: Tensor
    network: Tensor


class _Errors(NamedTuple):
    """Mean squared errors at some steps, measured and predicted by the kernel at step 0."""

    trained: np.ndarray
    predicted: np.ndarray

    def deviation(self) -> float:
        """Largest distance between the roots of both, relative to the root of the first error."""
        distances = np.abs(np.sqrt(self.trained) - np.sqrt(self.predicted))
        return float(distances.max() / np.sqrt(self.trained[0]))


class _Course(NamedTuple):
    """The training with one amplitude power p."""

    kernels: _Kernels
    train: _Errors
    test: _Errors


class Ntk1dExperiment(Experiment):
    r"""Fourier features decide the spectrum of a kernel, which decides how a signal is learned.

    Points i/n of the circle [0, 1) are encoded with the frequencies j = 1, ..., n/2,

    .. math::
        \gamma(x) = [a_j \cos 2 \pi j x,\; a_j \sin 2 \pi j x]_j / \lVert a \rVert, \quad
        a_j = j^{-p}

    The kernel of a wide network then depends on distances alone, with the same Θ(x, x) for every p,
    and its eigenvectors are the frequencies. The larger p, the faster the eigenvalues fall. The
    outputs of training are predicted from the kernel and the outputs at step 0,

    .. math:: f_t(X) = y + (I - 2 \eta \Theta_0 / n)^t (f_0(X) - y)

    and between the training points by :func:`inr.ntk.predict`. The networks are ReLU perceptrons
    with W ~ N(0, 1/m) for m inputs and trained biases that start at 0. Amplitudes of the signal
    fall as 1/f^α.

    Args:
        amplitude_powers: Powers p, each 0 or more; infinity leaves the frequency 1 alone.
        num_points: Number n of training points.
        refinement: Number of points of the signal for each training point; the others are for
            testing.
        signal_power: Power α of the signal's amplitudes.
        bandwidth: Bound of the signal's frequencies, in cycles. Frequencies above n/2 are aliases
            of lower ones at the training points: no fit finds them between.
        hidden_features: Width of the networks.
        hidden_layers: Number of hidden layers.
        lr: Learning rate η.
        steps: Number of steps of gradient descent.
        seed: Seed of the signal and of the weights.

    Raises:
        ValueError: An option is out of range or, in a run, training diverges.

    References:
        Tancik et al. 2020, "Fourier Features Let Networks Learn High Frequency Functions in Low
        Dimensional Domains", figures 2 and 3. The loss of the paper's code is ½ Σ r². A rate for it
        is n/2 times as large for the mean: 10⁻³ is 0.016 here. 500 such steps are as much training
        as the paper's 50,000 at 10⁻⁵.

    Differs from:
        The paper's code, whose predictions for a step start from the outputs at that step.
    """

    def __init__(
        self,
        *,
        amplitude_powers: Sequence[float] = (0.0, 1.0, math.inf),
        num_points: int = 32,
        refinement: int = 8,
        signal_power: float = 1.0,
        bandwidth: int = 64,
        hidden_features: int = 1024,
        hidden_layers: int = 3,
        lr: float = 0.016,
        steps: int = 500,
        seed: int = 0,
    ) -> None:
        powers = check_list("amplitude_powers", amplitude_powers)
        # check_positive would reject infinity.
        if not powers or not all(isinstance(p, int | float) and p >= 0 for p in powers):
            raise ValueError(f"amplitude_powers are {powers}; expected numbers, 0 or more.")
        self.amplitude_powers = tuple(powers)
        self.num_points = check_count("num_points", num_points, minimum=2)
        self.refinement = check_count("refinement", refinement, minimum=2)
        self.signal_power = check_positive("signal_power", signal_power, zero=True)
        self.bandwidth = check_bandwidth(bandwidth, num_points * refinement)
        self.hidden_features = check_count("hidden_features", hidden_features)
        self.hidden_layers = check_count("hidden_layers", hidden_layers)
        self.lr = check_positive("lr", lr)
        self.steps = check_count("steps", steps)
        self.seed = check_count("seed", seed, minimum=0)

    def run(self, progress: Progress) -> Findings:
        data = self._data()
        probe_steps = log_spaced_steps(self.steps)
        total = len(self.amplitude_powers) * self.steps
        courses = {}
        for number, power in enumerate(self.amplitude_powers):

            def report(step: int, label: str = f"p = {power:g}", first: int = number) -> None:
                progress(f"training with {label}", first * self.steps + step, total)

            courses[power] = self._train(self._encoding(power), data, probe_steps, report)
        return _report(np.array(probe_steps), data, courses)

    def _data(self) -> CircleData:
        generator = torch.Generator().manual_seed(self.seed)
        signals = power_law_signals(
            1, self.num_points * self.refinement, self.signal_power, self.bandwidth, generator
        )
        return CircleData(*(part.float() for part in split_signals(signals, self.refinement)))

    def _encoding(self, power: float) -> FourierEncoding:
        frequencies = torch.arange(1.0, self.num_points // 2 + 1)[:, None]
        return FourierEncoding(frequencies, amplitude_power=power, norm=1.0)

    def _train(
        self,
        encoding: FourierEncoding,
        data: CircleData,
        probe_steps: list[int],
        report: Callable[[int], None],
    ) -> _Course:
        sizes = self.hidden_features, self.hidden_layers
        infinite = standard_ntk(encoding, data.x, data.x, *sizes)
        field = standard_field(encoding, 1, *sizes, self.seed)
        kernel = empirical_ntk(field, data.x, dtype=torch.float64)
        with torch.no_grad():
            f0, f0_test = field(data.x), field(data.x_test)
        prediction = predict(
            kernel,
            data.y,
            f0,
            lr=self.lr,
            steps=probe_steps,
            K_test=empirical_ntk(field, data.x_test, data.x, dtype=torch.float64),
            f0_test=f0_test,
            y_test=data.y_test,
        )
        check_stable(prediction, self.lr)
        losses = []
        for step in gradient_descent(field, data.x, data.y, lr=self.lr, steps=self.steps):
            if step in probe_steps:
                report(step)
                losses.append(_losses(field, data))
        train, test = np.array(losses).T
        assert prediction.test_losses is not None
        return _Course(
            _Kernels(infinite, kernel),
            _Errors(train, prediction.losses.numpy()),
            _Errors(test, prediction.test_losses.numpy()),
        )


@torch.no_grad()
def _losses(field: Field, data: CircleData) -> tuple[float, float]:
    return (
        functional.mse_loss(field(data.x), data.y).item(),
        functional.mse_loss(field(data.x_test), data.y_test).item(),
    )


def _report(probe_steps: np.ndarray, data: CircleData, courses: dict[float, _Course]) -> Findings:
    metrics: dict[str, float] = {}
    arrays = {"steps": probe_steps} | {name: part.numpy() for name, part in data._asdict().items()}
    curves: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for power, course in courses.items():
        name = f"p{power:g}"
        for width, kernel in course.kernels._asdict().items():
            eigenvalues = torch.linalg.eigvalsh(kernel).flip(0)
            metrics[f"condition_number_{name}_{width}"] = condition_number(eigenvalues)
            arrays[f"kernel_{name}_{width}"] = kernel.numpy()
            arrays[f"spectrum_{name}_{width}"] = circulant_spectrum(kernel).numpy()
        for points, errors in (("train", course.train), ("test", course.test)):
            for kind, losses in errors._asdict().items():
                metrics[f"{points}_loss_{name}_{kind}"] = float(losses[-1])
                arrays[f"{points}_loss_{name}_{kind}"] = losses
                curves[f"{points}_loss_{name}/{kind}"] = (probe_steps, losses)
            metrics[f"{points}_deviation_{name}"] = errors.deviation()
    return Findings(metrics, arrays, curves, _draw(probe_steps, courses))


def _draw(probe_steps: np.ndarray, courses: dict[float, _Course]) -> Figure:
    figure, (rows, spectra, train, test) = panels(
        "Kernel Θ(0, x)\nsolid: network at step 0; dashed: infinite width",
        "Spectrum of Θ\nsolid: network at step 0; dashed: infinite width",
        "Error at the training points\nsolid: trained; dashed: predicted at step 0",
        "Error at the points between\nsolid: trained; dashed: predicted at step 0",
    )
    for color, (power, course) in zip(COLORS, courses.items(), strict=False):
        label = "p = ∞" if math.isinf(power) else f"p = {power:g}"
        for kernel, style in ((course.kernels.network, "-"), (course.kernels.infinite, "--")):
            distances = (np.arange(len(kernel)) - len(kernel) // 2) / len(kernel)
            row = kernel[0].roll(len(kernel) // 2)
            name = label if style == "-" else None
            rows.plot(distances, row, style, color=color, label=name)
            spectra.semilogy(circulant_spectrum(kernel), style, color=color, label=name)
        for axes, errors in ((train, course.train), (test, course.test)):
            axes.loglog(probe_steps[1:], errors.trained[1:], color=color, label=label)
            axes.loglog(probe_steps[1:], errors.predicted[1:], "--", color=color)
    rows.set_xlabel("x (periods of the circle)")
    rows.set_ylabel("Θ(0, x)")
    spectra.set_xlabel("frequency (cycles)")
    spectra.set_ylabel("eigenvalue")
    for axes in (train, test):
        axes.set_xlabel("step")
        axes.set_ylabel("mean squared error")
    for axes in (rows, spectra, train, test):
        axes.legend(fontsize="small")
    return figure
