"""``inr-fit``: fit a field to a signal."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from inr.cli.failure import FULL_ERROR, BadInputError, one_line_errors
from inr.cli.override import CONF, expand_path, key_of, makes_own_data, split_flags, without_effect

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from inr.cli.build import Parts
    from inr.experiment import Experiment

PROGRAM = "inr-fit"


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
    from hydra import main as hydra_main
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from inr.cli.compose import explain, register_resolvers
    from inr.cli.resume import resumed

    register_resolvers()
    flags, typed = split_flags(arguments)
    overrides = expand_path(typed)
    if makes_own_data(overrides):
        _refuse_without_effect(overrides)
    overrides = resumed(overrides, flags)
    sys.argv[1:] = [*flags, *overrides]
    is_single = not flags and "LOCAL_RANK" not in os.environ
    prepared: Parts | Experiment | None = None
    for argument in overrides:
        if key_of(argument) == "hydra.sweep.dir" and "LOCAL_RANK" not in os.environ:
            _protect(Path(argument.partition("=")[2].strip("'\"")), "multirun.yaml")

    failures: list[Exception] = []

    def task(cfg: "DictConfig") -> float | None:
        try:
            return _perform(cfg, prepared)
        except Exception as error:
            if not is_single:
                raise
            # Hydra would print a line of its own.
            failures.append(error)
            return None

    # Hydra prints errors its own way unless it is told to raise them.
    os.environ[FULL_ERROR] = "1"
    try:
        if is_single:
            prepared = _prepare(overrides, typed)
        hydra_main(config_path=str(CONF), config_name="config", version_base="1.3")(task)()
    except (HydraException, OmegaConfBaseException) as error:
        raise BadInputError(explain(error, overrides)) from error
    if failures:
        raise failures[0]


def _perform(cfg: "DictConfig", prepared: "Parts | Experiment | None") -> float | None:
    """One run: a training, or an experiment with its own data."""
    if "experiment" in cfg:
        from inr.cli.experiment import run_experiment

        run_experiment(cfg, cast("Experiment | None", prepared))
        return None
    from inr.cli.train import train

    return train(cfg, cast("Parts | None", prepared))


def _refuse_without_effect(overrides: list[str]) -> None:
    idle = without_effect(overrides)
    if idle:
        raise BadInputError(
            f"{idle[0]} has no effect: this experiment has its own data, networks and training; "
            "expected experiment.KNOB=VALUE (inr-fit --cfg job experiment=NAME shows its knobs)."
        )


def _prepare(overrides: list[str], typed: list[str]) -> "Parts | Experiment":
    """Reads and builds everything before Hydra writes anything."""
    from omegaconf import OmegaConf

    from inr.cli.compose import compose_config
    from inr.cli.trust import check_composed

    cfg = compose_config(overrides)
    if cfg.ckpt_path is not None:
        plain = {key: cfg[key] for key in cfg if key != "hydra"}
        composed = OmegaConf.to_container(OmegaConf.create(plain), resolve=False)
        check_composed(composed, typed, cfg.ckpt_path)
    folder = Path(cfg.hydra.run.dir)
    if not (cfg.ckpt_path and Path(cfg.ckpt_path).is_relative_to(folder.resolve())):
        _protect(folder, "metrics.json", "checkpoints", ".hydra")
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


def _protect(folder: Path, *traces: str) -> None:
    """Refuses to write into the directory of another run."""
    if any((folder / trace).exists() for trace in traces):
        raise BadInputError(
            f"{folder} holds an earlier run; expected another folder, or ckpt_path={folder} to "
            "resume a run there."
        )
