"""Overrides to a configuration, with errors that say what to type."""

import difflib
import re
from collections.abc import Callable
from typing import Any

from hydra import compose, initialize_config_dir
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.utils import run_job
from hydra.errors import HydraException, OverrideParseException
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from inr.cli.failure import BadInputError
from inr.cli.override import CONF


def register_resolvers() -> None:
    """Makes ``${stem:...}`` and ``${job_name:...}`` of ``conf/config.yaml`` known."""
    OmegaConf.register_new_resolver("stem", _stem, replace=True)
    OmegaConf.register_new_resolver("job_name", _job_name, replace=True)


def compose_config(overrides: list[str]) -> DictConfig:
    """The configuration of a single run, Hydra's own part included.

    Raises:
        BadInputError: An override does not fit.
    """
    register_resolvers()
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            return compose("config", overrides, return_hydra_config=True)
    except (HydraException, OmegaConfBaseException, ValueError, TypeError) as error:
        raise BadInputError(explain(error, overrides)) from error


def run_composed(cfg: DictConfig, task: Callable[[DictConfig], Any]) -> Any:
    """Runs a task in the directory of its run, as Hydra runs one job.

    Hydra's own entry point composes the configuration and makes the directory in one call, which
    leaves no place to read and build everything before anything is written.

    Args:
        cfg: Configuration with Hydra's own part.
        task: Function of the configuration without that part.

    Returns:
        The task's result.
    """
    failures: list[Exception] = []

    def guarded(job: DictConfig) -> Any:
        try:
            return task(job)
        except Exception as error:
            # Hydra would print a line of its own.
            failures.append(error)
            return None

    with initialize_config_dir(str(CONF), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        context = HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks(cfg))
        job = run_job(
            task_function=guarded,
            config=cfg,
            job_dir_key="hydra.run.dir",
            job_subdir_key=None,
            hydra_context=context,
        )
    if failures:
        raise failures[0]
    return job.return_value


def explain(error: Exception, overrides: list[str]) -> str:
    """One sentence on the mistake in the overrides."""
    text = str(error)
    if match := re.search(r"Could not override '([^']+)'", text):
        return _explain_unknown_key(match[1].lstrip("+~"), overrides)
    if match := re.search(r"Could not find '([^']+)/([^'/]+)'", text):
        family, name = match[1], match[2]
        options = sorted(
            path.stem for path in (CONF / family).glob("*.yaml") if path.stem != "default"
        )
        return f"{family}={name} is unknown; expected one of {', '.join(options)}." + _suggest(
            name, options
        )
    if match := re.search(r"Could not override '?([^'\s]+)'?\.\s*No match in the defaults", text):
        return f"{match[1]} is not a family; expected one of {', '.join(_families())}."
    if isinstance(error, OverrideParseException):
        return f"{error.override} is not understood; expected PATH first, then KEY=VALUE."
    cause = error.__cause__
    detail = f": {cause}" if cause is not None and str(cause) not in text else ""
    return " ".join(f"{text}{detail}".split())


def _explain_unknown_key(key: str, overrides: list[str]) -> str:
    parent, _, name = key.rpartition(".")
    others = [override for override in overrides if key not in override]
    try:
        known = compose_config(others) if others != overrides else None
    except BadInputError:  # The others are a sweep, or wrong, too.
        known = compose_config(["signal.path=x"])
    node = known and (OmegaConf.select(known, parent) if parent else known)
    if parent == "experiment" and not isinstance(node, DictConfig):
        return (
            f"{key} needs an experiment with data of its own; in a sweep over them, type ++{key}."
        )
    if not isinstance(node, DictConfig):
        return f"{key} is not an option, nor is {parent}; inr-fit --cfg job shows all of them."
    options = [str(k) for k in node if not str(k).startswith("_") and k != "hydra"]
    expected = f"expected one of {', '.join(options)}." if options else f"{parent} has none."
    return f"{key} is not an option; {expected}{_suggest(name, options)}"


def _suggest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {close[0]}?" if close else ""


def _families() -> list[str]:
    return sorted(path.name for path in CONF.iterdir() if path.is_dir())


def _stem(path: str | None, *, _root_: DictConfig) -> str:
    """A file's name without its suffix, fit for a folder's name; of a formula, its kind."""
    if path is None:
        path = OmegaConf.select(_root_, "signal.kind")
    name = re.split(r"[/\\]", str(path))[-1].removesuffix(".gz")
    return re.sub(r"[^\w.-]+", "_", name.rpartition(".")[0] or name).strip("._") or "signal"


def _job_name(number: int, overrides: str) -> str:
    """A sweep's folder for one job, which TensorBoard shows as the run's name."""
    return f"{number}_" + re.sub(r"[^\w.=,-]+", "_", str(overrides))[:100]
