"""Probes of one field of many that train together, as if it were a run of its own."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.loggers import Logger

from inr.callback._probe import ProbeCallback
from inr.training import Snapshot, StackTraining


class MemberCallback(pl.Callback):
    """Shows one field of a stack to probes.

    They log and write to ``images/<name>/`` in the run directory, where a run of that image alone
    would to its own.

    Args:
        number: Number of the field.
        name: Name of its image.
        probes: Probes of this field alone.

    Attributes:
        loggers: Loggers of the probes.
    """

    def __init__(self, number: int, name: str, probes: Sequence[ProbeCallback]) -> None:
        self.number = number
        self.name = name
        self.probes = probes
        self.loggers: list[Logger] = []

    @property
    def state_key(self) -> str:
        return self._generate_state_key(image=self.name)

    def state_dict(self) -> dict[str, Any]:
        return {probe.state_key: probe.state_dict() for probe in self.probes}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for probe in self.probes:
            if probe.state_key in state_dict:
                probe.load_state_dict(state_dict[probe.state_key])

    def next_stop(self, trainer: pl.Trainer) -> int | None:
        """The next step of a probe."""
        stops = [probe.next_stop(trainer) for probe in self.probes]
        return min((stop for stop in stops if stop is not None), default=None)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.global_step == 0:
            self._probe(trainer, pl_module, self.probes)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        step, last_step = trainer.global_step, trainer.max_steps
        due = [probe for probe in self.probes if probe.is_due(step, last_step)]
        self._probe(trainer, pl_module, due)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        due = [probe for probe in self.probes if probe.probes_checkpoint(trainer)]
        if due and trainer.is_global_zero:
            self._probe(trainer, pl_module, due)
            # The state in the checkpoint was taken before these probes.
            checkpoint["callbacks"][self.state_key] = self.state_dict()

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        for logger in self.loggers:
            logger.finalize("success")

    def _probe(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, probes: Sequence[ProbeCallback]
    ) -> None:
        assert isinstance(pl_module, StackTraining)
        if not probes or not trainer.is_global_zero:
            return
        with pl_module.clock.paused(pl_module.device):
            snapshot = self._snapshot(trainer, pl_module)
            batch = snapshot.training.batch
            if batch is None or all(map(math.isfinite, snapshot.training.measure_losses())):
                for probe in probes:
                    probe.probe(snapshot)

    def _snapshot(self, trainer: pl.Trainer, stack: StackTraining) -> Snapshot:
        """The field at the present step, as a run of its own."""
        member = stack.member(self.number)
        return Snapshot(
            member,
            trainer.global_step,
            trainer.max_steps,
            stack.member_optimizer(trainer.optimizers[0], self.number, member),
            self.loggers,
            Path(trainer.default_root_dir) / "images" / self.name,
        )


def check_shows_members(probe: ProbeCallback) -> None:
    """Rejects probes that follow every step of one field.

    Raises:
        ValueError: The probe follows every step.
    """
    if probe.follows_steps:
        raise ValueError(
            f"{probe.name} follows every step of one field, and a set of images has many; expected "
            "one image."
        )
