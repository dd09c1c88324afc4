"""Checks of the classes that the configuration of a saved run names."""

from functools import cache
from typing import Any

from omegaconf import OmegaConf

from inr.cli.failure import BadInputError
from inr.cli.override import CONF


def check_targets(config: Any, source: str) -> None:
    """Rejects a configuration that names anything but the project's own classes.

    A run directory or a checkpoint is data that somebody may have sent: building what it names
    must not run code that it chose. Nothing in it may be left to interpolate, since an
    interpolation can make a name that is not there yet.

    Args:
        config: Configuration as plain data.
        source: Origin of the configuration, for the message.

    Raises:
        BadInputError: A class is neither named in ``conf/`` nor an optimizer of ``torch.optim``, or
            a value interpolates.
    """
    if isinstance(config, str) and "${" in config:
        raise BadInputError(
            f"{source} has {config!r} in its configuration; expected plain values. If you trust "
            "the run, use --trust."
        )
    if isinstance(config, dict):
        for key, value in config.items():
            check_targets(key, source)
            if str(key) == "_target_" and not _is_trusted(value):
                raise BadInputError(
                    f"{source} asks to build {value!r}, which is not a class of this program; "
                    "expected a run of inr-fit. If you wrote that class and trust the run, "
                    "use --trust."
                )
            check_targets(value, source)
    elif isinstance(config, list | tuple):
        for value in config:
            check_targets(value, source)


def check_composed(config: Any, typed: list[str], source: str) -> None:
    """Rejects classes that came into a configuration with the overrides of a checkpoint.

    Args:
        config: Plain data, composed from ``conf/``, those overrides and typed ones.
        typed: Overrides that the user typed, which may name any class.
        source: The checkpoint, for the message.

    Raises:
        BadInputError: A foreign class is named that the user did not type.
    """
    if isinstance(config, dict):
        target = config.get("_target_")
        was_typed = any(str(target) in argument for argument in typed)
        if target is not None and not (was_typed or _is_trusted(target)):
            raise BadInputError(
                f"{source} asks to build {target!r}; expected a class of this program. If you "
                "want it, type the override yourself."
            )
    if isinstance(config, dict | list):
        for value in config.values() if isinstance(config, dict) else config:
            check_composed(value, typed, source)


def _is_trusted(target: Any) -> bool:
    if not isinstance(target, str):
        return False
    package, _, name = target.rpartition(".")
    return target in _own_targets() or (package == "torch.optim" and name.isidentifier())


@cache
def _own_targets() -> frozenset[str]:
    """The ``_target_`` of every YAML in ``conf/``."""
    found: set[str] = set()

    def collect(node: Any) -> None:
        if isinstance(node, dict):
            if "_target_" in node:
                found.add(str(node["_target_"]))
            for value in node.values():
                collect(value)

    for path in CONF.rglob("*.yaml"):
        collect(OmegaConf.to_container(OmegaConf.load(path), resolve=False))
    return frozenset(found)
