"""The movement of a wide network's kernel in three parameterisations."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional

from inr.argument import check_count, check_positive
from inr.encoding import BasicEncoding
from inr.experiment._experiment import Experiment, Findings, Progress
from inr.experiment._figures import COLORS, by_width, panels
from inr.experiment._gradient_descent import gradient_descent
from inr.experiment._power_law import PowerLaw, check_widths, fit_power_law
from inr.experiment._seeding import seeded
from inr.field import Field
from inr.field.infinite_ntk import infinite_ntk_of
from inr.network import MLPNetwork
from inr.ntk import InfiniteKernel, decay_rates, empirical_ntk

PARAMETERIZATIONS = ("standard", "ntk", "mean_field")


class _Descent(NamedTuple):
    """The training of one network.

    Attributes:
        initial_error: Relative distance of the initial kernel from that of infinite width.
        drift: Relative distance of the final kernel from the initial one.
        losses: Loss at each step.
    """

    initial_error: float
    drift: float
    losses: np.ndarray


class LazyExperiment(Experiment):
    r"""The kernels of wide networks stay under ``ntk``, and move under ``mean_field``.

    .. math::
        \frac{\|\Theta_0 - \Theta_\infty\|}{\|\Theta_\infty\|} \propto n^{-1/2}, \quad
        \frac{\|\Theta_T - \Theta_0\|}{\|\Theta_0\|} = O(n^{-1/2}) \text{ (lazy)}
        \text{ or } \propto n^0 \text{ (learning features)}

    ReLU networks with ``he`` weights learn two waves on a circle by full-batch gradient descent.
    Θ_0 is the kernel at the initial weights, Θ_T that after training, Θ_∞ the kernel of infinite
    width. Norms are Frobenius norms over all pairs of training points. Under ``ntk`` and
    ``mean_field`` one learning rate suits every width, and the curves of the loss tend to a limit.
    ``standard`` needs a learning rate that falls as 1/n, and is lazy too. The limit under ``ntk``
    is

    .. math:: E L_t = \frac{1}{N} \sum_i (1 - a_i)^{2t} \left((q_i^\top y)^2 + q_i^\top K q_i\right)

    with the eigenvectors q of Θ_∞, the decay rates a of its eigenvalues and the covariance K of the
    initial outputs.

    Args:
        widths: Widths n, two or more.
        hidden_layers: Number of hidden layers.
        num_points: Number of training points, equispaced on a period of the waves.
        lr: Learning rate of ``ntk`` and ``mean_field``; ``standard`` has ``lr / n``.
        steps: Number of steps of gradient descent.
        repeats: Number of networks of each width, two or more.
        seed: Seed of the initial weights.

    Raises:
        ValueError: An option is out of range or, in a run, a network diverges.

    References:
        Lee et al. 2019, "Wide Neural Networks of Any Depth Evolve as Linear Models Under Gradient
        Descent", theorem 2.1 (a drift of O(n^-1/2)); Dyer and Gur-Ari 2020, "Asymptotics of Wide
        Networks from Feynman Diagrams", section 4.1 (of O(1/n), for smooth activations); Chizat,
        Oyallon and Bach 2019, "On Lazy Training in Differentiable Programming"; Yang and Hu 2021,
        "Feature Learning in Infinite-Width Neural Networks".
    """

    def __init__(
        self,
        *,
        widths: Sequence[int] = (64, 128, 256, 512, 1024, 2048),
        hidden_layers: int = 2,
        num_points: int = 16,
        lr: float = 0.1,
        steps: int = 200,
        repeats: int = 6,
        seed: int = 0,
    ) -> None:
        self.widths = check_widths("widths", widths)
        self.hidden_layers = check_count("hidden_layers", hidden_layers)
        self.num_points = check_count("num_points", num_points)
        self.lr = check_positive("lr", lr)
        self.steps = check_count("steps", steps)
        self.repeats = check_count("repeats", repeats, minimum=2)
        self.seed = check_count("seed", seed, minimum=0)

    def run(self, progress: Progress) -> Findings:
        x = torch.arange(self.num_points).div(self.num_points)[:, None]
        y = torch.cos(4 * math.pi * x) + torch.sin(6 * math.pi * x)
        shape = (len(PARAMETERIZATIONS), len(self.widths), self.repeats)
        errors, drifts = np.empty(shape), np.empty(shape)
        losses = np.empty((*shape, self.steps + 1))
        for done, (p, w, r) in enumerate(np.ndindex(shape)):
            name, width = PARAMETERIZATIONS[p], self.widths[w]
            progress("training networks", done, errors.size)
            errors[p, w, r], drifts[p, w, r], losses[p, w, r] = self._train(name, width, r, x, y)
        progress("training networks", errors.size, errors.size)
        limit = infinite_ntk_of(self._make_field("ntk", self.widths[0], 0), x)
        expected = _expected_losses(limit, y, self.lr, self.steps)
        return self._report(errors, drifts, losses, expected)

    def _make_field(self, parameterization: str, width: int, repeat: int) -> Field:
        encoding = BasicEncoding(1)
        with seeded(self.seed, width, repeat):
            network = MLPNetwork(
                encoding.out_features,
                1,
                hidden_features=width,
                hidden_layers=self.hidden_layers,
                initialization="he",
                parameterization=parameterization,
            )
        return Field(encoding, network)

    def _train(
        self, parameterization: str, width: int, repeat: int, x: Tensor, y: Tensor
    ) -> _Descent:
        field = self._make_field(parameterization, width, repeat)
        infinite = infinite_ntk_of(field, x).ntk
        initial = empirical_ntk(field, x, dtype=torch.float64)
        lr = self.lr / width if parameterization == "standard" else self.lr
        losses = [
            functional.mse_loss(field(x), y).item()
            for _ in gradient_descent(field, x, y, lr=lr, steps=self.steps)
        ]
        if not math.isfinite(losses[-1]):
            raise ValueError(
                f"{parameterization} networks of width {width} diverge at lr={self.lr:g}; expected "
                "a smaller lr."
            )
        final = empirical_ntk(field, x, dtype=torch.float64)
        return _Descent(_distance(initial, infinite), _distance(final, initial), np.array(losses))

    def _report(
        self, errors: np.ndarray, drifts: np.ndarray, losses: np.ndarray, expected: np.ndarray
    ) -> Findings:
        widths = np.array(self.widths)
        metrics = {"slope_initial_error_theory": -0.5, "slope_drift_theory_mean_field": 0.0}
        curves = {}
        fits: dict[str, PowerLaw] = {}
        for p, name in enumerate(PARAMETERIZATIONS):
            for quantity, values in (("initial_error", errors[p]), ("drift", drifts[p])):
                law = fits[f"{quantity}_{name}"] = fit_power_law(widths, values)
                metrics[f"slope_{quantity}_{name}"] = law.exponent
                metrics[f"slope_{quantity}_{name}_standard_error"] = law.error
                curves[f"{quantity}/{name}"] = (widths, values.mean(-1))
            final = losses[p, :, :, -1].mean(-1)
            metrics[f"loss_{name}_narrowest"] = float(final[0])
            metrics[f"loss_{name}_widest"] = float(final[-1])
        metrics["loss_ntk_theory"] = float(expected[-1])
        arrays = {
            "widths": widths,
            "parameterizations": np.array(PARAMETERIZATIONS),
            "initial_errors": errors,
            "drifts": drifts,
            "losses": losses,
            "expected_losses_ntk": expected,
        }
        figure = _draw(widths, errors, drifts, losses, expected, fits)
        return Findings(metrics, arrays, curves, figure)


def _distance(kernel: Tensor, reference: Tensor) -> float:
    return (torch.linalg.norm(kernel - reference) / torch.linalg.norm(reference)).item()


def _expected_losses(limit: InfiniteKernel, y: Tensor, lr: float, steps: int) -> np.ndarray:
    """Mean loss of infinitely wide networks at each step."""
    eigenvalues, modes = torch.linalg.eigh(limit.ntk)
    energies = (modes.T @ y.double()).square().sum(-1) + (modes * (limit.nngp @ modes)).sum(0)
    factors = (1 - decay_rates(eigenvalues, lr, len(y))).square()
    powers = factors ** torch.arange(steps + 1)[:, None]
    return (powers @ energies / len(y)).numpy()


def _draw(
    widths: np.ndarray,
    errors: np.ndarray,
    drifts: np.ndarray,
    losses: np.ndarray,
    expected: np.ndarray,
    fits: dict[str, PowerLaw],
) -> Figure:
    figure, axes = panels(
        "Initial kernel: distance from infinite width",
        "Kernel after training: distance from the initial",
        "ntk: one learning rate for all widths",
        "mean_field: one learning rate for all widths",
    )
    _draw_distances(axes[0], widths, errors, "initial_error", fits, powers=(0.5,))
    _draw_distances(axes[1], widths, drifts, "drift", fits, powers=(0.5, 1.0))
    for p, plot in ((1, axes[2]), (2, axes[3])):
        for color, width, curves in by_width(widths, losses[p]):
            plot.semilogy(curves.mean(0), color=color, label=f"n = {width:,}")
        plot.set_xlabel("step")
        plot.set_ylabel("training loss (mean squared error)")
    axes[2].semilogy(expected, "k--", label="theory: n → ∞")
    for plot in axes[2:]:
        plot.legend(fontsize="small")
    return figure


def _draw_distances(
    plot: Axes,
    widths: np.ndarray,
    values: np.ndarray,
    quantity: str,
    fits: dict[str, PowerLaw],
    *,
    powers: Sequence[float],
) -> None:
    """Draws distances of kernels against widths, and the theory's slopes for ``ntk``."""
    for p, name in enumerate(PARAMETERIZATIONS):
        # The initial kernels of the last two are equal: a smaller marker keeps both visible.
        size = (9, 7, 4)[p]
        plot.loglog(widths, values[p], ".", color=COLORS[p], alpha=0.3, markersize=4)
        label = f"{name}: slope {fits[f'{quantity}_{name}']}"
        means = values[p].mean(-1)
        plot.loglog(widths, means, "o-", color=COLORS[p], label=label, markersize=size)
    for power, style in zip(powers, ("k--", "k:"), strict=False):
        guide = values[1].mean(-1)[0] * (widths[0] / widths) ** power
        plot.loglog(widths, guide, style, label=f"theory: slope −{power:g}")
    plot.set_ylim(bottom=values.min() / 12)
    plot.set_xlabel("width n")
    plot.set_ylabel("relative distance (Frobenius norm)")
    plot.legend(fontsize="small", loc="lower left")
