"""Resuming a run from its checkpoint."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from inr.cli.failure import BadInputError
from inr.cli.override import CONF, key_of, merge, quote

if TYPE_CHECKING:
    from omegaconf import DictConfig
    from torch.optim import Optimizer

# Recorded overrides that do not apply to the resuming run: its folder, checkpoint and loggers.
OWN_AFFAIRS = ("hydra.", "ckpt_path", "logger")


def resumed(arguments: list[str], flags: list[str]) -> list[str]:
    """The command line of a run; with ``ckpt_path``, after that of the run that it resumes.

    The recorded overrides come first and give way to typed ones of the same key, so that
    ``inr-fit ckpt_path=RUN`` alone goes on as the run began.

    Args:
        arguments: Overrides.
        flags: Hydra's own options.

    Raises:
        BadInputError: The checkpoint does not exist, or its overrides name a class or interpolate.
    """
    paths = [argument.partition("=")[2] for argument in arguments if _is_checkpoint(argument)]
    if not paths or paths[-1] in ("", "null"):
        return arguments
    if {"-m", "--multirun"} & set(flags):
        raise BadInputError("ckpt_path resumes one run; expected no -m with it.")
    from inr.cli.saved_run import load_checkpoint

    given = Path(paths[-1].strip("'\""))
    path = given / "checkpoints" / "last.ckpt" if given.is_dir() else given
    recorded = [
        _renamed(str(override))
        for override in load_checkpoint(path)["inr"]["overrides"]
        if not key_of(str(override)).startswith(OWN_AFFAIRS)
    ]
    typed = [argument for argument in arguments if not _is_checkpoint(argument)]
    merged = merge(recorded, typed)
    for override in set(merged) - set(typed):
        if override.startswith("-") or "_target_" in override or "${" in override:
            raise BadInputError(
                f"{path} asks for {override}; expected plain values in the overrides of a "
                "checkpoint. If you want that, type the override yourself."
            )
    return [*merged, f"ckpt_path={quote(path.resolve())}"]


def _renamed(override: str) -> str:
    """An override of an earlier version by its present name."""
    key, _, value = override.partition("=")
    if key == "trainer.mapping_memory":
        return f"trainer.feature_memory={value}"
    if key == "experiment" and (CONF / "protocol" / f"{value}.yaml").is_file():
        return f"protocol={value}"
    if value == "refuse":
        return f"{key}=reject"
    return {"sampler=lattice": "sampler=epoch"}.get(override, override)


def _is_checkpoint(argument: str) -> bool:
    return key_of(argument) == "ckpt_path"


def check_same_field(config: "DictConfig", checkpoint: dict[str, Any], source: str) -> None:
    """Rejects options under which the weights of a checkpoint would mean something else.

    Raises:
        BadInputError: An option of the encoding or the network has changed.
    """
    from omegaconf import OmegaConf

    for family in ("encoding", "network"):
        recorded = checkpoint["inr"]["config"][family]
        present = cast(dict[str, Any], OmegaConf.to_container(config[family], resolve=True))
        for option, value in recorded.items():
            if option in present and present[option] != value:
                raise BadInputError(
                    f"{family}.{option} was {value!r} for {source}, and is {present[option]!r}; "
                    "expected the same, since its weights mean something else otherwise. Begin "
                    "another run without ckpt_path."
                )


def check_same_steps(
    optimizer: "Optimizer", config: "DictConfig", checkpoint: dict[str, Any], source: str
) -> None:
    """Rejects a checkpoint whose optimizer state the present optimizer cannot take.

    Args:
        optimizer: Optimizer of the field before the first step.
        config: Configuration with the optimizer.
        checkpoint: Checkpoint to resume.
        source: Name of the checkpoint for errors.

    Raises:
        BadInputError: The optimizer differs, or an earlier version wrote the checkpoint.
    """
    from inr.training import counted_steps

    recorded = checkpoint["inr"]["config"]["optimizer"]["_target_"]
    saved = checkpoint["optimizer_states"][0]["param_groups"]
    shares = [
        [len(group["params"]) for group in groups] for groups in (saved, optimizer.param_groups)
    ]
    present = config.optimizer._target_
    if recorded != present or shares[0] != shares[1]:
        names = recorded.rpartition(".")[2], present.rpartition(".")[2]
        other = f"is {names[1]}" if names[0] != names[1] else "has other options"
        raise BadInputError(
            f"the optimizer was {names[0]} for {source}, and {other}; expected the same, whose "
            "state is in the checkpoint. Begin another run without ckpt_path."
        )
    if counted_steps(checkpoint) != checkpoint["global_step"]:
        raise BadInputError(
            f"{source} was written by an earlier version, whose runs are rendered but not resumed."
        )
