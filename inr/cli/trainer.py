"""The trainer's options: Lightning's, and those of the steps."""

import os
import shutil
from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch
from omegaconf import DictConfig, OmegaConf
from torch import nn

from inr.argument import check_choice, check_count, check_flag, check_positive
from inr.cli.failure import BadInputError
from inr.cli.instantiate import build
from inr.micro_batch import fitting_points
from inr.precision import has_fast_bfloat16
from inr.training import AtomicCheckpointIO, StepOptions

PRECISIONS = ("auto", "32-true", "bf16-mixed", "16-mixed", "64-true")
MEBIBYTE = 2**20
COMPILERS = (os.environ.get("CXX", "c++"), "g++", "clang++", "cl")
# The trainer's options that are not Lightning's.
OWN_FLAGS = ("compile", "allow_tf32")
OWN_OPTIONS = (
    "steps_per_batch",
    "micro_batch",
    "feature_memory",
    "gradient_clip_val",
    "full_precision_share",
    *OWN_FLAGS,
)


class Machine(NamedTuple):
    """Where and in which numbers a field is trained.

    Attributes:
        device: Device of the first process.
        precision: Lightning's name of it, not ``auto``.
    """

    device: torch.device
    precision: str


def check_trainer(cfg: DictConfig, needs_full_precision: bool = False) -> Machine:
    """Rejects a trainer that cannot be built here, before anything is written.

    Args:
        cfg: The whole configuration.
        needs_full_precision: Whether automatic precision is not to be a lower one.

    Raises:
        BadInputError: An option is out of range, or the hardware is missing.
    """
    options = cfg.trainer
    try:
        check_choice("precision", options.precision, PRECISIONS)
        if options.get("accumulate_grad_batches", 1) != 1:
            raise ValueError("accumulate_grad_batches is not supported; use sampler.batch_size.")
        for name in ("max_steps", "log_every_n_steps", "steps_per_batch"):
            check_count(name, options[name])
        check_count("feature_memory", options.feature_memory, minimum=0)
        if options.micro_batch not in ("auto", None):
            check_count("micro_batch (or auto, or null)", options.micro_batch)
        if options.gradient_clip_val is not None:
            check_positive("gradient_clip_val", options.gradient_clip_val)
        check_positive("full_precision_share", options.full_precision_share, zero=True)
        if options.full_precision_share > 1:
            raise ValueError(
                f"full_precision_share is {options.full_precision_share}; expected 0 to 1."
            )
        for name in OWN_FLAGS:
            check_flag(name, options[name])
        if options.compile and not any(map(shutil.which, COMPILERS)):
            raise ValueError(
                f"compile=true needs a C++ compiler, and there is none of {', '.join(COMPILERS)}; "
                "expected one on the PATH, or compile=false."
            )
    except (TypeError, ValueError) as error:
        raise BadInputError(f"trainer: {error}") from error
    device = build_trainer(cfg, precision="32-true", logger=False).strategy.root_device
    precision = options.precision
    if precision == "auto":
        is_lower = has_fast_bfloat16(device) and not needs_full_precision
        precision = "bf16-mixed" if is_lower else "32-true"
    return Machine(device, precision)


def build_options(cfg: DictConfig, field: nn.Module, machine: Machine) -> StepOptions:
    """How the steps of a run are computed."""
    options = cfg.trainer
    micro_batch = options.micro_batch
    if micro_batch == "auto":
        itemsize = {"64-true": 8, "32-true": 4}.get(machine.precision, 2)
        micro_batch = fitting_points(field, machine.device, itemsize)
    return StepOptions(
        steps_per_batch=options.steps_per_batch,
        micro_batch=micro_batch,
        feature_memory=options.feature_memory * MEBIBYTE,
        gradient_clip_val=options.gradient_clip_val,
        compile=options.compile,
        full_precision_share=options.full_precision_share,
    )


def build_trainer(cfg: DictConfig, *, precision: str, **wired: Any) -> pl.Trainer:
    """Lightning's trainer.

    Raises:
        BadInputError: The trainer cannot be built.
    """
    if cfg.trainer.allow_tf32:
        torch.set_float32_matmul_precision("high")
    options = {name: option for name, option in cfg.trainer.items() if name not in OWN_OPTIONS}
    trainer: pl.Trainer = build(
        OmegaConf.create({"trainer": options}),
        "trainer",
        precision=precision,
        max_epochs=-1,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        plugins=[AtomicCheckpointIO()],
        **wired,
    )
    return trainer
