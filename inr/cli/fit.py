"""``inr-fit``: fit a field to a signal."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from inr.cli.failure import FULL_ERROR, BadInputError, one_line_errors
from inr.cli.override import (
    CONF,
    asks_for_experiment,
    expand_path,
    last_value,
    split_flags,
    without_effect,
)

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from inr.cli.build import Parts
    from inr.experiment import Experiment

PROGRAM = "inr-fit"
RUN_TRACES = ("metrics.json", "checkpoints", ".hydra")


def main() -> None:
    """Runs the command on ``sys.argv``."""
    arguments = sys.argv[1:]
    if any(argument in ("-h", "--help") for argument in arguments):
        from inr.cli.usage import usage

        print(usage())
        return
    with one_line_errors(PROGRAM):
        _run(arguments)


def _run(arguments: list[str]) -> None:
    flags, typed = split_flags(arguments)
    overrides = expand_path(typed)
    if asks_for_experiment(overrides):
        _reject_without_effect(overrides)
    from inr.cli.resume import resumed

    overrides = resumed(overrides, flags)
    # Lightning starts the other processes of a distributed run by this command line.
    sys.argv[1:] = [*flags, *overrides]
    if flags:
        _run_by_hydra(overrides)
    else:
        _run_single(overrides, typed)


def _run_single(overrides: list[str], typed: list[str]) -> None:
    """One run: everything is read and built before anything is written."""
    from omegaconf.errors import OmegaConfBaseException

    from inr.cli.compose import compose_config, explain, run_composed

    cfg = compose_config(overrides)
    try:
        prepared = _prepare(cfg, typed)
    except OmegaConfBaseException as error:
        raise BadInputError(explain(error, overrides)) from error
    run_composed(cfg, lambda job: _perform(job, prepared))


def _run_by_hydra(overrides: list[str]) -> None:
    """A sweep, or one of Hydra's own options, such as ``--cfg job``."""
    from hydra import main as hydra_main
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from inr.cli.compose import explain, register_resolvers

    register_resolvers()
    folder = last_value(overrides, "hydra.sweep.dir")
    if folder is not None:
        check_unused(Path(folder.strip("'\"")), "multirun.yaml")
    # Hydra prints errors its own way unless it is told to raise them.
    os.environ[FULL_ERROR] = "1"
    try:
        hydra_main(config_path=str(CONF), config_name="config", version_base="1.3")(_perform)()
    except (HydraException, OmegaConfBaseException) as error:
        raise BadInputError(explain(error, overrides)) from error


def _perform(cfg: "DictConfig", prepared: "Parts | Experiment | None" = None) -> float | None:
    """One run: a training, or an experiment with its own data."""
    if "experiment" in cfg:
        from inr.cli.experiment import run_experiment

        run_experiment(cfg, cast("Experiment | None", prepared))
        return None
    from inr.cli.train import train

    return train(cfg, cast("Parts | None", prepared))


def _reject_without_effect(overrides: list[str]) -> None:
    idle = without_effect(overrides)
    if idle:
        raise BadInputError(
            f"{idle[0]} has no effect: this experiment has its own data, networks and training; "
            "expected experiment.OPTION=VALUE (inr-fit --cfg job experiment=NAME shows them)."
        )


def _prepare(cfg: "DictConfig", typed: list[str]) -> "Parts | Experiment":
    """Reads and builds everything that a configuration describes. Writes nothing."""
    from omegaconf import OmegaConf

    from inr.cli.trust import check_composed

    if cfg.ckpt_path is not None:
        plain = {key: cfg[key] for key in cfg if key != "hydra"}
        composed = OmegaConf.to_container(OmegaConf.create(plain), resolve=False)
        check_composed(composed, typed, cfg.ckpt_path)
    folder = Path(cfg.hydra.run.dir)
    if not (cfg.ckpt_path and Path(cfg.ckpt_path).is_relative_to(folder.resolve())):
        check_unused(folder)
    from inr.cli.build import build_parts
    from inr.cli.instantiate import build
    from inr.cli.quiet import quiet_libraries

    quiet_libraries(PROGRAM)
    if "experiment" in cfg:
        return cast("Experiment", build(cfg, "experiment"))
    parts = build_parts(cfg)
    if cfg.ckpt_path is not None:
        from inr.cli.image_set import check_same_images
        from inr.cli.resume import check_same_field, check_same_steps
        from inr.cli.saved_run import field_state, load_checkpoint, load_weights

        checkpoint = load_checkpoint(Path(cfg.ckpt_path))
        check_same_images(checkpoint, parts.signal, cfg.ckpt_path)
        load_weights(parts.field, field_state(checkpoint), cfg.ckpt_path)
        check_same_field(cfg, checkpoint, cfg.ckpt_path)
        check_same_steps(parts.make_optimizer(parts.field), cfg, checkpoint, cfg.ckpt_path)
        if checkpoint["global_step"] > cfg.trainer.max_steps:
            raise BadInputError(
                f"{cfg.ckpt_path} is at step {checkpoint['global_step']}; expected "
                "trainer.max_steps beyond it."
            )
    return parts


def check_unused(folder: Path, *traces: str) -> None:
    """Rejects the directory of another run.

    The other processes of a distributed run write into that of the first.

    Args:
        folder: Directory that is to be written.
        traces: Files or folders that only an earlier run can have left; those of one run when
            there are none.

    Raises:
        BadInputError: The folder has one of the traces.
    """
    found = [name for name in traces or RUN_TRACES if (folder / name).exists()]
    if found and "LOCAL_RANK" not in os.environ:
        raise BadInputError(
            f"{folder} holds an earlier run; expected another folder, or ckpt_path={folder} to "
            "resume a run there."
        )
