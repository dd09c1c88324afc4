"""Looks at one field of many that train together, as if it were a run of its own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
from pytorch_lightning.loggers import Logger

from inr.callback._look import LookCallback
from inr.callback.path_kernel import PathKernelCallback
from inr.callback.predicted_dynamics import PredictedDynamicsCallback
from inr.training import StackTraining


class MemberCallback(pl.Callback):
    """Shows one field of a stack to callbacks that look at a field.

    They log and write to ``images/<name>/`` in the run directory, where a run of that image alone
    would to its own.

    Args:
        number: Of the field.
        name: Of its image.
        looks: The callbacks, of this field alone.

    Attributes:
        loggers: Where they log.
    """

    def __init__(self, number: int, name: str, looks: Sequence[LookCallback]) -> None:
        self.number = number
        self.name = name
        self.looks = looks
        self.loggers: list[Logger] = []

    @property
    def state_key(self) -> str:
        return self._generate_state_key(image=self.name)

    def state_dict(self) -> dict[str, Any]:
        return {look.state_key: look.state_dict() for look in self.looks}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for look in self.looks:
            if look.state_key in state_dict:
                look.load_state_dict(state_dict[look.state_key])

    def next_stop(self, trainer: pl.Trainer) -> int | None:
        """The next step that one of them looks at."""
        stops = [look.next_stop(trainer) for look in self.looks]
        return min((stop for stop in stops if stop is not None), default=None)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.global_step == 0:
            self._look(trainer, pl_module, self.looks)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        self._look(trainer, pl_module, [look for look in self.looks if look.is_due(trainer)])

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        if trainer.is_global_zero:
            member, own = self._show(trainer, pl_module)
            for look in self.looks:
                look.on_save_checkpoint(own, member, {"callbacks": {}})
            # The state in it was taken before these looks.
            checkpoint["callbacks"][self.state_key] = self.state_dict()

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        for logger in self.loggers:
            logger.finalize("success")

    def _look(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, looks: Sequence[LookCallback]
    ) -> None:
        if looks and trainer.is_global_zero:
            member, own = self._show(trainer, pl_module)
            for look in looks:
                look.look_once(own, member)

    def _show(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule
    ) -> tuple[pl.LightningModule, pl.Trainer]:
        """The field's training at the present step, and the trainer as it would see it."""
        assert isinstance(pl_module, StackTraining)
        with pl_module.clock.paused(pl_module.device):
            member = pl_module.member(self.number)
            optimizer = pl_module.member_optimizer(trainer.optimizers[0], self.number, member)
        folder = Path(trainer.default_root_dir) / "images" / self.name
        own = cast(pl.Trainer, _MemberTrainer(trainer, str(folder), self.loggers, [optimizer]))
        member.trainer = own
        return member, own


class _MemberTrainer:
    """A trainer but for what one field has of its own.

    There are no other callbacks, so that no guard takes this field's loss for that of all.
    """

    def __init__(
        self, trainer: pl.Trainer, folder: str, loggers: list[Logger], optimizers: list[Any]
    ) -> None:
        self._trainer = trainer
        self.default_root_dir = folder
        self.loggers = loggers
        self.optimizers = optimizers
        self.callbacks: list[pl.Callback] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trainer, name)


def check_shows_members(name: str, look: LookCallback) -> None:
    """Rejects callbacks that follow every step of one field.

    Args:
        name: On the command line.
        look: The callback.

    Raises:
        ValueError: It is one of them.
    """
    if isinstance(look, PredictedDynamicsCallback | PathKernelCallback):
        raise ValueError(
            f"{name} follows every step of one field, and a set of images has many; expected "
            f"signal=image with one of them, or callback.{name}=null to train without it."
        )
