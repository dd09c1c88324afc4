"""The command line as Hydra's overrides."""

import os
import re
from pathlib import Path

import yaml

import inr

PACKAGE = Path(inr.__file__).parent


def shipped(folder: str) -> Path:
    """A folder installed with the package: inside it in a wheel, beside it in a checkout."""
    inside = PACKAGE / folder
    return inside if inside.is_dir() else PACKAGE.parent / folder


CONF = shipped("conf")
DATA = shipped("data")
FLAGS_WITH_VALUE = (
    *("--cfg", "-c", "--package", "-p", "--config-path", "-cp", "--config-name", "-cn"),
    *("--config-dir", "-cd", "--experimental-rerun"),
)
INFO_TOPICS = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
OWN_DATA_KEYS = ("experiment", "seed", "logger", "hydra")
PATHS = ("signal.path", "hydra.run.dir", "hydra.sweep.dir")


def quote(value: str | os.PathLike[str]) -> str:
    """A string as a value in Hydra's grammar, whatever characters it has but ``${``."""
    text = re.sub(r"(\\*)'", lambda match: 2 * match[1] + r"\'", os.fspath(value))
    text = re.sub(r"(\\+)$", lambda match: 2 * match[1], text)
    return f"'{text}'"


def split_flags(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Hydra's own options with their values, and the rest: Hydra wants them in that order."""
    flags: list[str] = []
    rest: list[str] = []
    previous = ""
    for argument in arguments:
        is_value = previous in FLAGS_WITH_VALUE or (
            previous in ("--info", "-i") and argument in INFO_TOPICS
        )
        (flags if argument.startswith("-") or is_value else rest).append(argument)
        previous = "" if is_value else argument
    return flags, rest


def expand_path(overrides: list[str]) -> list[str]:
    """Turns a leading ``PATH`` into ``signal=... signal.path=...``, or fits the sample.

    Args:
        overrides: The command line, without the program and its flags.
    """
    rest = [quote_path(override) for override in overrides]
    if asks_for_experiment(rest):
        return rest
    # Loads PyTorch, which help does without.
    from inr.signal import KINDS, find_kind

    kind = kind_of(rest)
    if overrides and ("=" not in overrides[0] or Path(overrides[0]).exists()):
        path, rest = Path(overrides[0]).resolve(), rest[1:]
        if kind is None:
            kind = find_kind(path)
            rest.append(f"signal={kind}")
        for option, value in KINDS[kind].file_options.items() if kind in KINDS else ():
            if not has_key(rest, f"signal.{option}"):
                rest.append(f"signal.{option}={value}")
        return [*rest, f"signal.path={quote(path)}"]
    sample = KINDS[kind or "image"].sample if (kind or "image") in KINDS else None
    if sample is None or has_key(rest, "signal.path") or has_key(rest, "ckpt_path"):
        return rest
    return [*rest, f"signal.path={quote(DATA / sample)}"]


def kind_of(overrides: list[str]) -> str | None:
    """The signal that overrides choose, by its name or by that of a protocol."""
    typed = last_value(overrides, "signal")
    if typed is not None:
        return typed
    protocol = last_value(overrides, "protocol")
    return protocol and signal_of(protocol.split(",")[0])


def signal_of(protocol: str) -> str | None:
    """The signal that a protocol chooses, itself or by another that it is made of."""
    path = CONF / "protocol" / f"{protocol}.yaml"
    if not path.is_file():
        return None
    for entry in yaml.safe_load(path.read_text()).get("defaults", ()):
        signal = signal_of(entry) if isinstance(entry, str) else entry.get("override /signal")
        if signal is not None:
            return str(signal)
    return None


def last_value(overrides: list[str], key: str) -> str | None:
    """The value that the last override of a key sets."""
    values = [o.partition("=")[2] for o in overrides if key_of(o) == key and "=" in o]
    return values[-1] if values else None


def asks_for_experiment(overrides: list[str]) -> bool:
    """Whether an experiment is chosen, which has its own data, networks and training."""
    names = (last_value(overrides, "experiment") or "").split(",")
    return any((CONF / "experiment" / f"{name}.yaml").is_file() for name in names)


def without_effect(overrides: list[str]) -> list[str]:
    """The overrides that have no effect on an experiment, which has its own data."""
    return [o for o in overrides if key_of(o).partition(".")[0] not in OWN_DATA_KEYS]


def quote_path(argument: str) -> str:
    """An override that sets a path, with quotes if it has none: for spaces and equal signs.

    The signal's is made absolute, so that a run can be resumed from anywhere.
    """
    key, _, value = argument.partition("=")
    is_plain = not value.startswith(("'", '"')) and "${" not in value and "," not in value
    if key not in PATHS or not value or not is_plain:
        return argument
    return f"{key}={quote(Path(value).resolve() if key == 'signal.path' else value)}"


def key_of(override: str) -> str:
    """The key that an override sets: ``encoding.scale`` of ``++encoding.scale=3``."""
    return override.lstrip("+~").partition("=")[0].partition("@")[0]


def has_key(overrides: list[str], key: str) -> bool:
    """Whether one of the overrides sets ``key``."""
    return any(key_of(override) == key for override in overrides if not override.startswith("-"))


def merge(recorded: list[str], typed: list[str]) -> list[str]:
    """Overrides of an earlier run, then those typed now; of one key, only the typed one."""
    keys = {key_of(override) for override in typed if not override.startswith("-")}
    return [override for override in recorded if key_of(override) not in keys] + typed
