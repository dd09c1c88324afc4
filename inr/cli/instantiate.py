"""Parts of the configuration as objects."""

from functools import partial
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from inr.cli.failure import BadInputError


def build(cfg: DictConfig, key: str, subject: str | None = None, **wired: Any) -> Any:
    """What a part of the configuration describes, with plain Python arguments.

    Raises:
        BadInputError: It cannot be built.
    """
    subject = subject or key
    node = cfg[key]
    if node is None or "_target_" not in node:
        raise BadInputError(f"{subject} is {node}; expected {subject}=NAME, see inr-fit --help.")
    try:
        return _undeferred(instantiate(node, _convert_="all", **wired))
    except InstantiationException as error:
        cause = error.__cause__ or error
        raise BadInputError(f"{subject}: {_concise(cause)}") from error
    except (MisconfigurationException, OSError, ValueError, TypeError, ImportError) as error:
        raise BadInputError(f"{subject}: {_concise(error)}") from error


def _undeferred(made: Any) -> Any:
    """A partial function as Python's own.

    Hydra's looks at each call whether it may, which takes longer than a small loss.
    """
    if all(hasattr(made, name) for name in ("func", "args", "keywords")):
        return partial(made.func, *made.args, **made.keywords)
    return made


def _concise(error: BaseException) -> str:
    """A message without Hydra's remark on where it was configured."""
    return str(error).split("\nfull_key:")[0]
