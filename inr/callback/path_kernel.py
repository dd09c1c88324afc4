"""Contributions of training points to a field, along the path of its training."""

import math
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from inr.argument import check_count
from inr.batch import Batch
from inr.callback._descent import (
    Steps,
    check_gradient_descent,
    check_whole_gradients,
    require_lattice,
)
from inr.callback._path_kernel_figure import draw_influence
from inr.callback._probe import ProbeCallback, ProbeError
from inr.callback._record import Chart, Record
from inr.callback.divergence import is_sound
from inr.lattice import lattice_points, sublattice
from inr.ntk import PathKernel
from inr.signal import LatticeSignal, Signal, displayed
from inr.training import FieldTraining, Snapshot

MOST_NUMBERS = 2**24
NAME = "path_kernel"


class PathKernelCallback(ProbeCallback):
    r"""Follows gradient descent as a kernel machine: f_T = f_0 + Σ_i C_i.

    At every step it adds what each training point contributes to the outputs at some test points,
    by the tangent kernel at that step: see :class:`inr.ntk.PathKernel`. That takes longer than the
    step and is not counted as training. The loggers get ``path_kernel/error``, how far the sum is
    from the field itself relative to what was learned: a large one says that the steps are too long
    for the theory. ``path_kernel/step=00000100.npz`` has ``coords``, ``lattice``, ``index`` (flat
    positions of the test points) and ``train_index``, ``initial``, ``outputs`` of the kernel
    machine and ``network`` of the field, ``contributions``, ``path_kernel``, ``error``, ``start``
    and ``step``; TensorBoard gets a map of who contributed what.

    It needs gradient descent on all points without momentum and decay. The training is left as it
    is: weights and random draws are the same with it and without.

    Args:
        num_points: Test points, at most: a regular sub-lattice.
        per_decade: Probes per decade of steps.

    References:
        Domingos 2020, "Every Model Learned by Gradient Descent Is Approximately a Kernel Machine".
    """

    name = NAME
    needs_full_precision = True
    follows_steps = True

    def __init__(self, *, num_points: int = 16, per_decade: int = 2) -> None:
        super().__init__(per_decade)
        self.num_points = check_count("num_points", num_points)
        self._path: PathKernel | None = None
        self._start = 0
        self._saved: dict[str, Any] = {}
        self._found: dict[str, Any] = {}

    def state_dict(self) -> dict[str, Any]:
        """The sums so far, and the step that they began at."""
        return {} if self._path is None else {"start": self._start, **self._path.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._saved = state_dict

    def check(self, signal: Signal) -> None:
        signal = require_lattice(NAME, signal)
        per_point = signal.num_train * signal.out_features
        index, _ = sublattice(signal.lattice, self.num_points)
        if len(index) * per_point > MOST_NUMBERS:
            fitting = MOST_NUMBERS // per_point
            fewer = f"num_points={fitting}, or " if fitting else ""
            raise ValueError(
                f"{len(index)} test points and {signal.num_train} training points with "
                f"{signal.out_features} outputs are {len(index) * per_point} contributions; "
                f"expected at most {MOST_NUMBERS}. Use {fewer}a smaller signal."
            )

    def check_steps(self, steps: Steps) -> None:
        check_gradient_descent(NAME, steps, ("momentum", "weight_decay"))
        check_whole_gradients(NAME, steps)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, FieldTraining)
        with pl_module.clock.paused(pl_module.device):
            signal = require_lattice(NAME, pl_module.signal)
            train = signal.train_points(None).coords
            path = PathKernel(pl_module.field, self._test_points(signal), train)
            self._path, self._start = path, trainer.global_step
            # Sums of other points are no part of this path, which then begins here.
            saved = self._saved.get("contributions")
            if saved is not None and saved.shape == path.contributions.shape:
                path.load_state_dict(self._saved)
                self._start = self._saved["start"]
        super().on_train_start(trainer, pl_module)

    def next_stop(self, trainer: pl.Trainer) -> int | None:
        """It follows every step."""
        return trainer.global_step + 1

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        assert isinstance(pl_module, FieldTraining) and self._path is not None
        with pl_module.clock.paused(pl_module.device):
            if not is_sound(trainer, pl_module):
                return
            batch = require_lattice(NAME, pl_module.signal).train_points(None)
            coords, values = batch.coords, batch.values

            def loss(outputs: Tensor, targets: Tensor) -> Tensor:
                return pl_module.loss(_Known(coords, outputs), Batch(coords, targets))

            try:
                slopes = self._path.slopes(loss, values)
                self._path.accumulate(trainer.optimizers[0].param_groups[0]["lr"], slopes)
            except Exception as error:
                raise ProbeError(
                    NAME,
                    f"the path kernel's step {trainer.global_step} failed: {error} "
                    "Fewer num_points need less memory.",
                ) from error

    def charts(self, signal: Signal) -> list[Chart]:
        title = "Error of the kernel machine along the path"
        return [Chart("Predicted dynamics", title, r"path_kernel/error")]

    def measure(self, snapshot: Snapshot) -> Record:
        assert self._path is not None
        path = self._path
        signal = require_lattice(NAME, snapshot.signal)
        index, _ = sublattice(signal.lattice, self.num_points)
        train_index = signal.train_index
        if train_index is None:
            train_index = torch.arange(signal.num_points)
        error = path.error()
        with torch.no_grad():
            network = snapshot.field(self._test_points(signal))
        tensors = {
            "coords": path.x_test,
            "index": index,
            "train_index": train_index,
            "initial": path.initial,
            "outputs": path.outputs,
            "network": network,
            "contributions": path.contributions,
            "path_kernel": path.path_kernel,
        }
        found: dict[str, Any] = {key: part.detach().cpu().numpy() for key, part in tensors.items()}
        found |= {"lattice": np.array(signal.lattice), "error": error, "start": self._start}
        self._found = found
        return Record(found, {"path_kernel/error": error} if math.isfinite(error) else {})

    def draw(self, snapshot: Snapshot) -> dict[str, Figure]:
        if len(snapshot.signal.lattice) != 2:
            return {}
        lower, upper = snapshot.signal.value_range
        picture = displayed((snapshot.render().float().cpu() - lower) / (upper - lower)).numpy()
        return {"influence": draw_influence(self._found, picture, snapshot.step)}

    def _test_points(self, signal: LatticeSignal) -> Tensor:
        index, _ = sublattice(signal.lattice, self.num_points)
        return lattice_points(signal.lattice, index.to(signal.device), dtype=signal.values.dtype)


class _Known(nn.Module):
    """A field of which the outputs at a batch are known, and nothing else."""

    def __init__(self, coords: Tensor, outputs: Tensor) -> None:
        super().__init__()
        self._coords, self._outputs = coords, outputs

    def forward(self, coords: Tensor) -> Tensor:
        if coords is not self._coords:
            raise ValueError("the loss reads the field elsewhere than at its batch.")
        return self._outputs
