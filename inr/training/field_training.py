"""The LightningModule: blocks of steps that fit a field to a signal."""

import itertools
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from inr.batch import Batch
from inr.field.precomputed import PrecomputedFeatures
from inr.field.rendering import render
from inr.sampler import Sampler
from inr.signal import Signal
from inr.training._lightning import count_step, gradient_scaler
from inr.training.block import next_stop
from inr.training.clock import Clock
from inr.training.features import find_features, with_compiled_network
from inr.training.gradient import BatchGradient
from inr.training.stack_gradient import StackGradient
from inr.training.step_options import StepOptions

BLOCK_SECONDS = 0.1
FREE_RENDERING_SECONDS = 2.0
RENDERING_SHARE = 0.1
SAMPLED_POINTS = 2**14
AUTOCAST_DTYPES = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


class FieldTraining(pl.LightningModule):
    """Fits a field to a signal.

    The signal's data live on the device and each step draws its batch there, by its number: there
    are no workers and no copies, and a resumed run draws what the uninterrupted one would have.

    What Lightning takes for a batch is a block of steps, since its own part of a step takes longer
    than many a step itself. A block ends where a callback wants to see the field (see
    :func:`next_stop`), after a tenth of a second, or after ``options.steps_per_batch`` steps;
    ``global_step`` counts each.

    Args:
        field: What is trained.
        signal: What it is fitted to.
        sampler: Draws the batches.
        loss: ``(field, batch) -> scalar``, a mean over the batch's points.
        make_optimizer: ``field -> optimizer``.
        make_schedule: ``steps -> (step -> factor of the learning rates)``.
        record: Plain data that checkpoints carry along, enough to build the field again.
        options: How steps are computed.

    Attributes:
        batch: The last one drawn.
        readings: What was last measured, by name, for displays.
        clock: Seconds of training.
        points: Number of points trained on so far, with repetition.
        features: Precomputed features of the steps; None where they save nothing.
    """

    def __init__(
        self,
        field: nn.Module,
        signal: Signal,
        *,
        sampler: Sampler,
        loss: Callable[[nn.Module, Batch], Tensor],
        make_optimizer: Callable[[nn.Module], Optimizer],
        make_schedule: Callable[[int], Callable[[int], float]],
        record: dict[str, Any],
        options: StepOptions | None = None,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.field = field
        self.signal = signal
        self.sampler = sampler
        self.loss = loss
        self.make_optimizer = make_optimizer
        self.make_schedule = make_schedule
        self.record = record
        self.options = options or StepOptions()
        self.batch: Batch | None = None
        self.measured: dict[str, float] = {}
        self.clock = Clock()
        self.points = 0
        self.features: PrecomputedFeatures | None = None
        self._rendering: Tensor | None = None
        self._rendering_seconds: float | None = None
        self._gradient: BatchGradient | StackGradient = BatchGradient(
            loss, self.options.micro_batch
        )

    def train_dataloader(self) -> Iterable[int]:
        return itertools.repeat(0)

    def on_fit_start(self) -> None:
        self.clock.start()

    def on_train_start(self) -> None:
        self._schedule = self.make_schedule(self.trainer.max_steps)
        share = self.options.full_precision_share
        self._first_full_step = self.trainer.max_steps - round(share * self.trainer.max_steps)
        self._prepare_steps(AUTOCAST_DTYPES.get(self.trainer.precision))

    def _prepare_steps(self, autocast_dtype: torch.dtype | None) -> None:
        """Precomputes features and compiles the network, for steps with or without autocast."""
        field = self.single_field()
        self.features = find_features(
            field, self.signal, autocast_dtype, memory=self.options.feature_memory
        )
        seen = with_compiled_network(field, self.features) if self.options.compile else field
        # In a list, so that it is not registered: its weights are the field's.
        self._seen, self._autocast_dtype = [seen], autocast_dtype

    def single_field(self) -> nn.Module:
        """The field that a loss is a function of."""
        return self.field

    def count_points(self, batch: Batch) -> int:
        """Points that a step with this batch trains on."""
        return len(batch.coords)

    def training_step(self, _: int, batch_idx: int) -> dict[str, Any]:
        """A block of steps.

        Returns:
            ``losses`` of its steps, before each, on the device, and ``loss``, the last.
        """
        self.forget_rendering()
        losses = []
        last = next_stop(self.trainer, self.options.steps_per_batch)
        optimizer = self.trainer.optimizers[0]
        start = time.perf_counter()
        while self.trainer.global_step < last:
            losses.append(self._step(optimizer))
            # Processes that wait for each other must not go by their own clocks.
            if self.trainer.world_size == 1 and time.perf_counter() - start > BLOCK_SECONDS:
                break
        return {"loss": losses[-1], "losses": losses}

    def _step(self, optimizer: Optimizer) -> Tensor:
        """One step of the optimizer; the loss before it."""
        trainer = self.trainer
        step = trainer.global_step
        self.batch = self.sampler.draw(self.signal, step * trainer.world_size + self.global_rank)
        self.points += self.count_points(self.batch) * trainer.world_size
        scaler = gradient_scaler(trainer)
        optimizer.zero_grad()
        if step >= self._first_full_step and self._autocast_dtype is not None:
            self._prepare_steps(None)
        with torch.autocast(
            self.device.type,
            self._autocast_dtype,
            enabled=self._autocast_dtype is not None,
            # Lightning's own autocast spans the block, and would keep what these weights were.
            cache_enabled=False,
        ):
            scale = scaler.scale if scaler else None
            loss = self._gradient(self._seen[0], self.batch, scale, self.features)
        self._share_gradient()
        if scaler:
            scaler.unscale_(optimizer)
        if self.options.gradient_clip_val:
            self.clip_gradient(self.options.gradient_clip_val)
        if scaler:
            scaler.step(optimizer)
            scaler.update()
        else:
            optimizer.step()
        count_step(trainer)
        set_rates(optimizer, self._schedule(step + 1))
        return loss

    def _share_gradient(self) -> None:
        """Makes the gradient the mean of all processes'."""
        if self.trainer.world_size > 1:
            for parameter in self.field.parameters():
                if parameter.grad is not None:
                    parameter.grad = self.trainer.strategy.reduce(parameter.grad)

    def clip_gradient(self, largest: float) -> None:
        """Makes the gradient no longer than this."""
        nn.utils.clip_grad_norm_(self.field.parameters(), largest)

    def measure_losses(self) -> list[float]:
        """The losses over the last batch at the present weights, of each field that is trained."""
        assert self.batch is not None
        losses: list[float] = (
            self._gradient.measure(self.single_field(), self.batch).flatten().tolist()
        )
        return losses

    def measure_batch(self, most_points: int) -> dict[str, float]:
        """How well the field fits at some points of the last batch."""
        assert self.batch is not None
        parts = (None if part is None else part[:most_points] for part in self.batch)
        some = type(self.batch)._make(parts)
        return self.signal.display.measure_batch(self.field, self.signal, some)

    def render(self) -> Tensor:
        """What the field says on the signal's lattice, not clipped: ``(*lattice, c)``.

        It is not to be changed.
        All probes of a step share one rendering; the next training step lets go of it, and so does
        :meth:`forget_rendering`.
        """
        if self._rendering is None:
            start = time.perf_counter()
            self._rendering = self.signal.read(render(self.field, self.signal.lattice))
            self._rendering_seconds = time.perf_counter() - start
        return self._rendering

    def forget_rendering(self) -> None:
        """Lets go of the last rendering: the field is another one, or its memory is needed."""
        self._rendering = None

    def affords_rendering(self, *, is_last: bool) -> bool:
        """Whether to render now: at the end, or where that takes a small share of the training.

        The time is that of the last rendering, or before that of some points, in proportion.

        Args:
            is_last: Whether the training has come to its end.
        """
        if is_last or self._rendering is not None:
            return True
        if self._rendering_seconds is None:
            points = min(SAMPLED_POINTS, self.signal.num_points)
            start = time.perf_counter()
            render(self.field, self.signal.lattice, index=torch.arange(points))
            seconds = time.perf_counter() - start
            self._rendering_seconds = seconds * self.signal.num_points / points
        allowed = max(FREE_RENDERING_SECONDS, RENDERING_SHARE * self.clock.training_seconds)
        return self._rendering_seconds < allowed

    def configure_optimizers(self) -> Optimizer:
        return self._make_optimizer(0)

    def _make_optimizer(self, step: int) -> Optimizer:
        """The optimizer with the learning rates of a step."""
        optimizer = self.make_optimizer(self.field)
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
        set_rates(optimizer, self.make_schedule(self.trainer.max_steps)(step))
        return optimizer

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["inr"] = {
            **self.record,
            "points": self.points,
            "measured": self.measured,
            "clock": self.clock.state_dict(),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.points = checkpoint["inr"]["points"]
        self.measured = dict(checkpoint["inr"].get("measured", {}))
        self.clock.load_state_dict(checkpoint["inr"]["clock"])
        # The present options, such as a lower learning rate, win over those in a checkpoint, whose
        # optimizer state has both what training made, which stays, and the options.
        present = self._make_optimizer(checkpoint["global_step"]).state_dict()
        checkpoint["optimizer_states"][0]["param_groups"] = present["param_groups"]


def set_rates(optimizer: Optimizer, factor: float) -> None:
    """Makes the learning rates what they were at first times a factor."""
    for group in optimizer.param_groups:
        group["lr"] = factor * group["initial_lr"]
