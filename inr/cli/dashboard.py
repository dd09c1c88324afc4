"""The configuration and the layout that loggers get at the start of a run."""

from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
from omegaconf import OmegaConf
from pytorch_lightning.loggers import TensorBoardLogger
from torch.utils.tensorboard.summary import hparams

from inr.callback import ProbeCallback
from inr.signal import Signal
from inr.training import add_summary, callbacks_of

SORTED_BY = ("psnr", "test_psnr", "ssim", "train/loss", "train/points_per_second")


def make_layout(callbacks: Sequence[Any], signal: Signal) -> dict[str, dict[str, list[Any]]]:
    """The layout of TensorBoard's custom scalars: the charts that the callbacks of a run fill.

    Args:
        callbacks: Callbacks of the run; those with charts have a method ``charts(signal)``.
        signal: Signal of the run.
    """
    probes = [callback for callback in callbacks if isinstance(callback, ProbeCallback)]
    others = [callback for callback in callbacks if hasattr(callback, "charts")]
    layout: dict[str, dict[str, list[Any]]] = {}
    # Probes first: how well the field fits matters more than how the batches do.
    for callback in dict.fromkeys([*probes, *others]):
        for group, title, tags in callback.charts(signal):
            layout.setdefault(group, {})[title] = ["Multiline", [tags]]
    return layout


def log_configuration(
    trainer: pl.Trainer, config: dict[str, Any], choices: dict[str, str], signal: Signal
) -> None:
    """The whole configuration as text, its options so that the runs of a sweep can be sorted.

    TensorBoard gets the layout of its custom scalars, too, and its HPARAMS shows the options beside
    the last PSNR and SSIM of the curves.

    Args:
        trainer: Trainer with the loggers.
        config: Configuration, plain and resolved.
        choices: The member of each family.
        signal: Signal of the run.
    """
    options: dict[str, Any] = {"seed": config["seed"]}
    for family in ("encoding", "network", "sampler", "loss", "optimizer", "scheduler"):
        options[family] = choices[family]
        options |= _scalars(family, config[family])
    for key in ("max_steps", "precision"):
        options[f"trainer.{key}"] = config["trainer"][key]
    for logger in trainer.loggers:
        if not isinstance(logger, TensorBoardLogger):
            logger.log_hyperparams(options)
        elif trainer.is_global_zero:
            text = OmegaConf.to_yaml(OmegaConf.create(config))
            logger.experiment.add_text("config", f"```yaml\n{text}```")
            logger.experiment.add_custom_scalars(make_layout(callbacks_of(trainer), signal))
            for summary in hparams(options, dict.fromkeys(SORTED_BY)):
                add_summary(logger.experiment, summary)


def _scalars(family: str, options: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{family}.{key}": value
        for key, value in options.items()
        if isinstance(value, bool | int | float | str) and not key.startswith("_")
    }
