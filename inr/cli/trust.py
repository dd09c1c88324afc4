"""Which classes a configuration that came with a run may name."""

from functools import cache
from typing import Any

from omegaconf import OmegaConf

from inr.cli.failure import BadInputError
from inr.cli.override import CONF


def check_targets(config: Any, source: str) -> None:
    """Refuses a configuration that names anything but the project's own classes.

    A run directory or a checkpoint is data that somebody may have sent: building what it names
    must not run code that it chose.

    Args:
        config: Plain data.
        source: Where it came from, for the message.

    Raises:
        BadInputError: It names a class outside ``conf/`` that is no ``torch.optim`` optimizer.
    """
    if isinstance(config, dict):
        for key, value in config.items():
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
