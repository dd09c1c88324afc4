"""``inr.fit``: a run of ``inr-fit`` from Python."""

import logging
import os
import signal as signals
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from inr.argument import check_choice
from inr.cli.compose import compose_config, run_composed
from inr.cli.failure import BadInputError
from inr.cli.fit import check_unused
from inr.cli.override import CONF, expand_path, quote
from inr.cli.quiet import quiet_libraries
from inr.fitted import Fitted, load
from inr.signal import KINDS, as_array, find_array_kind

FAMILIES = sorted(path.name for path in CONF.iterdir() if path.is_dir())
HANDLED = [getattr(signals, name) for name in ("SIGINT", "SIGTERM") if hasattr(signals, name)]


def fit(
    source: Any,
    *,
    run_dir: str | os.PathLike[str] | None = None,
    rate: int | None = None,
    **options: Any,
) -> Fitted:
    """Fits a field to an array or a file.

    Args:
        source: Array of NumPy, PyTorch, Pillow or xarray; or the path of a file, as for
            ``inr-fit``.
        run_dir: Folder for all files of the run, which can then be watched and resumed; nothing is
            kept when None.
        rate: Samples or frames per second, of an array with a time axis.
        **options: The options of ``inr-fit``: a family with the name of a member
            (``encoding="gaussian"``); an option by its name (``scale=20``), or with its family
            (``**{"encoding.scale": 20}``) where several have one of that name.

    Returns:
        The fitted field, on the CPU.

    Raises:
        BadInputError: The source or an option cannot be used.
        RunFailedError: The training diverged.

    Example:
        >>> import numpy as np
        >>> import inr
        >>> image = np.linspace(0, 1, 64).reshape(8, 8)
        >>> fitted = inr.fit(image, max_steps=2, hidden_features=8)
        >>> fitted.render((16, 16)).shape
        (16, 16)
    """
    from inr.cli.build import build_parts
    from inr.cli.train import train

    with ExitStack() as stack:
        stack.enter_context(_undisturbed())
        quiet_libraries("inr.fit")
        if run_dir is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        else:
            folder = Path(run_dir).absolute()
            check_unused(folder)
        overrides = [f"{name}={value}" for name, value in options.items() if name in FAMILIES]
        if run_dir is None:
            overrides = ["callback=quiet", "logger=none", *overrides]
        if isinstance(source, str | os.PathLike):
            overrides = expand_path([os.fspath(source), *overrides])
        else:
            overrides = _with_array(source, overrides, folder, options.get("signal"), rate)
        overrides += _as_overrides(options, compose_config(overrides))
        cfg = compose_config([*overrides, f"hydra.run.dir={quote(folder)}"])
        parts = build_parts(cfg)
        run_composed(cfg, lambda job: train(job, parts, summarize=False))
        # The caller named every class in the configuration.
        return load(folder, trust=True)


def _with_array(
    source: Any, overrides: list[str], folder: Path, kind: str | None, rate: int | None
) -> list[str]:
    """Overrides that fit the file of an array."""
    try:
        array = as_array(source)
        kind = kind or find_array_kind(array)
        check_choice("signal", kind, KINDS)
        folder.mkdir(parents=True, exist_ok=True)
        path = KINDS[kind].write_array(array, folder, rate)
    except ValueError as error:
        raise BadInputError(str(error)) from error
    return expand_path([str(path), f"signal={kind}", *overrides])


def _as_overrides(options: dict[str, Any], known: DictConfig) -> list[str]:
    """Options of Python that are no families as those of the command line.

    Args:
        options: Values by name.
        known: Configuration with the chosen members.
    """
    return [
        f"{find_option(name, known)}={_as_text(value)}"
        for name, value in options.items()
        if name not in FAMILIES
    ]


def find_option(name: str, known: DictConfig) -> str:
    """An option with its family.

    Raises:
        BadInputError: No family has the option, or several have.
    """
    if "." in name or (name in known and not isinstance(known[name], DictConfig)):
        return name
    homes = [
        family
        for family in FAMILIES
        if isinstance(known.get(family), DictConfig) and name in known[family]
    ]
    if len(homes) == 1:
        return f"{homes[0]}.{name}"
    if not homes:
        raise BadInputError(f"{name} is not an option; inr-fit --cfg job shows all of them.")
    expected = " or ".join(f'"{home}.{name}"' for home in homes)
    raise BadInputError(f"{name} is an option of several families; expected {expected}.")


def _as_text(value: Any) -> str:
    """A value in Hydra's grammar."""
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_as_text, value))}]"
    if isinstance(value, os.PathLike):
        return quote(value)
    return OmegaConf.to_yaml(OmegaConf.create({"value": value})).partition(":")[2].strip()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Puts back what a run changes in its process: what a notebook does next is its own."""
    handlers = {number: signals.getsignal(number) for number in HANDLED}
    environment = dict(os.environ)
    matmul = torch.get_float32_matmul_precision()
    flushed = _flushes_denormals()
    levels = {name: logging.getLogger(name).level for name in logging.root.manager.loggerDict}
    root = list(logging.getLogger().handlers), logging.getLogger().level
    try:
        with warnings.catch_warnings(), torch.random.fork_rng():
            yield
    finally:
        for number, handler in handlers.items():
            if signals.getsignal(number) is not handler:
                signals.signal(number, handler)
        os.environ.clear()
        os.environ.update(environment)
        torch.set_float32_matmul_precision(matmul)
        torch.set_flush_denormal(flushed)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        logging.getLogger().handlers, logging.getLogger().level = root


def _flushes_denormals() -> bool:
    """Whether this thread's processor makes zeros of denormal numbers; PyTorch cannot be asked."""
    smallest = torch.finfo(torch.float64).tiny
    return bool(torch.tensor([smallest], dtype=torch.float64).mul(0.5).item() == 0)
