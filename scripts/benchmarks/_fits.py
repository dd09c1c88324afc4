"""Trainings as ``inr-fit`` makes them, which go on by some steps at a time."""

import contextlib
import io
import logging
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import skimage.data
import torch
from _measure import synchronize
from torch import Tensor, optim

from inr.cli.build import build_parts, build_training
from inr.cli.compose import compose_config
from inr.cli.override import quote
from inr.encoding import GaussianEncoding
from inr.field.rendering import render

PHOTO = Path(skimage.data.__file__).parent / "astronaut.png"
ACCELERATORS = {"cpu": "cpu", "cuda": "gpu"}


class RecomputedGaussianEncoding(GaussianEncoding):
    """Features that are computed at each step, if no memory is allowed for them.

    An encoding that changes the formula has no tables by axis.
    """

    def encode(self, coords: Tensor) -> Tensor:
        return super().encode(coords)


class Fit:
    """A training that ``inr-fit`` would make of overrides.

    Args:
        overrides: As they are typed.
        device: ``cpu`` or ``cuda``.
        folder: Of the run.
        callbacks: What looks on.
        default_callbacks: Whether those of the configuration look on, too.

    Attributes:
        signal: What is fitted.
        field: To what.
        training: Lightning's module.
        trainer: Lightning's trainer.
    """

    def __init__(
        self,
        *overrides: str,
        device: str,
        folder: Path,
        callbacks: Sequence[pl.Callback] = (),
        default_callbacks: bool = False,
    ) -> None:
        for name in ("pytorch_lightning", "lightning_fabric"):
            logging.getLogger(name).setLevel(logging.ERROR)
        accelerator = f"trainer.accelerator={ACCELERATORS[device]}"
        cfg = compose_config(["logger=none", accelerator, *overrides])
        parts = build_parts(cfg)
        self._make_optimizer = parts.make_optimizer
        # Of all steps that the configuration has, however many are made at a time.
        schedule = parts.make_schedule(cfg.trainer.max_steps)
        self._optimizer: optim.Optimizer | None = None
        self._watch = _Watch()
        others = parts.callbacks if default_callbacks else []
        parts = parts._replace(
            make_optimizer=self._keep_optimizer,
            make_schedule=lambda _: schedule,
            callbacks=[self._watch, *callbacks, *others],
        )
        self.signal, self.field = parts.signal, parts.field
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.trainer, self.training = build_training(cfg, parts, {}, folder)

    def _keep_optimizer(self, field: torch.nn.Module) -> optim.Optimizer:
        """The same for each part of the training, with the rates that it had at first."""
        if self._optimizer is None:
            self._optimizer = self._make_optimizer(field)
        for group in self._optimizer.param_groups:
            group["lr"] = group.get("initial_lr", group["lr"])
        return self._optimizer

    def run(self) -> None:
        """Trains up to ``trainer.max_steps``."""
        # Lightning's warnings and a progress that begins anew each time are of no use here.
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            self.trainer.fit(self.training)

    def advance(self, steps: int) -> float:
        """Seconds of so many steps more, without setting up and without looks of callbacks.

        The first of them is made at the learning rate that the schedule begins with.
        """
        self.trainer.fit_loop.epoch_loop.max_steps = self.trainer.global_step + steps
        self.run()
        return self._watch.seconds

    def psnr(self) -> float:
        """Over the whole image, in float32."""
        rendering = render(self.field, self.signal.lattice)
        return self.training.signal.display.measure(self.field, self.signal, rendering)["psnr"]


class _Watch(pl.Callback):
    """Takes the time from a training's first step to the end of its last."""

    def __init__(self) -> None:
        self._start: float | None = None
        self.seconds = 0.0

    def next_stop(self, trainer: pl.Trainer) -> None:
        """It does not mind."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._start = None

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: Any, *_: Any) -> None:
        if self._start is None:
            synchronize(pl_module.device)
            self._start = pl_module.clock.training_seconds

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *_: Any) -> None:
        if trainer.global_step == trainer.max_steps:
            synchronize(pl_module.device)
            assert self._start is not None
            self.seconds = pl_module.clock.training_seconds - self._start


def photo(height: int, width: int, path: Path = PHOTO) -> list[str]:
    """Overrides: an image, resized."""
    return [f"signal.path={quote(path)}", f"signal.size=[{height},{width}]"]


def run_steps(step: Any, device: torch.device, steps: int) -> float:
    """Seconds of a plain loop."""
    synchronize(device)
    start = time.perf_counter()
    for _ in range(steps):
        step()
    synchronize(device)
    return time.perf_counter() - start
