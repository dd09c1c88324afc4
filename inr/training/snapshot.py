"""A field at one step of its training."""

from dataclasses import dataclass
from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.loggers import Logger
from torch import Tensor, nn
from torch.optim import Optimizer

from inr.signal import Signal
from inr.training.field_training import FieldTraining


@dataclass(frozen=True)
class Snapshot:
    """A field at one step: what probes see of a run, and where they write.

    What several probes need, such as the rendering, is computed once for all of them.

    Attributes:
        training: Training of the field.
        step: Number of the step.
        last_step: Number of the last step of the run.
        optimizer: Optimizer of the field.
        loggers: Loggers of the run.
        folder: Run directory.
    """

    training: FieldTraining
    step: int
    last_step: int
    optimizer: Optimizer
    loggers: list[Logger]
    folder: Path

    @classmethod
    def of(cls, trainer: pl.Trainer, training: FieldTraining) -> "Snapshot":
        """The present step of a run."""
        return cls(
            training,
            trainer.global_step,
            trainer.max_steps,
            trainer.optimizers[0],
            list(trainer.loggers),
            Path(trainer.default_root_dir),
        )

    @property
    def field(self) -> nn.Module:
        """The field."""
        return self.training.field

    @property
    def signal(self) -> Signal:
        """The signal that the field is fitted to."""
        return self.training.signal

    @property
    def is_last(self) -> bool:
        """Whether this is the last step of the run."""
        return self.step == self.last_step

    @property
    def lr(self) -> float:
        """Learning rate of the optimizer's first group."""
        return float(self.optimizer.param_groups[0]["lr"])

    def render(self) -> Tensor:
        """The field on the signal's lattice, not clipped: ``(*lattice, c)``. Not to be changed."""
        return self.training.render()

    def affords_rendering(self) -> bool:
        """Whether to render now: at the end, or where that takes a small share of the training."""
        return self.training.affords_rendering(is_last=self.is_last)
