"""What Lightning trains."""

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import pytorch_lightning as pl
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from inr.batch import Batch
from inr.render import render
from inr.sampler import Sampler
from inr.signal import LatticeSignal
from inr.training.clock import Clock


class FieldTraining(pl.LightningModule):
    """Fits a field to a signal.

    The signal's data live on the device and each step draws its batch there, by its number: there
    are no workers and no copies, and a resumed run draws what the uninterrupted one would have.

    Args:
        field: What is trained.
        signal: What it is fitted to.
        sampler: Draws the batches.
        loss: ``(field, batch) -> scalar``.
        make_optimizer: ``field -> optimizer``.
        make_scheduler: ``(optimizer, steps) -> scheduler``.
        record: Plain data that checkpoints carry along, enough to build the field again.

    Attributes:
        batch: The last one drawn.
        readings: What was last measured, by name, for displays.
        clock: Seconds of training.
        points: Number of points trained on so far, with repetition.
    """

    def __init__(
        self,
        field: nn.Module,
        signal: LatticeSignal,
        *,
        sampler: Sampler,
        loss: Callable[[nn.Module, Batch], Tensor],
        make_optimizer: Callable[[nn.Module], Optimizer],
        make_scheduler: Callable[[Optimizer, int], LambdaLR],
        record: dict[str, Any],
    ) -> None:
        super().__init__()
        self.field = field
        self.signal = signal
        self.sampler = sampler
        self.loss = loss
        self.make_optimizer = make_optimizer
        self.make_scheduler = make_scheduler
        self.record = record
        self.batch: Batch | None = None
        self.readings: dict[str, float] = {}
        self.clock = Clock()
        self.points = 0
        self._rendering: Tensor | None = None

    def train_dataloader(self) -> Iterable[int]:
        return itertools.repeat(0)

    def on_fit_start(self) -> None:
        self.clock.start()

    def training_step(self, _: int, batch_idx: int) -> Tensor:
        self._rendering = None
        number = batch_idx * self.trainer.world_size + self.global_rank
        self.batch = self.sampler.draw(self.signal, number)
        self.points += len(self.batch.coords) * self.trainer.world_size
        return self.loss(self.field, self.batch)

    def on_train_end(self) -> None:
        self._rendering = None

    def render(self) -> Tensor:
        """The field on the signal's lattice, not clipped: ``(*lattice, c)``, not to be changed.

        Whoever looks at one step shares one rendering; the next training step lets go of it.
        """
        if self._rendering is None:
            self._rendering = render(self.field, self.signal.lattice)
        return self._rendering

    def configure_optimizers(self) -> Any:
        optimizer = self.make_optimizer(self.field)
        scheduler = self.make_scheduler(optimizer, self.trainer.max_steps)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["inr"] = {
            **self.record,
            "points": self.points,
            "readings": self.readings,
            "clock": self.clock.state_dict(),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.points = checkpoint["inr"]["points"]
        self.readings = dict(checkpoint["inr"]["readings"])
        self.clock.load_state_dict(checkpoint["inr"]["clock"])
        self._apply_knobs(checkpoint["optimizer_states"][0], checkpoint["lr_schedulers"][0])

    def _apply_knobs(self, saved: dict[str, Any], saved_scheduler: dict[str, Any]) -> None:
        """Lets the present knobs, such as a lower learning rate, win over those in a checkpoint.

        A checkpoint's optimizer state has both what training made, which stays, and the knobs.
        """
        optimizer = self.make_optimizer(self.field)
        base_rates = [group["lr"] for group in optimizer.param_groups]
        scheduler = self.make_scheduler(optimizer, self.trainer.max_steps)
        step = saved_scheduler["last_epoch"]
        rates = [
            base * factor(step)
            for base, factor in zip(base_rates, scheduler.lr_lambdas, strict=True)
        ]
        saved_scheduler |= {"base_lrs": base_rates, "_last_lr": rates}
        groups = optimizer.state_dict()["param_groups"]
        saved["param_groups"] = [
            group | {"lr": rate} for group, rate in zip(groups, rates, strict=True)
        ]
