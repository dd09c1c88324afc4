"""Outputs of random networks, which tend to a Gaussian process as the width grows."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from inr.argument import check_choice, check_count
from inr.encoding import BasicEncoding, IdentityEncoding
from inr.experiment._experiment import Experiment, Findings, Progress
from inr.experiment._figures import COLORS, panels
from inr.experiment._moments import chance_distance, excess_kurtosis
from inr.experiment._power_law import check_widths
from inr.experiment._seeding import seeded
from inr.field import Field
from inr.field.infinite_ntk import infinite_ntk_of
from inr.network import MLPNetwork, SirenNetwork

NETWORKS = ("mlp", "siren")
REPORT_EVERY = 50


class NngpExperiment(Experiment):
    r"""Wide networks with random weights are samples of a Gaussian process.

    .. math::
        f \to \mathcal{GP}(0, K), \quad
        \frac{E f(x)^4}{(E f(x)^2)^2} - 3 = 3 \left(1 + \frac{5}{n}\right)^L - 3 \propto \frac{1}{n}

    The excess kurtosis is exact at every width n for ReLU networks of L hidden layers with normal
    weights and zero biases, such as ``mlp``. The covariance also tends to K as 1/n. For all but the
    narrowest networks, however, its measured distance from K is mostly chance, since the number of
    networks is finite. The metrics contain the distance by chance alone.

    In a narrow ``siren`` the last layer's bias, uniform of variance 1/(3n), is most of the output.
    The excess kurtosis is that of the sum of a uniform and a Gaussian number, up to terms of 1/n,

    .. math:: -\frac{6}{5} \left(\frac{1}{3 n K(x, x)}\right)^2

    Args:
        widths: Widths n, two or more.
        network: ``mlp`` is a ReLU network with ``he`` weights on one wave along the axis;
            ``siren`` is a SIREN with its own initialisation on coordinates.
        hidden_layers: Number L of hidden layers.
        num_networks: Number of networks of each width.
        num_points: Number of points in the unit interval.
        seed: Seed of the weights.

    References:
        Neal 1996, "Bayesian Learning for Neural Networks", chapter 2; Lee et al. 2018, "Deep Neural
        Networks as Gaussian Processes"; Yaida 2020, "Non-Gaussian Processes and Neural Networks at
        Finite Widths" (the excess kurtosis of order 1/n).
    """

    def __init__(
        self,
        *,
        widths: Sequence[int] = (8, 16, 32, 64, 128, 256),
        network: str = "mlp",
        hidden_layers: int = 2,
        num_networks: int = 4000,
        num_points: int = 8,
        seed: int = 0,
    ) -> None:
        self.widths = check_widths("widths", widths)
        self.network = check_choice("network", network, NETWORKS)
        self.hidden_layers = check_count("hidden_layers", hidden_layers)
        self.num_networks = check_count("num_networks", num_networks, minimum=2)
        self.num_points = check_count("num_points", num_points)
        self.seed = check_count("seed", seed, minimum=0)

    def run(self, progress: Progress) -> Findings:
        # No two points mirror each other, and none is the interval's middle.
        x = torch.arange(1, self.num_points + 1).div(self.num_points + 2)[:, None]
        outputs = np.stack([self._draw_outputs(w, x, progress) for w in range(len(self.widths))])
        with seeded(self.seed):
            fields = [self._make_field(width) for width in self.widths]
        covariances = np.stack([infinite_ntk_of(field, x).nngp.numpy() for field in fields])
        return self._report(x, outputs, covariances)

    def _make_field(self, width: int) -> Field:
        if self.network == "siren":
            siren = SirenNetwork(1, 1, hidden_features=width, hidden_layers=self.hidden_layers)
            return Field(IdentityEncoding(1), siren)
        encoding = BasicEncoding(1)
        mlp = MLPNetwork(
            encoding.out_features,
            1,
            hidden_features=width,
            hidden_layers=self.hidden_layers,
            initialization="he",
        )
        return Field(encoding, mlp)

    @torch.no_grad()
    def _draw_outputs(self, index: int, x: Tensor, progress: Progress) -> np.ndarray:
        """Outputs ``(networks, points)`` of networks of one width."""
        outputs = torch.empty(self.num_networks, len(x))
        total = self.num_networks * len(self.widths)
        with seeded(self.seed, self.widths[index]):
            for number in range(self.num_networks):
                if number % REPORT_EVERY == 0:
                    progress("drawing networks", index * self.num_networks + number, total)
                outputs[number] = self._make_field(self.widths[index])(x)[:, 0]
        progress("drawing networks", (index + 1) * self.num_networks, total)
        return outputs.double().numpy()

    def _report(self, x: Tensor, outputs: np.ndarray, covariances: np.ndarray) -> Findings:
        measured = np.einsum("wri,wrj->wij", outputs, outputs) / self.num_networks
        distances = np.linalg.norm(measured - covariances, axis=(1, 2)) / np.linalg.norm(
            covariances, axis=(1, 2)
        )
        by_chance = np.array([chance_distance(k, self.num_networks) for k in covariances])
        excess, error = np.array([excess_kurtosis(values) for values in outputs]).T
        widths = np.array(self.widths)
        theory = self._expected_kurtosis(widths, covariances)
        metrics = {
            "covariance_error_narrowest": float(distances[0]),
            "covariance_error_widest": float(distances[-1]),
            "covariance_error_by_chance": float(by_chance[-1]),
            "excess_kurtosis_narrowest": float(excess[0]),
            "excess_kurtosis_narrowest_standard_error": float(error[0]),
            "excess_kurtosis_narrowest_theory": float(theory[0]),
            "excess_kurtosis_widest": float(excess[-1]),
            "excess_kurtosis_widest_standard_error": float(error[-1]),
            "excess_kurtosis_widest_theory": float(theory[-1]),
        }
        arrays = {
            "widths": widths,
            "coords": x.numpy(),
            "outputs": outputs,
            "covariances": measured,
            "nngp": covariances,
            "covariance_errors": distances,
            "covariance_errors_by_chance": by_chance,
            "excess_kurtosis": excess,
            "excess_kurtosis_standard_error": error,
            "excess_kurtosis_theory": theory,
        }
        curves = {
            "excess_kurtosis": (widths, excess),
            "covariance_error": (widths, distances),
        }
        return Findings(metrics, arrays, curves, _draw(arrays))

    def _expected_kurtosis(self, widths: np.ndarray, covariances: np.ndarray) -> np.ndarray:
        if self.network == "mlp":
            return 3 * (1 + 5 / widths) ** self.hidden_layers - 3
        shares = 1 / (3 * widths[:, None] * covariances.diagonal(0, 1, 2))
        return -1.2 * (shares**2).mean(-1)


def _draw(arrays: dict[str, np.ndarray]) -> Figure:
    widths, outputs, nngp = arrays["widths"], arrays["outputs"], arrays["nngp"]
    figure, (histogram, kurtosis, scatter) = panels(
        "Outputs at random weights", "Excess kurtosis", "Covariance of the outputs at two points"
    )
    edges = np.linspace(-5, 5, 61)
    for index, color in ((0, COLORS[1]), (-1, COLORS[0])):
        # Each point has a variance of its own.
        units = outputs[index] / np.sqrt(np.diag(nngp[index]))
        density = np.histogram(units, edges)[0] / units.size / np.diff(edges)
        # Zero has no logarithm: NaN leaves a gap in the curve.
        density[density == 0] = np.nan
        histogram.stairs(density, edges, color=color, label=f"n = {widths[index]:,}")
    gauss = np.exp(-(edges**2) / 2) / math.sqrt(2 * math.pi)
    histogram.semilogy(edges, gauss, "k--", label="theory: n → ∞")
    histogram.set_ylim(1e-4, 3)
    histogram.set_xlabel("output / standard deviation of infinite width")
    histogram.set_ylabel("density")
    _draw_kurtosis(kurtosis, arrays)
    limits = [min(0, nngp.min()), nngp.max()]
    for index, color in ((0, COLORS[1]), (-1, COLORS[0])):
        measured = arrays["covariances"][index].ravel()
        label = f"n = {widths[index]:,}"
        scatter.plot(nngp[index].ravel(), measured, ".", color=color, alpha=0.6, label=label)
    scatter.plot(limits, limits, "k--", label="theory: equal")
    scatter.set_xlabel("K(x, x′), infinite width")
    scatter.set_ylabel("mean of f(x) f(x′) over networks")
    for axes in (histogram, kurtosis, scatter):
        axes.legend(fontsize="small")
    return figure


def _draw_kurtosis(axes: Axes, arrays: dict[str, np.ndarray]) -> None:
    """Draws the excess kurtosis against the width, and its standard error by chance alone."""
    widths, excess = arrays["widths"], arrays["excess_kurtosis"]
    error = arrays["excess_kurtosis_standard_error"]
    axes.errorbar(
        widths,
        excess,
        error,
        fmt="o",
        color=COLORS[0],
        capsize=3,
        label="measured ± standard error",
    )
    chance = math.sqrt(24 / arrays["outputs"].shape[1])
    axes.plot(widths, arrays["excess_kurtosis_theory"], "k--", label="theory")
    axes.axhspan(-chance, chance, color="0.85", label="Gaussian, one point: ± √(24 / networks)")
    axes.set_xscale("log")
    axes.set_yscale("symlog", linthresh=0.1)
    axes.set_xlabel("width n")
    axes.set_ylabel("E f⁴ / (E f²)² − 3")
