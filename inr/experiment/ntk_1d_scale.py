"""The frequencies that suit a signal: their spread matters, not their distribution."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from inr.argument import check_count, check_list, check_positive
from inr.encoding import FourierEncoding
from inr.experiment._circle import CircleData, check_bandwidth, power_law_signals, split_signals
from inr.experiment._experiment import Experiment, Findings, Progress
from inr.experiment._figures import COLORS, panels
from inr.experiment._gradient_descent import gradient_descent
from inr.experiment._stability import check_stable
from inr.experiment._standard_field import standard_field, standard_ntk
from inr.experiment._steps import log_spaced_steps
from inr.ntk import predict

# Magnitudes of frequencies from uniform numbers in [0, 1); cosines and sines ignore the signs.
DISTRIBUTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gaussian": lambda u: math.sqrt(2) * torch.erfinv(u),
    "uniform": lambda u: u,
    "log_uniform": lambda u: 10**-u,
    "laplace": lambda u: -torch.log1p(-u),
}


class Ntk1dScaleExperiment(Experiment):
    r"""The best spread of random frequencies is smaller for smoother signals.

    Signals on the circle [0, 1), whose amplitudes fall as 1/f^α, are learned from n points after

    .. math:: \gamma(x) = [\cos 2 \pi b_j x,\; \sin 2 \pi b_j x]_{j=1}^m / \sqrt m

    with random b_j. After a given number of steps, networks with too small a spread of frequencies
    have not learned the signal's high frequencies. Networks with too large a spread have added high
    frequencies that the signal lacks. The error between the points depends on the standard
    deviation σ of b, and hardly on whether b is normal, uniform, log-uniform over a decade or
    Laplacian.

    Errors are predicted from the kernel of infinite width, for networks that start at zero: see
    :func:`inr.ntk.predict`. They stand beside the errors of trained networks of finite width, whose
    outputs at step 0 are subtracted. The networks have W ~ N(0, 1/m) for m inputs and trained
    biases that start at 0. Draws of b are scaled so that their standard deviation is exactly σ.

    Args:
        signal_powers: Powers α of the signals' amplitudes.
        num_signals: Number of signals with each α.
        num_points: Number n of training points.
        refinement: Number of points of the signals for each training point; the others are for
            testing.
        bandwidth: Bound of the signals' frequencies, in cycles.
        num_frequencies: Number m of frequencies.
        min_scale: Smallest σ, in cycles.
        max_scale: Largest σ, in cycles.
        num_scales: Number of values of σ, equispaced in logarithms.
        num_draws: Number of draws of b with each σ and distribution.
        num_networks: Number of networks trained with each σ, on the first normal draws.
        hidden_features: Width of the networks.
        hidden_layers: Number of hidden layers.
        lr: Learning rate η of the mean squared error of one signal.
        steps: Number of steps of gradient descent.
        seed: Seed of the signals, the frequencies and the weights.

    Raises:
        ValueError: An option is out of range or, in a run, training diverges.

    References:
        Tancik et al. 2020, "Fourier Features Let Networks Learn High Frequency Functions in Low
        Dimensional Domains", figure 4, with 1,024 points, networks of width 256 and Adam.
    """

    def __init__(
        self,
        *,
        signal_powers: Sequence[float] = (0.5, 1.0, 1.5),
        num_signals: int = 4,
        num_points: int = 128,
        refinement: int = 3,
        bandwidth: int = 128,
        num_frequencies: int = 16,
        min_scale: float = 1.0,
        max_scale: float = 64.0,
        num_scales: int = 13,
        num_draws: int = 8,
        num_networks: int = 3,
        hidden_features: int = 512,
        hidden_layers: int = 3,
        lr: float = 0.1,
        steps: int = 100,
        seed: int = 0,
    ) -> None:
        if not check_list("signal_powers", signal_powers):
            raise ValueError("signal_powers are []; expected one or more.")
        self.signal_powers = tuple(
            check_positive("one of signal_powers", power, zero=True) for power in signal_powers
        )
        self.num_signals = check_count("num_signals", num_signals)
        self.num_points = check_count("num_points", num_points, minimum=2)
        self.refinement = check_count("refinement", refinement, minimum=2)
        self.bandwidth = check_bandwidth(bandwidth, num_points * refinement)
        self.num_frequencies = check_count("num_frequencies", num_frequencies)
        self.scales: list[float] = (
            np.geomspace(
                check_positive("min_scale", min_scale),
                check_positive("max_scale", max_scale),
                check_count("num_scales", num_scales, minimum=2),
            )
            .round(6)
            .tolist()
        )
        if not max_scale > min_scale:
            raise ValueError(f"max_scale is {max_scale}; expected more than {min_scale}.")
        self.num_draws = check_count("num_draws", num_draws)
        self.num_networks = check_count("num_networks", num_networks)
        if num_networks > num_draws:
            raise ValueError(f"num_networks is {num_networks}; expected {num_draws} or fewer.")
        self.hidden_features = check_count("hidden_features", hidden_features)
        self.hidden_layers = check_count("hidden_layers", hidden_layers)
        self.lr = check_positive("lr", lr)
        self.steps = check_count("steps", steps)
        self.seed = check_count("seed", seed, minimum=0)

    def run(self, progress: Progress) -> Findings:
        generator = torch.Generator().manual_seed(self.seed)
        data = self._data(generator)
        shape = (self.num_draws, self.num_frequencies, 1)
        draws = torch.rand(shape, generator=generator, dtype=torch.float64)
        predicted = self._predict_all(data, draws, progress)
        trained, curves = self._train_all(data, draws, progress)
        return self._report(predicted, trained, curves)

    def _data(self, generator: torch.Generator) -> CircleData:
        num_values = self.num_points * self.refinement
        signals = [
            power_law_signals(self.num_signals, num_values, power, self.bandwidth, generator)
            for power in self.signal_powers
        ]
        return split_signals(torch.cat(signals, dim=1), self.refinement)

    def _predict_all(self, data: CircleData, draws: Tensor, progress: Progress) -> np.ndarray:
        """Test errors by distribution, σ, draw and α."""
        shape = (len(DISTRIBUTIONS), len(self.scales), len(draws))
        losses = np.empty((*shape, len(self.signal_powers)))
        for done, (d, s, r) in enumerate(np.ndindex(shape)):
            progress("predicting errors", done, math.prod(shape))
            encoding = spread(list(DISTRIBUTIONS)[d], draws[r], self.scales[s])
            losses[d, s, r] = self._predict(encoding, data)
        progress("predicting errors", math.prod(shape), math.prod(shape))
        return losses

    def _train_all(
        self, data: CircleData, draws: Tensor, progress: Progress
    ) -> tuple[np.ndarray, dict[str, tuple[np.ndarray, np.ndarray]]]:
        """Test errors by σ, draw and α, and the mean over draws of each σ and α by step."""
        trained = np.empty((len(self.scales), self.num_networks, len(self.signal_powers)))
        probe_steps = log_spaced_steps(self.steps)
        curves = {}
        for s, scale in enumerate(self.scales):
            courses = []
            for r in range(self.num_networks):
                progress("training networks", s * self.num_networks + r, trained[..., 0].size)
                courses.append(self._train(spread("gaussian", draws[r], scale), data, probe_steps))
            trained[s] = [course[-1] for course in courses]
            for power, course in zip(self.signal_powers, np.mean(courses, 0).T, strict=True):
                curves[f"test_loss_alpha{power:g}/sigma={scale:.3g}"] = (
                    np.array(probe_steps),
                    course,
                )
        progress("training networks", trained[..., 0].size, trained[..., 0].size)
        return trained, curves

    def _predict(self, encoding: FourierEncoding, data: CircleData) -> Tensor:
        sizes = self.hidden_features, self.hidden_layers
        prediction = predict(
            standard_ntk(encoding, data.x, data.x, *sizes),
            data.y,
            lr=self.lr * data.y.shape[1],
            steps=self.steps,
            K_test=standard_ntk(encoding, data.x_test, data.x, *sizes),
        )
        check_stable(prediction, self.lr)
        assert prediction.test_outputs is not None
        return self._test_losses(prediction.test_outputs[0], data)

    def _train(
        self, encoding: FourierEncoding, data: CircleData, probe_steps: list[int]
    ) -> np.ndarray:
        """Test errors by step and α, of one network with an output for each signal."""
        data = CircleData(*(part.float() for part in data))
        sizes = self.hidden_features, self.hidden_layers
        field = standard_field(encoding.float(), data.y.shape[1], *sizes, self.seed)
        with torch.no_grad():
            f0, f0_test = field(data.x), field(data.x_test)
        losses = []
        # The loss is a mean over all signals; this rate steps each signal as if it were alone.
        lr = self.lr * data.y.shape[1]
        for step in gradient_descent(field, data.x, data.y + f0, lr=lr, steps=self.steps):
            if step in probe_steps:
                with torch.no_grad():
                    losses.append(self._test_losses(field(data.x_test) - f0_test, data))
        return torch.stack(losses).numpy()

    def _test_losses(self, outputs: Tensor, data: CircleData) -> Tensor:
        """Mean squared error between the training points, by α."""
        squares = (outputs - data.y_test).square()
        return squares.unflatten(1, (len(self.signal_powers), -1)).mean((0, 2))

    def _report(
        self,
        predicted: np.ndarray,
        trained: np.ndarray,
        curves: dict[str, tuple[np.ndarray, np.ndarray]],
    ) -> Findings:
        means, measured = predicted.mean(2), trained.mean(1)
        metrics: dict[str, float] = {}
        for p, power in enumerate(self.signal_powers):
            name, losses = f"alpha{power:g}", means[:, :, p]
            best = int(losses.mean(0).argmin())
            metrics[f"best_sigma_{name}"] = self.scales[best]
            metrics[f"best_sigma_{name}_trained"] = self.scales[measured[:, p].argmin()]
            metrics[f"test_loss_{name}"] = float(losses[:, best].mean())
            metrics[f"test_loss_{name}_trained"] = float(measured[best, p])
            for distribution, row in zip(DISTRIBUTIONS, losses, strict=True):
                metrics[f"best_sigma_{name}_{distribution}"] = self.scales[row.argmin()]
            # Relative difference between the least errors of the worst and the best distribution.
            least = losses.min(1)
            metrics[f"distributions_differ_{name}"] = float(least.max() / least.min() - 1)
        arrays = {
            "scales": np.array(self.scales),
            "signal_powers": np.array(self.signal_powers),
            "distributions": np.array(list(DISTRIBUTIONS)),
            "test_losses": predicted,
            "test_losses_trained": trained,
        }
        return Findings(metrics, arrays, curves, self._draw(means, measured))

    def _draw(self, means: np.ndarray, trained: np.ndarray) -> Figure:
        """Draws errors by distribution, σ and α, and those of trained networks by σ and α."""
        titles = [rf"Signals of amplitude $1/f^{{{power:g}}}$" for power in self.signal_powers]
        figure, axes = panels(*titles)
        for p, plot in enumerate(axes):
            for color, name, losses in zip(COLORS, DISTRIBUTIONS, means[:, :, p], strict=False):
                plot.loglog(self.scales, losses, "--", color=color, label=f"{name}, predicted")
            plot.loglog(self.scales, trained[:, p], "ko", markersize=4, label="gaussian, trained")
            best = self.scales[means[:, :, p].mean(0).argmin()]
            plot.axvline(best, color="gray", linewidth=1, label=f"least predicted: σ = {best:.3g}")
            plot.set_xlabel("standard deviation σ of the frequencies (cycles)")
            plot.set_ylabel("mean squared error between the training points")
            plot.legend(fontsize="small")
        return figure


def spread(distribution: str, draws: Tensor, scale: float) -> FourierEncoding:
    """Fourier features with frequencies of a distribution, scaled to a standard deviation.

    Args:
        distribution: Name of one of ``DISTRIBUTIONS``.
        draws: ``(m, 1)`` uniform numbers in [0, 1).
        scale: Standard deviation σ, in cycles: the root mean square of the magnitudes, since
            frequencies of either sign are equally likely.
    """
    frequencies = DISTRIBUTIONS[distribution](draws)
    return FourierEncoding(scale * frequencies / frequencies.square().mean().sqrt(), norm=1.0)
