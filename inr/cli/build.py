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
from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from inr.argument import check_choice, check_count
from inr.callback import LookCallback, Steps
from inr.cli.failure import BadInputError, bad_input
from inr.field import Field
from inr.sampler import Sampler
from inr.signal import ImageSignal, Signal
from inr.training import AtomicCheckpointIO, FieldTraining

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed", "64-true")


class Parts(NamedTuple):
    """Everything a run is about, without the trainer."""

    signal: ImageSignal
    field: Field
    sampler: Sampler
    loss: Callable[..., Any]
    make_optimizer: Callable[..., Any]
    make_scheduler: Callable[..., Any]
    callbacks: list[pl.Callback]


def build_parts(cfg: DictConfig) -> Parts:
    """Reads the signal and builds what is to be trained on it. Writes nothing.

    The field's weights are drawn from the global generator, which this seeds.

    Raises:
        BadInputError: Something does not fit.
    """
    signal = build(cfg, "signal")
    field = build_seeded_field(cfg, signal)
    check_trainer(cfg)
    if cfg.trainer.precision == "64-true":
        # Lightning converts it after it has filled it from a checkpoint, which would round that.
        field = field.double()
    parts = Parts(
        signal,
        field,
        build(cfg, "sampler"),
        build(cfg, "loss"),
        build(cfg, "optimizer"),
        build(cfg, "scheduler"),
        [_build_callback(cfg, name, signal) for name in cfg.callback if cfg.callback[name]],
    )
    try:
        optimizer = parts.make_optimizer(field)
        parts.make_scheduler(optimizer, cfg.trainer.max_steps)
    except (TypeError, ValueError) as error:
        raise BadInputError(f"optimizer, scheduler: {error}") from error
    clip, precision = cfg.trainer.get("gradient_clip_val"), str(cfg.trainer.precision)
    steps = Steps(optimizer, parts.sampler, parts.loss, signal, clip, precision)
    for callback in parts.callbacks:
        if isinstance(callback, LookCallback):
            with bad_input():
                callback.check_steps(steps)
    return parts


def _build_callback(cfg: DictConfig, name: str, signal: ImageSignal) -> pl.Callback:
    callback: pl.Callback = build(cfg.callback, name, f"callback.{name}")
    if isinstance(callback, LookCallback):
        with bad_input(f"callback.{name}"):
            callback.check(signal)
    return callback


def build_seeded_field(cfg: DictConfig, signal: Signal) -> Field:
    """The field for a signal as a run begins with it.

    Raises:
        BadInputError: Something does not fit.
    """
    try:
        seed = check_count("seed", cfg.seed, minimum=0)
        if seed >= 2**32:
            raise ValueError(f"seed is {seed}; expected less than 2**32.")
    except (TypeError, ValueError) as error:
        raise BadInputError(str(error)) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pl.seed_everything(seed, verbose=False)
    # A stream of their own: frequencies are drawn from the seed itself.
    torch.manual_seed(int(np.random.SeedSequence([seed, 1]).generate_state(1)[0]))
    return build_field(cfg, signal.in_features, signal.out_features)


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
    cfg: DictConfig, parts: Parts, record: dict[str, Any], run_dir: Path
) -> tuple[pl.Trainer, FieldTraining]:
    """The trainer of a run and what it trains."""
    training = FieldTraining(
        parts.field,
        parts.signal,
        sampler=parts.sampler,
        loss=parts.loss,
        make_optimizer=parts.make_optimizer,
        make_scheduler=parts.make_scheduler,
        record=record,
    )
    trainer = _trainer(
        cfg, callbacks=parts.callbacks, logger=build_loggers(cfg), default_root_dir=run_dir
    )
    return trainer, training


def build_loggers(cfg: DictConfig) -> list[Logger]:
    """Where curves go."""
    return [build(cfg.logger, name, f"logger.{name}") for name in cfg.logger if cfg.logger[name]]


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
