"""Configuration to objects: the only place where sizes meet."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytorch_lightning as pl
import torch
from omegaconf import DictConfig
from pytorch_lightning.loggers import Logger
from torch import nn

from inr.argument import check_count
from inr.callback import MemberCallback, ProbeCallback, Steps
from inr.cli.failure import BadInputError, bad_input
from inr.cli.image_set import FOLDER, build_member_loggers, build_set_callbacks, check_set_trainer
from inr.cli.instantiate import build
from inr.cli.reach import warn_of_low_frequencies
from inr.cli.trainer import Machine, build_options, build_trainer, check_trainer
from inr.field import Field
from inr.field.stack import FieldStack
from inr.loss import differentiates, losses_for, target_kind_of
from inr.sampler import Sampler
from inr.signal import ImageSetSignal, Signal
from inr.training import FieldTraining, StackTraining


class Parts(NamedTuple):
    """Everything a run is about, without the trainer."""

    signal: Signal
    field: nn.Module
    sampler: Sampler
    loss: Callable[..., Any]
    make_optimizer: Callable[..., Any]
    make_schedule: Callable[..., Any]
    callbacks: list[pl.Callback]
    machine: Machine


def build_parts(cfg: DictConfig) -> Parts:
    """Reads the signal and builds what is to be trained on it. Writes nothing.

    The field's weights are drawn from the global generator, which this seeds.

    Raises:
        BadInputError: Two parts do not fit each other.
    """
    # Before threads are made, which take it over: what a field is sure of has gradients so small
    # that a processor takes many times as long for each.
    torch.set_flush_denormal(True)
    signal = build(cfg, "signal")
    is_set = isinstance(signal, ImageSetSignal)
    field: nn.Module = build_seeded_field(cfg, signal.member(0) if is_set else signal)
    warn_of_low_frequencies(cfg, signal, field)
    callbacks = build_set_callbacks(cfg, signal) if is_set else _build_callbacks(cfg, signal)
    sampler, loss = build(cfg, "sampler"), build(cfg, "loss")
    _check_suit(cfg, signal, sampler, loss)
    follows_steps = any(getattr(callback, "needs_full_precision", False) for callback in callbacks)
    machine = check_trainer(cfg, follows_steps or differentiates(loss))
    if machine.precision == "64-true":
        # Lightning converts it after it has filled it from a checkpoint, which would round that.
        field = field.double()
    if is_set:
        check_set_trainer(cfg, machine.precision)
        field = FieldStack(field, len(signal.names))
    parts = Parts(
        signal,
        field,
        sampler,
        loss,
        build(cfg, "optimizer"),
        build(cfg, "scheduler"),
        callbacks,
        machine,
    )
    with bad_input("optimizer"):
        optimizer = parts.make_optimizer(field)
    with bad_input("scheduler"):
        parts.make_schedule(cfg.trainer.max_steps)
    clip = cfg.trainer.gradient_clip_val
    steps = Steps(optimizer, parts.sampler, parts.loss, signal, clip, machine.precision)
    for callback in parts.callbacks:
        if isinstance(callback, ProbeCallback):
            with suiting(callback.name):
                callback.check_steps(steps)
    return parts


def _check_suit(
    cfg: DictConfig, signal: Signal, sampler: Sampler, loss: Callable[..., Any]
) -> None:
    """Rejects a sampler or a loss that is of another kind than the signal."""
    try:
        sampler.check(signal)
    except TypeError as error:
        raise BadInputError(
            f"{error} Leave sampler= out: signal={signal.kind} chooses its own."
        ) from error
    if target_kind_of(loss) != signal.target_kind:
        raise BadInputError(
            f"loss compares a field with {target_kind_of(loss)}, and the signal has "
            f"{signal.target_kind}; expected loss={'|'.join(losses_for(signal.target_kind))}."
        )
    if differentiates(loss) and cfg.trainer.compile:
        raise BadInputError(
            "trainer.compile is true, and the loss differentiates the field in its coordinates, "
            "which no compiled field can; expected false."
        )


def _build_callbacks(cfg: DictConfig, signal: Signal) -> list[pl.Callback]:
    names = [name for name in cfg.callback if cfg.callback[name]]
    callbacks = [build(cfg.callback, name, f"callback.{name}") for name in names]
    for name, callback in zip(names, callbacks, strict=True):
        if isinstance(callback, ProbeCallback):
            with suiting(name):
                callback.check(signal)
    return callbacks


@contextmanager
def suiting(name: str) -> Iterator[None]:
    """Turns the rejection of a callback into one that says how to train without it."""
    try:
        yield
    except ValueError as error:
        raise BadInputError(
            f"callback.{name}: {error} callback.{name}=null trains without it."
        ) from error


def build_seeded_field(cfg: DictConfig, signal: Signal) -> Field:
    """The field for a signal as a run begins with it.

    Raises:
        BadInputError: Two parts do not fit each other.
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
        BadInputError: Two parts do not fit each other.
    """
    encoding = _call("encoding", build(cfg, "encoding"), in_features)
    return Field(
        encoding, _call("network", build(cfg, "network"), encoding.out_features, out_features)
    )


def build_training(
    cfg: DictConfig, parts: Parts, record: dict[str, Any], run_dir: Path
) -> tuple[pl.Trainer, FieldTraining]:
    """The trainer of a run and what it trains."""
    is_set = isinstance(parts.signal, ImageSetSignal)
    make_training: Callable[..., FieldTraining] = StackTraining if is_set else FieldTraining
    for callback in parts.callbacks:
        if isinstance(callback, MemberCallback):
            callback.loggers = build_member_loggers(cfg, run_dir / FOLDER / callback.name)
    training = make_training(
        parts.field,
        parts.signal,
        sampler=parts.sampler,
        loss=parts.loss,
        make_optimizer=parts.make_optimizer,
        make_schedule=parts.make_schedule,
        record=record,
        options=build_options(cfg, parts.field, parts.machine),
    )
    trainer = build_trainer(
        cfg,
        precision=parts.machine.precision,
        callbacks=parts.callbacks,
        logger=build_loggers(cfg),
        default_root_dir=run_dir,
    )
    return trainer, training


def build_loggers(cfg: DictConfig) -> list[Logger]:
    """Where curves go."""
    return [build(cfg.logger, name, f"logger.{name}") for name in cfg.logger if cfg.logger[name]]


def _call(subject: str, make: Callable[..., Any], *sizes: int) -> Any:
    try:
        return make(*sizes)
    except (TypeError, ValueError) as error:
        raise BadInputError(f"{subject}: {error}") from error
