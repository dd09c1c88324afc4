"""Gradient descent on wide networks, which provably reaches a training error of zero."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional

from inr.argument import check_count, check_positive
from inr.encoding import GaussianEncoding
from inr.experiment._experiment import Experiment, Findings, Progress
from inr.experiment._figures import COLORS, by_width, panels
from inr.experiment._gradient_descent import gradient_descent
from inr.experiment._power_law import PowerLaw, check_widths, fit_power_law
from inr.experiment._seeding import seeded
from inr.lattice import lattice_points
from inr.ntk import decay_rates, max_lr

# Errors below this part of the first are rounding.
FLOOR = 1e-24


class _TwoLayerReLU(nn.Module):
    r"""The network :math:`f(z) = m^{-1/2} \sum_r a_r \max(0, w_r^\top z)`, with trained w."""

    signs: Tensor

    def __init__(self, in_features: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(width, in_features, dtype=torch.float64))
        signs = 2.0 * torch.randint(2, (width, 1), dtype=torch.float64) - 1
        self.register_buffer("signs", signs)

    def forward(self, features: Tensor) -> Tensor:
        return torch.relu(features @ self.weight.T) @ self.signs / math.sqrt(len(self.weight))

    @torch.no_grad()
    def active(self, features: Tensor) -> Tensor:
        """Whether each point activates each neuron: ``(n, m)``."""
        return features @ self.weight.T > 0


class _Descent(NamedTuple):
    """The training of one network.

    Attributes:
        errors: Sum of squared errors at each step.
        expected_errors: Sum of squared errors at each step by the kernel of infinite width.
        least_eigenvalue: Least eigenvalue of the initial kernel.
        movement: Largest distance that a neuron's weights have moved.
        flips: Part of the activations, of all neurons at all points, that have changed.
    """

    errors: np.ndarray
    expected_errors: np.ndarray
    least_eigenvalue: float
    movement: float
    flips: float


class OverparameterizedExperiment(Experiment):
    r"""The training error of a wide enough ReLU network falls to zero at a proven rate.

    .. math::
        \|u_k - y\|^2 \le \left(1 - \tfrac{1}{2} a_0\right)^k \|u_0 - y\|^2, \quad
        \|w_r(k) - w_r(0)\| \le \frac{4 \sqrt n \|u_0 - y\|}{\sqrt m \lambda_0}

    for all steps k, where λ_0 is the least eigenvalue of the kernel of infinite width

    .. math:: H^\infty_{ij} = z_i^\top z_j \, \frac{\pi - \arccos z_i^\top z_j}{2 \pi}

    and a_0 the part of its mode's error that a step takes away. The network is
    :math:`f(z) = m^{-1/2} \sum_r a_r \max(0, w_r^\top z)`. The weights w start standard normal and
    are trained by full-batch gradient descent. The random signs a are not trained. Points are a
    lattice in the unit square, mapped to the unit sphere by Gaussian Fourier features. Targets are
    standard normal noise.

    The proof needs more width and smaller steps than are used in practice. Here both bounds hold at
    much smaller widths, and only the narrowest networks may break the first.

    Args:
        widths: Widths m, two or more.
        side: Number of points along each axis; n is its square.
        num_frequencies: Half the dimension of the space of the sphere.
        scale: Standard deviation σ of the frequencies, in cycles per unit of coordinate.
        lr_fraction: Learning rate as a part of the largest stable one at infinite width.
        steps: Number of steps of gradient descent.
        repeats: Number of networks of each width, two or more, on the same points and targets.
        seed: Seed of frequencies, targets and weights.

    References:
        Du, Zhai, Póczos and Singh 2019, "Gradient Descent Provably Optimizes Over-parameterized
        Neural Networks", theorem 4.1 (the rate), lemma 4.1 (the movement), figure 1.

    Differs from:
        The paper, whose loss is ½ Σ r². A rate η for the mean here is 2η/n there.
    """

    def __init__(
        self,
        *,
        widths: Sequence[int] = (4, 16, 64, 256, 1024, 4096),
        side: int = 6,
        num_frequencies: int = 16,
        scale: float = 2.0,
        lr_fraction: float = 0.25,
        steps: int = 200,
        repeats: int = 5,
        seed: int = 0,
    ) -> None:
        self.widths = check_widths("widths", widths)
        self.side = check_count("side", side, minimum=2)
        self.num_frequencies = check_count("num_frequencies", num_frequencies)
        self.scale = check_positive("scale", scale)
        self.lr_fraction = check_positive("lr_fraction", lr_fraction)
        if self.lr_fraction >= 1:
            raise ValueError(f"lr_fraction is {lr_fraction}; expected less than 1, to be stable.")
        self.steps = check_count("steps", steps, minimum=2)
        self.repeats = check_count("repeats", repeats, minimum=2)
        self.seed = check_count("seed", seed, minimum=0)

    def run(self, progress: Progress) -> Findings:
        z, y = self._make_task()
        eigenvalues = torch.linalg.eigvalsh(_kernel(z))
        lr = self.lr_fraction * max_lr(eigenvalues[-1].item(), len(y))
        shape = (len(self.widths), self.repeats)
        descents = []
        for done, (w, r) in enumerate(np.ndindex(shape)):
            progress("training networks", done, shape[0] * shape[1])
            with seeded(self.seed, self.widths[w], r):
                model = _TwoLayerReLU(z.shape[1], self.widths[w])
            descents.append(_descend(model, z, y, lr, self.steps))
        progress("training networks", len(descents), len(descents))
        arrays = {
            name: np.array([getattr(descent, name) for descent in descents])
            for name in _Descent._fields
        }
        arrays = {name: a.reshape(*shape, *a.shape[1:]) for name, a in arrays.items()}
        return self._report(arrays, eigenvalues, lr)

    def _make_task(self) -> tuple[Tensor, Tensor]:
        """Points on the unit sphere and their targets."""
        generator = torch.Generator().manual_seed(self.seed)
        x = lattice_points((self.side, self.side), dtype=torch.float64)
        y = torch.randn(len(x), 1, generator=generator, dtype=torch.float64)
        encoding = GaussianEncoding(
            2, num_frequencies=self.num_frequencies, scale=self.scale, seed=self.seed, norm=1.0
        )
        return encoding.double()(x), y

    def _report(self, arrays: dict[str, np.ndarray], eigenvalues: Tensor, lr: float) -> Findings:
        widths, n = np.array(self.widths), len(eigenvalues)
        least = eigenvalues[0].item()
        rate = decay_rates(eigenvalues, lr, n)[0].item()
        bound = (1 - rate / 2) ** np.arange(self.steps + 1)
        errors = arrays["errors"]
        first = errors[..., :1]
        arrays |= {
            "widths": widths,
            "eigenvalues": eigenvalues.numpy(),
            "bound": bound,
            # The margin allows for rounding.
            "bound_broken": (errors > bound * first * (1 + 1e-9)).any(-1),
            "movement_bound": 4 * np.sqrt(n * first[..., 0] / widths[:, None]) / least,
            "rates": np.array([[_tail_rate(e) for e in row] for row in errors]),
        }
        measured = {name: arrays[name].mean(1) for name in ("rates", "bound_broken")}
        metrics = {
            "least_eigenvalue_theory": least,
            "least_eigenvalue_widest": float(arrays["least_eigenvalue"][-1].mean()),
            "rate_bound": -math.log1p(-rate / 2),
            "rate_infinite_width": -2 * math.log1p(-rate),
            "rate_narrowest": float(measured["rates"][0]),
            "rate_widest": float(measured["rates"][-1]),
            "bound_broken_narrowest": float(measured["bound_broken"][0]),
            "bound_broken_widest": float(measured["bound_broken"][-1]),
            "slope_movement_theory": -0.5,
        }
        fits = {name: fit_power_law(widths, arrays[name]) for name in ("movement", "flips")}
        for name, law in fits.items():
            metrics[f"slope_{name}"] = law.exponent
            metrics[f"slope_{name}_standard_error"] = law.error
        curves = {
            name: (widths, arrays[name].mean(1))
            for name in ("movement", "flips", "least_eigenvalue", "rates")
        }
        return Findings(metrics, arrays, curves, _draw(arrays, least, fits))


def _descend(model: _TwoLayerReLU, z: Tensor, y: Tensor, lr: float, steps: int) -> _Descent:
    """Trains a network, and records sums of squared errors."""
    start, before = model.weight.detach().clone(), model.active(z)
    with torch.no_grad():
        residual = model(z) - y
    errors = [
        functional.mse_loss(model(z), y, reduction="sum").item()
        for _ in gradient_descent(model, z, y, lr=lr, steps=steps)
    ]
    eigenvalues, modes = torch.linalg.eigh(_kernel(z))
    factors = (1 - decay_rates(eigenvalues, lr, len(y))).square()
    expected = factors ** torch.arange(steps + 1)[:, None] @ (modes.T @ residual).square()
    shared = before.double() @ before.double().T / before.shape[1]
    return _Descent(
        errors=np.array(errors),
        expected_errors=expected[:, 0].numpy(),
        least_eigenvalue=torch.linalg.eigvalsh(z @ z.T * shared)[0].item(),
        movement=torch.linalg.vector_norm(model.weight.detach() - start, dim=1).max().item(),
        flips=(model.active(z) != before).double().mean().item(),
    )


def _kernel(z: Tensor) -> Tensor:
    """The kernel of infinite width at points of the unit sphere."""
    cosines = (z @ z.T).clamp(-1, 1)
    return cosines * (math.pi - torch.arccos(cosines)) / (2 * math.pi)


def _tail_rate(errors: np.ndarray) -> float:
    """Mean decrease of the error's logarithm in a step, over the later half above rounding."""
    above = np.flatnonzero(errors > FLOOR * errors[0])
    last = int(above[-1])
    middle = last // 2
    return float(np.log(errors[middle] / errors[last]) / max(last - middle, 1))


def _draw(arrays: dict[str, np.ndarray], least: float, fits: dict[str, PowerLaw]) -> Figure:
    widths = arrays["widths"]
    figure, axes = panels(
        "Training error",
        "Farthest that a neuron moves",
        "Activations that flip",
        "Least eigenvalue of the initial kernel",
    )
    for color, width, errors in by_width(widths, arrays["errors"]):
        mean = np.exp(np.log(errors / errors[:, :1]).mean(0))
        axes[0].semilogy(mean, color=color, label=f"m = {width:,}")
    expected = arrays["expected_errors"][-1]
    axes[0].semilogy((expected / expected[:, :1]).mean(0), "k:", label="theory: m → ∞")
    axes[0].semilogy(arrays["bound"], "k--", label="bound")
    axes[0].set_xlabel("step")
    axes[0].set_ylabel(r"$\|u_k - y\|^2 \; / \; \|u_0 - y\|^2$")
    axes[0].legend(fontsize="small", loc="lower left")
    for name, plot, label in (
        ("movement", axes[1], r"$\max_r \|w_r(k) - w_r(0)\|$ at the end"),
        ("flips", axes[2], "part of all (neuron, point) at the end"),
    ):
        values = arrays[name]
        plot.loglog(widths, values, ".", color=COLORS[0], alpha=0.4)
        plot.loglog(widths, values.mean(1), "o-", color=COLORS[0], label=f"slope {fits[name]}")
        guide = values.mean(1)[-1] * np.sqrt(widths[-1] / widths)
        plot.loglog(widths, guide, "k:", label="theory: slope −0.5")
        plot.set_ylabel(label)
    axes[1].loglog(widths, arrays["movement_bound"].mean(1), "k--", label="bound")
    axes[3].semilogx(widths, arrays["least_eigenvalue"], ".", color=COLORS[0], alpha=0.4)
    axes[3].semilogx(widths, arrays["least_eigenvalue"].mean(1), "o-", color=COLORS[0])
    axes[3].axhline(least, color="black", linestyle="--", label=r"theory: $\lambda_0$ at m → ∞")
    axes[3].set_ylabel(r"$\lambda_{min}(H(0))$")
    for plot in axes[1:]:
        plot.set_xlabel("width m")
        plot.legend(fontsize="small")
    return figure
