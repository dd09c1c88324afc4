"""A field from plain data that names its encoding and its network."""

import importlib
from typing import Any

import inr.encoding
import inr.network
from inr.encoding import Encoding
from inr.field.field import Field
from inr.network import Network

OWN = {"encoding": inr.encoding, "network": inr.network}


def build_field(
    model: dict[str, Any], in_features: int, out_features: int, *, trust: bool = False
) -> Field:
    """The field that a model describes, with weights as they are drawn at first.

    Args:
        model: ``encoding`` and ``network``, each with the name of its class as ``_target_`` and
            its options, as in ``conf/``.
        in_features: Coordinate dimension d.
        out_features: Value dimension c.
        trust: Whether classes outside of this package may be imported and called.

    Raises:
        ValueError: The model names another class, or the class does not take the options.
    """
    encoding: Encoding = _build("encoding", model, in_features, trust)
    network: Network = _build("network", model, encoding.out_features, out_features, trust)
    return Field(encoding, network)


def _build(family: str, model: dict[str, Any], *arguments: Any) -> Any:
    *sizes, trust = arguments
    options = {key: value for key, value in model[family].items() if not key.startswith("_")}
    make = _find(family, model[family]["_target_"], trust)
    try:
        return make(*sizes, **options)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{family}: {error}") from error


def _find(family: str, target: Any, trust: bool) -> Any:
    package, _, name = str(target).rpartition(".")
    own = OWN[family]
    if package == own.__name__ and name in own.__all__:
        return getattr(own, name)
    if not trust:
        raise ValueError(
            f"{family} is {target!r}, which is not a class of this package; expected a file that "
            "this package wrote, or trust=True for one of your own."
        )
    return getattr(importlib.import_module(package), name)
