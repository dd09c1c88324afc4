"""Parts of the configuration as objects."""

import re
from functools import partial
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from inr.cli.failure import BadInputError


def build(cfg: DictConfig, key: str, subject: str | None = None, **wired: Any) -> Any:
    """The object that a part of the configuration describes, with plain Python arguments.

    Raises:
        BadInputError: The object cannot be built.
    """
    subject = subject or key
    node = cfg[key]
    if node is None or "_target_" not in node:
        raise BadInputError(f"{subject} is {node}; expected {subject}=NAME, see inr-fit --help.")
    try:
        return _undeferred(instantiate(node, _convert_="all", **wired))
    except InstantiationException as error:
        cause = error.__cause__ or error
        raise BadInputError(_describe(cause, subject, node)) from error
    except (MisconfigurationException, OSError, ValueError, TypeError, ImportError) as error:
        raise BadInputError(_describe(error, subject, node)) from error


def _undeferred(made: Any) -> Any:
    """A partial function as Python's own.

    Hydra's checks its target at each call, which takes longer than a small loss.
    """
    if all(hasattr(made, name) for name in ("func", "args", "keywords")):
        return partial(made.func, *made.args, **made.keywords)
    return made


def _describe(error: BaseException, subject: str, node: DictConfig) -> str:
    """A message with the options of a part as they are typed: ``signal.size=`` for ``size=``."""
    # Without Hydra's remark on where it was configured.
    message = str(error).split("\nfull_key:")[0]
    options = [re.escape(str(name)) for name in node if not str(name).startswith("_")]
    if options:
        message = re.sub(rf"(?<![\w.])({'|'.join(options)})(?==)", rf"{subject}.\1", message)
    return f"{subject}: {message}"
