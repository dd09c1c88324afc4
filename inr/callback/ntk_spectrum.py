"""The tangent kernel while a run trains."""

from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from inr.argument import check_choice, check_count, check_flag
from inr.callback._error import error_energies
from inr.callback._ntk_figures import draw_content, draw_rates, draw_residuals, draw_spectra
from inr.callback._probe import ProbeCallback, ProbeError
from inr.callback._probe_points import PLACEMENTS, check_placement, place_probe
from inr.callback._record import Chart, Record
from inr.frequency import OctaveBands, band_labels
from inr.ntk import (
    Probe,
    band_eigenvalues,
    check_outputs,
    fourier_content,
    log_decays,
    log_spaced,
    max_lr,
    mode_energies,
    probe_field,
    subspace_rotation,
)
from inr.optimizer import Muon, adam_weighting, precondition
from inr.signal import Signal
from inr.training import FieldTraining, Snapshot

CURVE_POINTS = 200


class NTKSpectrumCallback(ProbeCallback):
    """Logs the spectrum of the empirical tangent kernel, and what it says about the training.

    It probes each checkpoint too. Each probe goes to ``ntk/step=00000100.npz``, which has all that
    the figures show (docs/kernel.md says what is in it); its numbers go to the loggers, among them
    the drift ‖Θ_t − Θ_0‖/‖Θ_0‖, the rotation of the leading eigenvectors, and the largest stable
    learning rate beside the one in use; curves, such as ``ntk_spectrum/step_00000100`` with log10 λ
    against the mode's number, and figures of all probes to TensorBoard.

    The training is left as it is: weights and random draws are the same with it and without.

    Args:
        num_points: Most points of the kernel.
        placement: ``lattice`` takes a regular sub-lattice, so that frequencies mean something;
            ``random`` draws points of the lattice; ``surface`` draws points near that of a shape.
        per_decade: Probes per decade of steps.
        outputs: ``mean`` over outputs, ``full`` for all pairs, or the number of one.
        k: Leading eigenvalues to find; None is all. Where the kernel has more than 4,096 rows,
            they are found without forming it, and there is no drift.
        preconditioned: Whether to log the kernel that Adam or Muon steps, J P Jᵀ, too.
        leading_modes: Eigenvectors whose common rotation is measured.
        seed: Seed of random points.
    """

    name = "ntk"

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
        self._found: dict[int, dict[str, Any]] = {}
        self._first: dict[str, Tensor] = {}
        self._previous: dict[str, Any] = {}

    def state_dict(self) -> dict[str, Any]:
        """The kernel that later probes are compared with."""
        return {"options": self._options, "first": self._first, "previous": self._previous}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        # Another kernel is no change of this one.
        if state_dict["options"] == self._options:
            self._first, self._previous = state_dict["first"], state_dict["previous"]

    def check(self, signal: Signal) -> None:
        check_outputs(self.outputs, signal.out_features)
        check_placement(self.placement, signal)

    def charts(self, signal: Signal) -> list[Chart]:
        kernel = [
            ("log10 eigenvalue by mode (x: mode)", r"ntk_spectrum/.*"),
            ("Share of the error in the leading modes (x: mode)", r"ntk_residual/.*"),
            ("Largest stable learning rate, and the one in use", r"ntk/(max_)?lr"),
            ("Drift and rotation", r"ntk/(drift|rotation)"),
            ("Largest eigenvalue", r"ntk/lambda_max"),
            ("Trace", r"ntk/trace"),
            ("Effective rank", r"ntk/effective_rank"),
            ("Condition number", r"ntk/condition_number"),
        ]
        if self.preconditioned:
            kernel.insert(1, ("log10 eigenvalue of what is stepped", r"ntk_preconditioned/.*"))
        charts = [Chart("Tangent kernel", title, tags) for title, tags in kernel]
        if self.placement == "lattice" and self.outputs != "full":
            charts += [
                Chart(
                    "Spectral bias",
                    f"{title} decay of each octave",
                    f"ntk_{title.lower()}_rates/.*",
                )
                for title in ("Measured", "Predicted")
            ]
        return charts

    def probes_checkpoint(self, trainer: pl.Trainer) -> bool:
        # Who interrupts a run wants it to end.
        return not trainer.should_stop

    def measure(self, snapshot: Snapshot) -> Record:
        try:
            found = self._measure(snapshot)
        except Exception as error:
            advice = ""
            if "memory" in str(error) or isinstance(error, MemoryError):
                advice = " Fewer num_points need less."
            raise ProbeError(
                "ntk_spectrum",
                f"the probe of the tangent kernel at step {snapshot.step} failed: {error}{advice}",
            ) from error
        self._found[snapshot.step] = found
        return Record(found, _numbers(found), _curves(found, snapshot.step))

    def _measure(self, snapshot: Snapshot) -> dict[str, Any]:
        """The content of the ``.npz`` file."""
        training = snapshot.training
        coords, targets, shape = place_probe(
            training.signal, self.placement, self.num_points, self.seed
        )
        probe = self._probe(training.field, coords, eigenvectors=True)
        residual = self._select(self._residual(training, coords, targets).cpu().double())
        vectors = probe.spectrum.eigenvectors
        assert vectors is not None
        found: dict[str, Any] = {
            "coords": coords,
            "lattice": np.array(shape or ()),
            "outputs": self.outputs,
            "eigenvalues": probe.spectrum.eigenvalues,
            "residual_energies": mode_energies(vectors, residual.to(vectors)),
            "lr": snapshot.lr,
            **probe.scalars,
            **self._changes(probe),
        }
        if probe.spectrum.residuals is not None:
            found["residuals"] = probe.spectrum.residuals
        adapted = self._probe_adapted(snapshot, coords)
        if adapted is not None:
            found["preconditioned_eigenvalues"] = adapted.spectrum.eigenvalues
            found |= _stability(snapshot.optimizer, adapted)
        if shape is not None and self.outputs != "full" and probe.kernel is not None:
            found["eigenvector_bands"] = fourier_content(vectors, shape)
            found["band_edges"] = np.array(OctaveBands(shape).edges)
            if snapshot.affords_rendering():
                governing = adapted if self.preconditioned else probe
                found |= self._compare_bands(snapshot, governing, shape)
        return {key: _plain(value) for key, value in found.items()}

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

    def _probe_adapted(self, snapshot: Snapshot, coords: Tensor) -> Probe | None:
        """The kernel that the optimizer steps; none before its first step."""
        optimizer, field = snapshot.optimizer, snapshot.field
        if not self.preconditioned or (isinstance(optimizer, Adam | Muon) and not optimizer.state):
            return None
        if isinstance(optimizer, Adam):
            # It weights every number, for which this takes less time.
            weighting = adam_weighting(optimizer, field)
            return self._probe(field, coords, weighting)
        return self._probe(precondition(field, optimizer), coords)

    def _select(self, values: Tensor) -> Tensor:
        """``(n, c)`` values as the kernel has them: ``(n·c, 1)``, ``(n, c)`` or ``(n, 1)``."""
        if self.outputs == "full":
            return values.flatten()[:, None]
        return values if self.outputs == "mean" else values[:, [self.outputs]]

    def _changes(self, probe: Probe) -> dict[str, float]:
        """How far the kernel and its leading eigenvectors have moved since the first probe."""
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
        self, snapshot: Snapshot, governing: Probe | None, shape: tuple[int, ...]
    ) -> dict[str, Any]:
        """Each octave's error, and its decay since the probe before, measured and predicted.

        The prediction is by the kernel at the probe before, at the mean of the learning rates of
        both steps.
        """
        energies = error_energies(snapshot.training, self._select).cpu()[: len(OctaveBands(shape))]
        lr = snapshot.lr
        now = {"step": snapshot.step, "lr": lr, "band_energies": energies}
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
        optimizer = type(snapshot.optimizer).__name__
        found["predictor"] = (
            f"the kernel that {optimizer} steps"
            if self.preconditioned
            else f"Θ for gradient descent (the run steps {optimizer})"
        )
        return found

    def draw(self, snapshot: Snapshot) -> dict[str, Figure]:
        """Figures of all probes so far, and of the last one's eigenvectors."""
        last = self._found[snapshot.step]
        figures = {"spectrum": draw_spectra(self._found), "residual": draw_residuals(self._found)}
        if "preconditioned_eigenvalues" in last:
            optimizer = type(snapshot.optimizer).__name__
            figures["preconditioned"] = draw_spectra(
                self._found,
                "preconditioned_eigenvalues",
                f"Spectrum of the kernel that {optimizer} steps",
            )
        if "eigenvector_bands" in last:
            figures["content"] = draw_content(
                last["eigenvector_bands"], last["band_edges"], snapshot.step
            )
        if "measured_rates" in last:
            figures["rates"] = draw_rates(self._found)
        return figures


def _curves(found: dict[str, Any], step: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Series against the mode's number, which TensorBoard lays over each other."""
    series = {
        "ntk_spectrum": _logarithms(found["eigenvalues"]),
        "ntk_residual": np.cumsum(found["residual_energies"]),
    }
    if "preconditioned_eigenvalues" in found:
        series["ntk_preconditioned"] = _logarithms(found["preconditioned_eigenvalues"])
    return {f"{name}/step_{step:08d}": _thin(values) for name, values in series.items()}


def _thin(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Modes, from 1, that are evenly spaced in the logarithm of their number, and their values."""
    modes = log_spaced(len(values), CURVE_POINTS).numpy()
    modes = modes[np.isfinite(values[modes - 1])]
    return modes, values[modes - 1]


def _logarithms(values: np.ndarray) -> np.ndarray:
    """log10, and NaN where there is none."""
    return np.log10(np.where(values > 0, values, np.nan))


def _numbers(found: dict[str, Any]) -> dict[str, float]:
    """The scalars of a probe: its numbers, and the rates of each octave."""
    numbers = {
        f"ntk/{key}": value
        for key, value in found.items()
        if isinstance(value, float) and np.isfinite(value)
    }
    for kind in ("predicted_rates", "measured_rates"):
        if kind in found:
            labels = band_labels(found["band_edges"].tolist())
            numbers |= {
                f"ntk_{kind}/{label}": rate
                for label, rate in zip(labels, found[kind].tolist(), strict=True)
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


def _plain(value: Any) -> Any:
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else value
