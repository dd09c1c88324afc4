"""The tangent kernel while a run trains."""

from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer
from torch.utils.tensorboard import SummaryWriter

from inr.argument import check_choice, check_count, check_flag
from inr.atomic import replacing
from inr.callback._error import error_energies
from inr.callback._look import LookCallback
from inr.callback._ntk_figures import draw_content, draw_rates, draw_residuals, draw_spectra
from inr.callback._probe_points import PLACEMENTS, check_placement, place_probe
from inr.callback._writer import tensorboard_writers
from inr.frequency import OctaveBands, band_labels
from inr.ntk import (
    Probe,
    band_eigenvalues,
    check_outputs,
    fourier_content,
    log_decays,
    max_lr,
    mode_energies,
    probe_field,
    subspace_rotation,
)
from inr.optimizer import Muon, adam_weighting, precondition
from inr.signal import Signal
from inr.training import FieldTraining

CURVE_POINTS = 200


class NTKSpectrumCallback(LookCallback):
    """Logs the spectrum of the empirical tangent kernel, and what it says about the training.

    It looks at each checkpoint too. Each look goes to ``ntk/step=00000100.npz``, which has all that
    the figures show (docs/kernel.md says what is in it); its numbers go to the loggers, among them
    the drift ‖Θ_t − Θ_0‖/‖Θ_0‖, the rotation of the leading eigenvectors, and the largest stable
    learning rate beside the one in use; curves, such as ``ntk_spectrum/step_00000100`` with log10 λ
    against the mode's number, and figures of all looks to TensorBoard.

    The training is left as it is: weights and random draws are the same with it and without.

    Args:
        num_points: Points in the kernel, at most.
        placement: ``lattice`` takes a regular sub-lattice, so that frequencies mean something;
            ``random`` draws points of the lattice; ``surface`` draws points near that of a shape.
        per_decade: Looks per decade of steps.
        outputs: ``mean`` over outputs, ``full`` for all pairs, or the number of one.
        k: Leading eigenvalues to find; None is all. Where the kernel has more than 4,096 rows,
            they are found without forming it, and there is no drift.
        preconditioned: Whether to log the kernel that Adam or Muon steps, J P Jᵀ, too.
        leading_modes: Eigenvectors whose common rotation is measured.
        seed: Of random points.
    """

    def __init__(
        self,
        *,
        num_points: int = 1024,
        placement: str = "lattice",
        per_decade: int = 1,
        outputs: str | int = "mean",
        k: int | None = None,
        preconditioned: bool = False,
        leading_modes: int = 16,
        seed: int = 0,
    ) -> None:
        super().__init__(per_decade)
        self.num_points = check_count("num_points", num_points)
        self.placement = check_choice("placement", placement, PLACEMENTS)
        self.outputs: Any = outputs
        self.k = None if k is None else check_count("k", k)
        self.preconditioned = check_flag("preconditioned", preconditioned)
        self.leading_modes = check_count("leading_modes", leading_modes)
        self.seed = check_count("seed", seed, minimum=0)
        self._options = [num_points, placement, outputs, k, preconditioned, leading_modes, seed]
        self._looks: dict[int, dict[str, Any]] = {}
        self._first: dict[str, Tensor] = {}
        self._previous: dict[str, Any] = {}

    def state_dict(self) -> dict[str, Any]:
        """What later looks are compared with."""
        return {"options": self._options, "first": self._first, "previous": self._previous}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        # Another kernel is no change of this one.
        if state_dict["options"] == self._options:
            self._first, self._previous = state_dict["first"], state_dict["previous"]

    def check(self, signal: Signal) -> None:
        check_outputs(self.outputs, signal.out_features)
        check_placement(self.placement, signal)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        # Who interrupts a run wants it to end.
        if not trainer.should_stop:
            self.look_once(trainer, pl_module)
            # The state in it was taken before this look.
            checkpoint["callbacks"][self.state_key] = self.state_dict()

    def look(self, trainer: pl.Trainer, training: FieldTraining) -> None:
        step = trainer.global_step
        try:
            look = self._measure(trainer, training)
        except Exception as error:
            advice = "callback.ntk_spectrum=null trains without it."
            if "memory" in str(error) or isinstance(error, MemoryError):
                advice = f"callback.ntk_spectrum.num_points=256 needs less; {advice}"
            raise RuntimeError(
                f"the look at the tangent kernel at step {step} failed: {error} {advice}"
            ) from error
        self._looks[step] = look
        path = Path(trainer.default_root_dir) / "ntk" / f"step={step:08d}.npz"
        with replacing(path) as temporary:
            np.savez(temporary, step=step, **look)
        for logger in trainer.loggers:
            logger.log_metrics(_numbers(look), step)
        for writer in tensorboard_writers(trainer):
            _add_curves(writer, look, step)
        self.draw_if_affordable(trainer, training, lambda: self._draw(trainer))

    def _measure(self, trainer: pl.Trainer, training: FieldTraining) -> dict[str, Any]:
        """What the ``.npz`` of a look has."""
        coords, targets, shape = place_probe(
            training.signal, self.placement, self.num_points, self.seed
        )
        probe = self._probe(training.field, coords, eigenvectors=True)
        residual = self._select(self._residual(training, coords, targets).cpu().double())
        vectors = probe.spectrum.eigenvectors
        assert vectors is not None
        look: dict[str, Any] = {
            "coords": coords,
            "lattice": np.array(shape or ()),
            "outputs": self.outputs,
            "eigenvalues": probe.spectrum.eigenvalues,
            "residual_energies": mode_energies(vectors, residual.to(vectors)),
            "lr": _learning_rate(trainer),
            **probe.scalars,
            **self._changes(probe),
        }
        if probe.spectrum.residuals is not None:
            look["residuals"] = probe.spectrum.residuals
        adapted = self._probe_adapted(trainer, training, coords)
        if adapted is not None:
            look["preconditioned_eigenvalues"] = adapted.spectrum.eigenvalues
            look |= _stability(trainer.optimizers[0], adapted)
        if shape is not None and self.outputs != "full" and probe.kernel is not None:
            look["eigenvector_bands"] = fourier_content(vectors, shape)
            look["band_edges"] = np.array(OctaveBands(shape).edges)
            if training.affords_rendering():
                governing = adapted if self.preconditioned else probe
                look |= self._compare_bands(trainer, training, governing, shape)
        return {key: _plain(value) for key, value in look.items()}

    @torch.no_grad()
    def _residual(self, training: FieldTraining, coords: Tensor, targets: Tensor) -> Tensor:
        """The field less the targets: for the usual losses, their gradient in it."""
        signal = training.signal
        outputs = training.field(coords.to(signal.device, signal.dtype))
        return signal.read(outputs) - targets

    def _probe(
        self,
        field: nn.Module,
        coords: Tensor,
        weighting: dict[str, Tensor] | None = None,
        *,
        eigenvectors: bool = False,
    ) -> Probe:
        return probe_field(
            field,
            coords,
            outputs=self.outputs,
            k=self.k,
            weighting=weighting,
            eigenvectors=eigenvectors,
        )

    def _probe_adapted(
        self, trainer: pl.Trainer, training: FieldTraining, coords: Tensor
    ) -> Probe | None:
        """The kernel that the optimizer steps; none before its first step."""
        optimizer = trainer.optimizers[0]
        if not self.preconditioned or (isinstance(optimizer, Adam | Muon) and not optimizer.state):
            return None
        if isinstance(optimizer, Adam):
            # It weights every number, for which this takes less time.
            weighting = adam_weighting(optimizer, training.field)
            return self._probe(training.field, coords, weighting)
        return self._probe(precondition(training.field, optimizer), coords)

    def _select(self, values: Tensor) -> Tensor:
        """``(n, c)`` values as the kernel has them: ``(n·c, 1)``, ``(n, c)`` or ``(n, 1)``."""
        if self.outputs == "full":
            return values.flatten()[:, None]
        return values if self.outputs == "mean" else values[:, [self.outputs]]

    def _changes(self, probe: Probe) -> dict[str, float]:
        """How far the kernel and its leading eigenvectors have moved since the first look."""
        vectors = probe.spectrum.eigenvectors
        assert vectors is not None
        now = {"eigenvectors": vectors[:, : self.leading_modes].float().cpu()}
        if probe.kernel is not None:
            now["kernel"] = probe.kernel.float().cpu()
        if not self._first:
            self._first = now
        changes = {}
        if now["eigenvectors"].shape == self._first["eigenvectors"].shape:
            changes["rotation"] = subspace_rotation(
                self._first["eigenvectors"], now["eigenvectors"]
            )
        first = self._first.get("kernel")
        if first is not None and "kernel" in now and first.shape == now["kernel"].shape:
            changes["drift"] = ((now["kernel"] - first).norm() / first.norm()).item()
        return changes

    def _compare_bands(
        self,
        trainer: pl.Trainer,
        training: FieldTraining,
        governing: Probe | None,
        shape: tuple[int, ...],
    ) -> dict[str, Any]:
        """Each octave's error now, and its decay since the look before, measured and predicted.

        Predicted by the kernel of then, at the mean of the learning rates of then and now.
        """
        energies = error_energies(training, self._select).cpu()[: len(OctaveBands(shape))]
        lr = _learning_rate(trainer)
        now = {"step": trainer.global_step, "lr": lr, "band_energies": energies}
        found: dict[str, Any] = {"band_energies": energies}
        if governing is not None and governing.kernel is not None:
            rates = band_eigenvalues(governing.kernel, shape).cpu()
            now["band_eigenvalues"] = found["band_eigenvalues"] = rates
            now["num_values"] = governing.num_values
        before, self._previous = self._previous, now
        if len(before.get("band_energies", ())) == len(energies) and now["step"] > before["step"]:
            decay = (before["band_energies"] / energies).log() / 2
            found["measured_rates"] = decay / (now["step"] - before["step"])
            if "band_eigenvalues" in before:
                found["predicted_rates"] = log_decays(
                    before["band_eigenvalues"], (before["lr"] + lr) / 2, before["num_values"]
                )
        optimizer = type(trainer.optimizers[0]).__name__
        found["predictor"] = (
            f"the kernel that {optimizer} steps"
            if self.preconditioned
            else f"Θ for gradient descent (the run steps {optimizer})"
        )
        return found

    def _draw(self, trainer: pl.Trainer) -> None:
        """Figures of all looks so far, and of the last one's eigenvectors."""
        step = trainer.global_step
        last = self._looks[step]
        figures = {"spectrum": draw_spectra(self._looks), "residual": draw_residuals(self._looks)}
        if "preconditioned_eigenvalues" in last:
            optimizer = type(trainer.optimizers[0]).__name__
            figures["preconditioned"] = draw_spectra(
                self._looks,
                "preconditioned_eigenvalues",
                f"Spectrum of the kernel that {optimizer} steps",
            )
        if "eigenvector_bands" in last:
            content = draw_content(last["eigenvector_bands"], last["band_edges"], step)
            figures["content"] = content
        if "measured_rates" in last:
            figures["rates"] = draw_rates(self._looks)
        for writer in tensorboard_writers(trainer):
            for name, figure in figures.items():
                writer.add_figure(f"ntk/{name}", figure, step)


def _add_curves(writer: SummaryWriter, look: dict[str, Any], step: int) -> None:
    """Series against the mode's number, which TensorBoard lays over each other."""
    _add_curve(writer, f"ntk_spectrum/step_{step:08d}", _logarithms(look["eigenvalues"]))
    _add_curve(writer, f"ntk_residual/step_{step:08d}", np.cumsum(look["residual_energies"]))
    if "preconditioned_eigenvalues" in look:
        values = _logarithms(look["preconditioned_eigenvalues"])
        _add_curve(writer, f"ntk_preconditioned/step_{step:08d}", values)


def _add_curve(writer: SummaryWriter, tag: str, values: np.ndarray) -> None:
    """At modes that are evenly spaced in the logarithm of their number."""
    modes = np.unique(np.geomspace(1, len(values), CURVE_POINTS).round().astype(int))
    for mode in modes[np.isfinite(values[modes - 1])]:
        writer.add_scalar(tag, values[mode - 1], mode)


def _logarithms(values: np.ndarray) -> np.ndarray:
    """log10, and NaN where there is none."""
    return np.log10(np.where(values > 0, values, np.nan))


def _numbers(look: dict[str, Any]) -> dict[str, float]:
    """What loggers get of a look: its numbers, and the rates of each octave."""
    numbers = {
        f"ntk/{key}": value
        for key, value in look.items()
        if isinstance(value, float) and np.isfinite(value)
    }
    for kind in ("predicted_rates", "measured_rates"):
        if kind in look:
            labels = band_labels(look["band_edges"].tolist())
            numbers |= {
                f"ntk_{kind}/{label}": rate
                for label, rate in zip(labels, look[kind].tolist(), strict=True)
                if np.isfinite(rate)
            }
    return numbers


def _stability(optimizer: Optimizer, adapted: Probe) -> dict[str, float]:
    """The largest stable rate of Adam; Muon has none, whose steps do not shrink with the error."""
    if not isinstance(optimizer, Adam):
        return {}
    assert adapted.steepest is not None
    beta1 = optimizer.param_groups[0]["betas"][0]
    return {"preconditioned_max_lr": max_lr(adapted.steepest, adapted.num_values, beta1=beta1)}


def _learning_rate(trainer: pl.Trainer) -> float:
    return float(trainer.optimizers[0].param_groups[0]["lr"])


def _plain(value: Any) -> Any:
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else value
