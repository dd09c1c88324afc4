"""What each training point contributed to what a field has become."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from inr.argument import check_count
from inr.atomic import replacing
from inr.batch import Batch
from inr.callback._descent import (
    Steps,
    check_gradient_descent,
    check_whole_gradients,
    require_lattice,
    without,
)
from inr.callback._look import LookCallback
from inr.callback._path_kernel_figure import draw_influence
from inr.callback._writer import tensorboard_writers
from inr.callback.divergence import is_sound
from inr.lattice import lattice_points, sublattice
from inr.ntk import PathKernel
from inr.signal import LatticeSignal, Signal, displayed
from inr.training import FieldTraining

MOST_NUMBERS = 2**24
NAME = "path_kernel"


class PathKernelCallback(LookCallback):
    r"""Follows gradient descent as a kernel machine: f_T = f_0 + Σ_i C_i.

    At every step it adds what each training point contributes to the outputs at some test points,
    by the tangent kernel of then: see :class:`inr.ntk.PathKernel`. That takes longer than the step
    and is not counted as training. The loggers get ``path_kernel/error``, how far the sum is from
    the field itself relative to what was learned: a large one says that the steps are too long for
    the theory. ``path_kernel/step=00000100.npz`` has ``coords``, ``lattice``,
    ``index`` (flat positions of the test points) and ``train_index``, ``initial``, ``outputs`` of
    the kernel machine and ``network`` of the field, ``contributions``, ``path_kernel``, ``error``,
    ``start`` and ``step``; TensorBoard gets a map of who contributed what.

    It needs gradient descent on all points without momentum and decay. The training is left as it
    is: weights and random draws are the same with it and without.

    Args:
        num_points: Test points, at most: a regular sub-lattice.
        per_decade: Looks per decade of steps.

    References:
        Domingos 2020, "Every Model Learned by Gradient Descent Is Approximately a Kernel Machine".
    """

    needs_full_precision = True

    def __init__(self, *, num_points: int = 16, per_decade: int = 2) -> None:
        super().__init__(per_decade)
        self.num_points = check_count("num_points", num_points)
        self._path: PathKernel | None = None
        self._start = 0
        self._saved: dict[str, Any] = {}

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
            fewer = f"callback.path_kernel.num_points={fitting}, " if fitting else ""
            raise ValueError(
                f"{len(index)} test points and {signal.num_train} training points with "
                f"{signal.out_features} outputs are {len(index) * per_point} contributions; "
                f"expected at most {MOST_NUMBERS}. Type {fewer}a smaller signal.size, "
                f"{without(NAME)}"
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
                raise RuntimeError(
                    f"the path kernel's step {trainer.global_step} failed: {error} "
                    f"Type callback.path_kernel.num_points=4 if memory is short, {without(NAME)}"
                ) from error

    def look(self, trainer: pl.Trainer, training: FieldTraining) -> None:
        assert self._path is not None
        step, path = trainer.global_step, self._path
        signal = require_lattice(NAME, training.signal)
        index, _ = sublattice(signal.lattice, self.num_points)
        train_index = signal.train_index
        if train_index is None:
            train_index = torch.arange(signal.num_points)
        error = path.error()
        with torch.no_grad():
            network = training.field(self._test_points(signal))
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
        look: dict[str, Any] = {key: part.detach().cpu().numpy() for key, part in tensors.items()}
        look |= {"lattice": np.array(signal.lattice), "error": error, "start": self._start}
        target = Path(trainer.default_root_dir) / "path_kernel" / f"step={step:08d}.npz"
        with replacing(target) as temporary:
            np.savez(temporary, step=step, **look)
        if math.isfinite(error):
            for logger in trainer.loggers:
                logger.log_metrics({"path_kernel/error": error}, step)
        if len(signal.lattice) == 2:
            self.draw_if_affordable(trainer, training, lambda: _draw(trainer, training, look))

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


def _draw(trainer: pl.Trainer, training: FieldTraining, look: dict[str, Any]) -> None:
    lower, upper = training.signal.value_range
    picture = displayed((training.render().float().cpu() - lower) / (upper - lower)).numpy()
    figure = draw_influence(look, picture, trainer.global_step)
    for writer in tensorboard_writers(trainer):
        writer.add_figure("path_kernel/influence", figure, trainer.global_step)
