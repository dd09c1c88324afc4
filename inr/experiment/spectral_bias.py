"""The time that a network takes to learn one frequency."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor, nn

from inr.argument import check_count, check_list, check_positive
from inr.experiment._circle import circle_points, circulant_spectrum, on_unit_circle
from inr.experiment._experiment import Experiment, Findings, Progress
from inr.experiment._figures import COLORS, panels, shades
from inr.experiment._gradient_descent import gradient_descent
from inr.experiment._power_law import PowerLaw, fit_power_law
from inr.experiment._seeding import seeded
from inr.experiment._steps import log_spaced_steps
from inr.network import MLPNetwork
from inr.ntk import dual_activation, error_factors, max_lr, steps_to_learn

# Largest number of steps of a training, relative to the predicted number.
MOST_TIMES = 4


class _Training(NamedTuple):
    """Root mean square errors in learning one target, relative to the first error."""

    steps: np.ndarray
    errors: np.ndarray
    predicted: np.ndarray


class _Study(NamedTuple):
    """Trainings by frequency, and numbers of steps for the learned frequencies."""

    trainings: dict[int, _Training]
    frequencies: np.ndarray
    measured: np.ndarray
    predicted: np.ndarray


class SpectralBiasExperiment(Experiment):
    r"""The time to learn a frequency grows as its square; without biases some are never learned.

    A wide two-layer ReLU network on the circle, whose first layer is trained,

    .. math:: f(x) = m^{-1/2} \sum_r a_r \max(0, w_r^\top x + b_r), \quad \lVert x \rVert = 1

    with standard normal w, random signs a, and b that start at 0, has the kernel

    .. math:: K(x, x') = \frac{(x^\top x' + \beta)\, (\pi - \arccos x^\top x')}{2 \pi}

    where β is 1, or 0 if b is not trained. On n equispaced points its eigenvectors are the
    frequencies k. Up to aliases, λ_k / n is 1/π² + β/4 for k = 0, 1/8 + β/π² for k = 1,
    (k² + 1) / (π² (k² - 1)²) for even k and β / (π² k²) for odd k. Without biases, odd frequencies
    from 3 on cannot even be represented. The number of steps of gradient descent that learn a
    fraction p of the frequency k is

    .. math:: \frac{\log(1 - p)}{\log(1 - 2 \eta \lambda_k / n)} \sim k^2

    Targets are cosines of one frequency. Neurons come in pairs that differ in the sign of a alone,
    so that the network starts at zero.

    Args:
        frequencies: Frequencies k, in cycles.
        num_points: Number n of points, even, and eight times the highest frequency or more.
        hidden_features: Number m of neurons, even.
        amplitude: Amplitude of the targets. With a smaller one, the weights and the kernel move
            less.
        fraction: Fraction p of the target to learn.
        lr: Learning rate η, relative to the largest stable rate.
        fit_from: Lowest frequency in the fit of the exponents, since the square is the law of
            large k.
        seed: Seed of the weights.

    Raises:
        ValueError: An option is out of range, fewer than two even frequencies can be fitted or, in
            a run, fewer than two frequencies are learned.

    References:
        Basri et al. 2019, "The Convergence Rate of Neural Networks for Learned Functions of
        Different Frequencies".
    """

    def __init__(
        self,
        *,
        frequencies: Sequence[int] = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 13, 16),
        num_points: int = 128,
        hidden_features: int = 4096,
        amplitude: float = 0.01,
        fraction: float = 0.9,
        lr: float = 0.4,
        fit_from: int = 4,
        seed: int = 0,
    ) -> None:
        self.frequencies = sorted(
            {check_count("a frequency", k) for k in check_list("frequencies", frequencies)}
        )
        self.fit_from = check_count("fit_from", fit_from)
        if sum(k % 2 == 0 for k in self.frequencies if k >= fit_from) < 2:
            raise ValueError(
                f"frequencies are {list(frequencies)}; expected two even ones from fit_from="
                f"{fit_from} on."
            )
        self.num_points = check_count("num_points", num_points, 8 * self.frequencies[-1])
        self.hidden_features = check_count("hidden_features", hidden_features)
        for name, count in (("num_points", num_points), ("hidden_features", hidden_features)):
            if count % 2:
                raise ValueError(f"{name} is {count}; expected an even number.")
        self.amplitude = check_positive("amplitude", amplitude)
        self.fraction = check_positive("fraction", fraction)
        self.lr = check_positive("lr", lr)
        if max(self.fraction, self.lr) >= 1:
            raise ValueError(f"fraction is {fraction} and lr is {lr}; expected them below 1.")
        self.seed = check_count("seed", seed, minimum=0)

    def run(self, progress: Progress) -> Findings:
        metrics: dict[str, float] = {"fit_from": self.fit_from, "fit_to": self.frequencies[-1]}
        arrays: dict[str, np.ndarray] = {}
        curves: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        figure, axes = panels(
            "Error of each frequency k, with biases\nsolid: trained; dashed: predicted",
            "Error of each frequency k, without biases\nsolid: trained; dashed: predicted",
            f"Steps to learn {100 * self.fraction:g} %\npowers fitted from k = {self.fit_from}",
        )
        for bias, color, plot in ((True, COLORS[0], axes[0]), (False, COLORS[1], axes[1])):
            name = "with_bias" if bias else "without_bias"
            study = self._study(bias, progress)
            laws = self._fit(study)
            metrics[f"exponent_{name}"] = laws[0].exponent
            metrics[f"exponent_{name}_predicted"] = laws[1].exponent
            metrics[f"deviation_{name}"] = float(np.abs(study.measured / study.predicted - 1).max())
            for k, training in study.trainings.items():
                if k not in study.frequencies:
                    metrics[f"error_{name}_k{k}"] = float(training.errors[-1])
                curves[f"error_{name}/k={k}"] = (training.steps, training.errors)
                for part, values in training._asdict().items():
                    arrays[f"{name}_k{k}_{part}"] = values
            for part in ("frequencies", "measured", "predicted"):
                arrays[f"{name}_{part}"] = getattr(study, part)
            _draw_errors(plot, study.trainings)
            _draw_steps(axes[2], study, name.replace("_", " "), color, laws)
        return Findings(metrics, arrays, curves, figure)

    def _study(self, bias: bool, progress: Progress) -> _Study:
        eigenvalues = circulant_spectrum(first_layer_ntk(self.num_points, bias=bias))
        lr = self.lr * max_lr(eigenvalues.max().item(), self.num_points)
        steps = steps_to_learn(eigenvalues, lr, self.num_points, self.fraction)
        possible = [k for k in self.frequencies if bias or k == 1 or k % 2 == 0]
        # One of the frequencies that cannot be learned is enough to show it.
        shown = sorted(possible + [k for k in self.frequencies if k not in possible][:1])
        longest = max(steps[possible].tolist())
        what = f"learning frequencies with{'' if bias else 'out'} biases"
        trainings = {}
        for done, k in enumerate(shown):
            progress(what, done, len(shown))
            limit = math.ceil(MOST_TIMES * steps[k].item() if k in possible else longest)
            trainings[k] = self._train(k, eigenvalues[k], lr, limit, bias)
        progress(what, len(shown), len(shown))
        learned = [k for k in possible if trainings[k].errors[-1] <= 1 - self.fraction]
        if sum(k >= self.fit_from for k in learned) < 2:
            raise ValueError(
                f"of the frequencies {possible} only {learned} were learned in {MOST_TIMES} times "
                "the predicted steps; expected two to fit. Pass a larger hidden_features."
            )
        measured = [_crossing(trainings[k], 1 - self.fraction) for k in learned]
        return _Study(trainings, np.array(learned), np.array(measured), steps[learned].numpy())

    def _train(self, k: int, eigenvalue: Tensor, lr: float, limit: int, bias: bool) -> _Training:
        """Trains until the fraction is learned, or for ``limit`` steps."""
        points = circle_points(self.num_points)
        x = on_unit_circle(points).float()
        y = (self.amplitude * torch.cos(2 * math.pi * k * points)).float()
        network = two_layer_network(self.hidden_features, bias=bias, seed=self.seed)
        probe_steps = set(log_spaced_steps(limit))
        steps, errors = [], []
        for step in gradient_descent(network, x, y, lr=lr, steps=limit):
            if step not in probe_steps:
                continue
            with torch.no_grad():
                errors.append((torch.linalg.norm(network(x) - y) / torch.linalg.norm(y)).item())
            steps.append(step)
            if errors[-1] <= 1 - self.fraction:
                break
        predicted = error_factors(eigenvalue[None], lr, self.num_points, steps)[:, 0]
        return _Training(np.array(steps), np.array(errors), predicted.numpy())

    def _fit(self, study: _Study) -> tuple[PowerLaw, PowerLaw]:
        """Fits power laws to the measured and the predicted steps, over the same frequencies."""
        fitted = study.frequencies >= self.fit_from
        measured, predicted = (
            fit_power_law(study.frequencies[fitted], steps[fitted, None])
            for steps in (study.measured, study.predicted)
        )
        return measured, predicted


def first_layer_ntk(num_points: int, *, bias: bool) -> Tensor:
    """Kernel ``(n, n)`` of the first layer of :func:`two_layer_network` at infinite width."""
    x = on_unit_circle(circle_points(num_points))
    cosines = x @ x.T
    one = torch.ones(1, dtype=torch.float64)
    _, both_active = dual_activation("relu", one, cosines, one)
    return (cosines + float(bias)) * both_active


def two_layer_network(hidden_features: int, *, bias: bool, seed: int) -> MLPNetwork:
    """A network that is zero everywhere, with a first layer alone that is trained."""
    with seeded(seed):
        network = MLPNetwork(2, 1, hidden_features=hidden_features, hidden_layers=1)
        weights = torch.randn(hidden_features // 2, 2)
    first = network.hidden[0]
    assert isinstance(first, nn.Linear)
    signs = torch.ones(1, hidden_features // 2)
    with torch.no_grad():
        first.weight.copy_(weights.repeat(2, 1))
        network.output.weight.copy_(torch.cat([signs, -signs], dim=1) / hidden_features**0.5)
        first.bias.zero_()
        network.output.bias.zero_()
    network.output.requires_grad_(False)
    first.bias.requires_grad_(bias)
    return network


def _crossing(training: _Training, error: float) -> float:
    """The step at which a training's error passes a value, by exponential interpolation.

    It lies between the last two measured steps.
    """
    return float(np.interp(-math.log(error), -np.log(training.errors[-2:]), training.steps[-2:]))


def _draw_errors(axes: Axes, trainings: dict[int, _Training]) -> None:
    for color, (k, training) in zip(shades(len(trainings)), trainings.items(), strict=True):
        axes.semilogx(training.steps[1:], training.errors[1:], color=color, label=f"{k}")
        axes.semilogx(training.steps[1:], training.predicted[1:], "--", color=color)
    axes.set_ylim(0, 1.05)
    axes.set_xlabel("step")
    axes.set_ylabel("error / first error (root mean square)")
    axes.legend(title="k", fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))


def _draw_steps(
    axes: Axes, study: _Study, name: str, color: str, laws: tuple[PowerLaw, PowerLaw]
) -> None:
    measured, predicted = (law.exponent for law in laws)
    k = study.frequencies
    axes.loglog(
        k, study.measured, "o", color=color, label=f"{name}, trained: $k^{{{measured:.2f}}}$"
    )
    label = f"{name}, predicted: $k^{{{predicted:.2f}}}$"
    axes.loglog(k, study.predicted, "--", color=color, label=label)
    axes.set_xlabel("frequency k (cycles)")
    axes.set_ylabel("steps")
    axes.legend(fontsize="small", loc="lower right")
