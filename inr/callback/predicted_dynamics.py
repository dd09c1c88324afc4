"""A training beside the prediction of its kernel."""

import copy
import warnings
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.optim import SGD, Adam, Optimizer

from inr.argument import check_count, check_flag
from inr.callback._descent import (
    Steps,
    check_gradient_descent,
    check_whole_gradients,
    require_lattice,
)
from inr.callback._dynamics_figures import draw_dynamics, draw_pictures, mode_ratios, shown_modes
from inr.callback._probe import ProbeCallback
from inr.callback._record import Chart, Record
from inr.frequency import OctaveBands, band_labels
from inr.lattice import lattice_points
from inr.loss import mse
from inr.ntk import Forecast, max_lr
from inr.optimizer import adam_weighting
from inr.signal import LatticeSignal, Signal, displayed
from inr.training import FieldTraining, Snapshot

MOST_NUMBERS = 2**26
NAME = "predicted_dynamics"


class PredictedDynamicsCallback(ProbeCallback):
    r"""Compares a full-batch training with what the kernel of its beginning predicts, mode by mode.

    With the eigenvectors q of the kernel at step 0, over all training points and outputs, it
    follows :math:`|q_i^\top r_t|` in theory, with the learning rate and the momentum of each step,
    and measures it at each probe: their ratio is 1 as long as the kernel is what it was. The
    loggers get that ratio for some modes, the loss and the error of each octave, both predicted and
    measured; ``predicted_dynamics/step=00000100.npz`` has all modes (docs/theory.md says what is in
    it); TensorBoard gets figures, and the field beside its prediction now and for t → ∞, which is
    kernel regression.

    Adam does not follow this kernel. For Adam, each probe predicts the steps to the next one,
    by the kernel J D⁻¹ Jᵀ that Adam steps at that step; figures and files say so.

    The training is left as it is: weights and random draws are the same with it and without.

    Args:
        per_decade: Probes per decade of steps.
        reanchor: Whether each probe predicts anew, from the kernel and the error at that step.
        shown_modes: Modes that have a series.
        max_rows: Training points times outputs, at most: a kernel of so many rows is diagonalised.

    References:
        Jacot, Gabriel and Hongler 2018, "Neural Tangent Kernel", section 5; Lee et al. 2019, "Wide
        Neural Networks of Any Depth Evolve as Linear Models Under Gradient Descent", eq. 8.
    """

    name = NAME
    needs_full_precision = True
    follows_steps = True

    def __init__(
        self,
        *,
        per_decade: int = 4,
        reanchor: bool = False,
        shown_modes: int = 8,
        max_rows: int = 4096,
    ) -> None:
        super().__init__(per_decade)
        self.reanchor = check_flag("reanchor", reanchor)
        self.shown_modes = check_count("shown_modes", shown_modes)
        self.max_rows = check_count("max_rows", max_rows)
        self._found: dict[int, dict[str, Any]] = {}
        self._compared: Forecast | None = None
        self._forecast: Forecast | None = None
        self._anchor: dict[str, Any] = {}
        self._is_new = False
        self._lr = 0.0

    def state_dict(self) -> dict[str, Any]:
        """The start of the forecast, and its present state."""
        if self._forecast is None:
            return {}
        return {
            **self._anchor,
            "is_new": self._is_new,
            "lr": self._lr,
            "forecast": self._forecast.state_dict(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._anchor = state_dict

    def check(self, signal: Signal) -> None:
        signal = require_lattice(NAME, signal)
        rows = signal.num_train * signal.out_features
        if rows > self.max_rows:
            raise ValueError(
                f"{signal.num_train} training points with {signal.out_features} outputs make a "
                f"kernel of {rows} rows; expected at most max_rows={self.max_rows}, or a smaller "
                "signal, such as an image of 32x32."
            )

    def check_steps(self, steps: Steps) -> None:
        if getattr(steps.loss, "func", steps.loss) is not mse:
            raise ValueError(
                f"{NAME} knows how a squared error falls; expected the mean squared error."
            )
        if not isinstance(steps.optimizer, Adam):
            check_gradient_descent(NAME, steps, ("weight_decay", "nesterov"))
        check_whole_gradients(NAME, steps)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, FieldTraining)
        if self._anchor:
            with pl_module.clock.paused(pl_module.device):
                self._resume(trainer, pl_module)
        super().on_train_start(trainer, pl_module)

    def next_stop(self, trainer: pl.Trainer) -> int | None:
        """It follows every step."""
        return trainer.global_step + 1

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        assert isinstance(pl_module, FieldTraining)
        optimizer = trainer.optimizers[0]
        with pl_module.clock.paused(pl_module.device):
            self._settle(pl_module, trainer.global_step)
            self._lr = optimizer.param_groups[0]["lr"]
            if isinstance(optimizer, Adam):
                # Its momentum is an average, without the zeros that it began with.
                beta = optimizer.param_groups[0]["betas"][0]
                self._lr *= (1 - beta) / (1 - beta ** (trainer.global_step + 1))
            if self._forecast is not None and not self._is_new:
                self._forecast.step(self._lr)

    def charts(self, signal: Signal) -> list[Chart]:
        named = [
            ("Measured over predicted error of modes", r"predicted_dynamics_ratio/.*"),
            ("Loss, measured and predicted", r"predicted_dynamics/(predicted_)?loss"),
            ("Error of each octave, measured and predicted", r"predicted_dynamics_bands/.*"),
        ]
        return [Chart("Predicted dynamics", title, tags) for title, tags in named]

    def probes_checkpoint(self, trainer: pl.Trainer) -> bool:
        # A run that goes on from here has this probe behind it.
        return self.is_due(trainer.global_step, trainer.max_steps)

    def measure(self, snapshot: Snapshot) -> Record:
        if self._forecast is None and snapshot.step == 0:
            self._begin(snapshot)
        self._settle(snapshot.training, snapshot.step)
        self._compared, record = self._forecast, Record()
        if self._forecast is not None:
            found = self._measure(self._forecast, snapshot)
            self._found[snapshot.step] = found
            record = Record(found, self._numbers(found))
        goes_on = 0 < snapshot.step < snapshot.last_step
        if goes_on and (self.reanchor or isinstance(snapshot.optimizer, Adam)):
            self._begin(snapshot)
        return record

    def _begin(self, snapshot: Snapshot) -> None:
        """Forecasts from now on, if there is a kernel that is stepped now."""
        optimizer, training = snapshot.optimizer, snapshot.training
        weighting = None
        if isinstance(optimizer, Adam):
            if not optimizer.state:
                return
            weighting = adam_weighting(optimizer, training.field)
        weights = {name: t.detach().clone() for name, t in training.field.state_dict().items()}
        self._anchor = {"step": snapshot.step, "weights": weights, "weighting": weighting}
        self._is_new = snapshot.step > 0 and _momentum(optimizer) > 0
        self._forecast = self._make_forecast(optimizer, training)
        if isinstance(optimizer, SGD) and snapshot.step == 0:
            self._warn_of_growth(self._forecast, optimizer)

    def _warn_of_growth(self, forecast: Forecast, optimizer: SGD) -> None:
        lr, momentum = optimizer.param_groups[0]["lr"], _momentum(optimizer)
        limits = [
            max_lr(value, forecast.residual.numel(), momentum=momentum)
            for value in forecast.eigenvalues.tolist()
        ]
        growing = sum(limit < lr for limit in limits)
        if growing:
            warnings.warn(
                f"{growing} of {len(limits)} modes of the kernel grow at lr={lr:g}; the "
                f"largest stable rate is {limits[0]:.3g}.",
                stacklevel=2,
            )

    def _resume(self, trainer: pl.Trainer, training: FieldTraining) -> None:
        self._is_new, self._lr = self._anchor["is_new"], self._anchor["lr"]
        self._forecast = self._make_forecast(trainer.optimizers[0], training)
        self._forecast.load_state_dict(self._anchor["forecast"])

    def _make_forecast(self, optimizer: Optimizer, training: FieldTraining) -> Forecast:
        """That of the anchor, from its weights."""
        signal = require_lattice(NAME, training.signal)
        field = copy.deepcopy(training.field)
        field.load_state_dict(self._anchor["weights"])
        batch = signal.train_points(None)
        coords, values = batch.coords, batch.values
        rows = values.numel() * signal.values.numel()
        has_more = signal.train_index is not None and rows <= MOST_NUMBERS
        return Forecast(
            field,
            coords,
            values,
            elsewhere=_lattice(signal) if has_more else None,
            momentum=_momentum(optimizer),
            weighting=self._anchor["weighting"],
        )

    def _settle(self, training: FieldTraining, step: int) -> None:
        """Takes the first step after an anchor as it was: it shows the momentum at the anchor."""
        if self._forecast is None or not self._is_new or step == self._anchor["step"]:
            return
        self._is_new = False
        now = _residual(training)
        velocity = (self._forecast.residual - now) / self._lr
        self._forecast.load_state_dict({"residual": now, "velocity": velocity})

    def _measure(self, forecast: Forecast, snapshot: Snapshot) -> dict[str, Any]:
        """The content of the ``.npz`` file."""
        training = snapshot.training
        signal = require_lattice(NAME, training.signal)
        residual = _residual(training)
        # What float32 makes of outputs of order one cannot be measured.
        rounding = torch.finfo(signal.values.dtype).eps * forecast.residual.norm().item()
        tensors = {
            "eigenvalues": forecast.eigenvalues,
            "measured": forecast.project(residual).abs(),
            "predicted": forecast.mode_errors.abs(),
        }
        found: dict[str, Any] = {
            "anchor": self._anchor["step"],
            "predictor": self._predictor(snapshot.optimizer),
            "num_null": forecast.num_null,
            "rounding": rounding,
            "loss": residual.square().mean().item(),
            "predicted_loss": forecast.loss,
        }
        expected = forecast.outputs()
        if len(expected) == signal.num_points:
            bands = OctaveBands(signal.lattice)
            for key, values in (
                ("band_energies", training.render().flatten(0, -2)),
                ("predicted_band_energies", expected),
            ):
                error = (values.double() - signal.values).cpu()
                tensors[key] = bands.energies(error.view(*signal.lattice, -1))
            found["band_edges"] = np.array(bands.edges)
        return found | {key: tensor.cpu().numpy() for key, tensor in tensors.items()}

    def _predictor(self, optimizer: Optimizer) -> str:
        anchor = self._anchor["step"]
        if isinstance(optimizer, Adam):
            name = type(optimizer).__name__
            return f"the kernel that {name} steps at step {anchor} (it does not follow Θ)"
        return f"the kernel Θ of step {anchor}"

    def _numbers(self, found: dict[str, Any]) -> dict[str, float]:
        numbers = {
            "predicted_dynamics/loss": found["loss"],
            "predicted_dynamics/predicted_loss": found["predicted_loss"],
        }
        if "band_edges" in found:
            for number, label in enumerate(band_labels(found["band_edges"].tolist())):
                for kind, key in (("measured", ""), ("predicted", "predicted_")):
                    energy = float(found[f"{key}band_energies"][number])
                    numbers[f"predicted_dynamics_bands/{label}_{kind}"] = energy
        ratios = mode_ratios(found)
        for mode in shown_modes(len(ratios), self.shown_modes):
            if np.isfinite(ratios[mode]):
                numbers[f"predicted_dynamics_ratio/mode_{mode + 1:05d}"] = float(ratios[mode])
        return numbers

    def draw(self, snapshot: Snapshot) -> dict[str, Figure]:
        if self._compared is None:
            return {}
        signal, found = require_lattice(NAME, snapshot.signal), self._found[snapshot.step]
        modes = shown_modes(len(found["eigenvalues"]), self.shown_modes)
        figures = {"modes": draw_dynamics(self._found, modes)}
        if len(signal.lattice) == 2 and "band_energies" in found:
            lower, upper = signal.value_range
            pictures = {
                "signal": signal.values,
                f"field at step {snapshot.step}": snapshot.render().flatten(0, -2),
                "prediction of it": self._compared.outputs(),
                "prediction for t → ∞": self._compared.limit(),
            }
            shown = {
                name: displayed(
                    ((p.cpu() - lower) / (upper - lower)).view(*signal.lattice, -1)
                ).numpy()
                for name, p in pictures.items()
            }
            figures["pictures"] = draw_pictures(shown, found["predictor"])
        return figures


def _momentum(optimizer: Optimizer) -> float:
    group = optimizer.param_groups[0]
    return float(group["betas"][0] if isinstance(optimizer, Adam) else group["momentum"])


def _lattice(signal: LatticeSignal) -> Tensor:
    return lattice_points(signal.lattice, dtype=signal.values.dtype, device=signal.device)


@torch.no_grad()
def _residual(training: FieldTraining) -> Tensor:
    """``(n, c)`` at the training points, in float64."""
    batch = require_lattice(NAME, training.signal).train_points(None)
    coords, values = batch.coords, batch.values
    residual: Tensor = training.field(coords).double() - values
    return residual
