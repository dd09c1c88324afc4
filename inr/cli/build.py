"""Configuration to objects: the only place where sizes meet."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytorch_lightning as pl
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from inr.argument import check_choice, check_count
from inr.callback import LookCallback
from inr.cli.failure import BadInputError, bad_input
from inr.field import Field
from inr.sampler import Sampler
from inr.signal import ImageSignal
from inr.training import AtomicCheckpointIO, FieldTraining

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed", "64-true")


class Experiment(NamedTuple):
    """Everything a run is about, without the trainer."""

    signal: ImageSignal
    field: Field
    sampler: Sampler
    loss: Callable[..., Any]
    make_optimizer: Callable[..., Any]
    make_scheduler: Callable[..., Any]
    callbacks: list[pl.Callback]


def build_experiment(cfg: DictConfig) -> Experiment:
    """Reads the signal and builds what is to be trained on it. Writes nothing.

    The field's weights are drawn from the global generator, which this seeds.

    Raises:
        BadInputError: Something does not fit.
    """
    try:
        seed = check_count("seed", cfg.seed, minimum=0)
        if seed >= 2**32:
            raise ValueError(f"seed is {seed}; expected less than 2**32.")
    except (TypeError, ValueError) as error:
        raise BadInputError(str(error)) from error
    signal = build(cfg, "signal")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pl.seed_everything(seed, verbose=False)
    # A stream of their own: frequencies are drawn from the seed itself.
    torch.manual_seed(int(np.random.SeedSequence([seed, 1]).generate_state(1)[0]))
    field = build_field(cfg, signal.in_features, signal.out_features)
    check_trainer(cfg)
    experiment = Experiment(
        signal,
        field,
        build(cfg, "sampler"),
        build(cfg, "loss"),
        build(cfg, "optimizer"),
        build(cfg, "scheduler"),
        [_build_callback(cfg, name, signal) for name in cfg.callback if cfg.callback[name]],
    )
    try:
        optimizer = experiment.make_optimizer(field)
        experiment.make_scheduler(optimizer, cfg.trainer.max_steps)
    except (TypeError, ValueError) as error:
        raise BadInputError(f"optimizer, scheduler: {error}") from error
    return experiment


def _build_callback(cfg: DictConfig, name: str, signal: ImageSignal) -> pl.Callback:
    callback: pl.Callback = build(cfg.callback, name, f"callback.{name}")
    if isinstance(callback, LookCallback):
        with bad_input(f"callback.{name}"):
            callback.check(signal)
    return callback


def build_field(cfg: DictConfig, in_features: int, out_features: int) -> Field:
    """The network after the encoding.

    Raises:
        BadInputError: Something does not fit.
    """
    encoding = _call("encoding", build(cfg, "encoding"), in_features)
    return Field(
        encoding, _call("network", build(cfg, "network"), encoding.out_features, out_features)
    )


def build_training(
    cfg: DictConfig, experiment: Experiment, record: dict[str, Any], run_dir: Path
) -> tuple[pl.Trainer, FieldTraining]:
    """The trainer of a run and what it trains."""
    training = FieldTraining(
        experiment.field,
        experiment.signal,
        sampler=experiment.sampler,
        loss=experiment.loss,
        make_optimizer=experiment.make_optimizer,
        make_scheduler=experiment.make_scheduler,
        record=record,
    )
    loggers = [build(cfg.logger, name, f"logger.{name}") for name in cfg.logger if cfg.logger[name]]
    trainer = _trainer(
        cfg, callbacks=experiment.callbacks, logger=loggers, default_root_dir=run_dir
    )
    return trainer, training


def check_trainer(cfg: DictConfig) -> None:
    """Refuses a trainer that cannot be built here, before anything is written.

    Raises:
        BadInputError: A knob is out of range, or the hardware is missing.
    """
    try:
        check_choice("precision", cfg.trainer.precision, PRECISIONS)
        if cfg.trainer.get("accumulate_grad_batches", 1) != 1:
            raise ValueError("accumulate_grad_batches is not supported; use sampler.batch_size.")
        check_count("max_steps", cfg.trainer.max_steps)
        check_count("log_every_n_steps", cfg.trainer.log_every_n_steps)
    except (TypeError, ValueError) as error:
        raise BadInputError(f"trainer: {error}") from error
    _trainer(cfg, logger=False)


def _trainer(cfg: DictConfig, **wired: Any) -> pl.Trainer:
    return build(
        cfg,
        "trainer",
        max_epochs=-1,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        plugins=[AtomicCheckpointIO()],
        **wired,
    )


def build(cfg: DictConfig, key: str, subject: str | None = None, **wired: Any) -> Any:
    """What a part of the configuration describes, with plain Python arguments.

    Raises:
        BadInputError: It cannot be built.
    """
    subject = subject or key
    node = cfg[key]
    if node is None or "_target_" not in node:
        raise BadInputError(f"{subject} is {node}; expected {subject}=NAME, see inr-fit --help.")
    try:
        return instantiate(node, _convert_="all", **wired)
    except InstantiationException as error:
        cause = error.__cause__ or error
        raise BadInputError(f"{subject}: {_concise(cause)}") from error
    except (MisconfigurationException, OSError, ValueError, TypeError, ImportError) as error:
        raise BadInputError(f"{subject}: {_concise(error)}") from error


def _call(subject: str, make: Callable[..., Any], *sizes: int) -> Any:
    try:
        return make(*sizes)
    except (TypeError, ValueError) as error:
        raise BadInputError(f"{subject}: {error}") from error


def _concise(error: BaseException) -> str:
    """A message without Hydra's remark on where it was configured."""
    return str(error).split("\nfull_key:")[0]
