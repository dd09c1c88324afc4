"""The members of a family, as its YAML files name them."""

from typing import Any

from hydra.utils import get_object
from omegaconf import OmegaConf

from tests.conftest import ROOT


def members(family: str) -> list[Any]:
    """Classes or functions that the files in ``conf/<family>`` name, in the files' order."""
    configs = (OmegaConf.load(path) for path in sorted((ROOT / "conf" / family).glob("*.yaml")))
    return [get_object(config._target_) for config in configs if "_target_" in config]
