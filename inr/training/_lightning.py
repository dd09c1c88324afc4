"""Access to Lightning beyond its public interface, all in one place."""

from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


def count_step(trainer: pl.Trainer) -> None:
    """Counts one step of the optimizer.

    ``global_step`` under manual optimisation counts the calls of Lightning's wrapped optimizer,
    whose own work takes longer than a small step.
    """
    progress = trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress
    progress.increment_ready()
    progress.increment_completed()


def counted_steps(checkpoint: dict[str, Any]) -> int:
    """The steps that :func:`count_step` had counted when a checkpoint was written."""
    loop = checkpoint["loops"]["fit_loop"]["epoch_loop.manual_optimization.optim_step_progress"]
    return int(loop["total"]["completed"])


def gradient_scaler(trainer: pl.Trainer) -> Any:
    """The scaler of float16 gradients, which manual optimisation has to call; None without one."""
    return getattr(trainer.precision_plugin, "scaler", None)


def callbacks_of(trainer: pl.Trainer) -> list[pl.Callback]:
    """The callbacks of a run; the attribute is documented, but not in its type."""
    return list(trainer.callbacks)  # type: ignore[attr-defined]


def log_interval(trainer: pl.Trainer) -> int:
    """``log_every_n_steps`` of a run; the attribute is documented, but not in its type."""
    return int(trainer.log_every_n_steps)  # type: ignore[attr-defined]


def add_summary(writer: "SummaryWriter", summary: Any, step: int | None = None) -> None:
    """Writes a summary for which :class:`SummaryWriter` has no method of its own."""
    writer._get_file_writer().add_summary(summary, step)
