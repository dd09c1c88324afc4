"""One name for a member of a family: in ``inr/``, ``conf/``, ``tests/`` and on the command line."""

import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

from inr.signal import KINDS
from tests.conftest import ROOT

FAMILIES = sorted(
    folder.name for folder in (ROOT / "conf").iterdir() if (ROOT / "inr" / folder.name).is_dir()
)


def modules(family: str) -> list[str]:
    """The members' files or folders; what begins with an underscore is shared by members."""
    return sorted(
        path.stem
        for path in (ROOT / "inr" / family).iterdir()
        if not path.stem.startswith("_") and (path.suffix == ".py" or path.is_dir())
    )


def home(family: str, name: str) -> str:
    """The module that defines a member."""
    return f"inr.{family}.{name}" + (".signal" if family == "signal" else "")


def configurations(family: str) -> list[str]:
    """The members' YAMLs; one without a target only groups others."""
    return sorted(
        path.stem
        for path in (ROOT / "conf" / family).glob("*.yaml")
        if "_target_" in OmegaConf.load(path)
    )


def load(family: str, name: str) -> DictConfig:
    config = OmegaConf.load(ROOT / "conf" / family / f"{name}.yaml")
    config = OmegaConf.merge({"seed": 0, "member": config})
    assert isinstance(config, DictConfig)
    return config.member


MEMBERS = [(family, name) for family in FAMILIES for name in configurations(family)]


def test_there_are_families() -> None:
    assert FAMILIES == [
        "callback",
        "encoding",
        "experiment",
        "loss",
        "network",
        "optimizer",
        "sampler",
        "scheduler",
        "signal",
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_file_has_a_yaml_and_every_yaml_a_file(family: str) -> None:
    assert modules(family) == configurations(family)


@pytest.mark.parametrize(("family", "name"), MEMBERS)
def test_every_member_has_a_test(family: str, name: str) -> None:
    folder = ROOT / "tests" / family
    assert (folder / f"test_{name}.py").is_file() or (folder / name / "test_signal.py").is_file()


@pytest.mark.parametrize(("family", "name"), MEMBERS)
def test_a_yaml_names_what_its_file_defines_and_the_family_exports(family: str, name: str) -> None:
    target = load(family, name)._target_
    package, _, attribute = target.rpartition(".")
    assert package == f"inr.{family}"
    assert attribute in importlib.import_module(package).__all__
    assert get_object(target).__module__ == home(family, name)


def test_every_kind_of_signal_is_offered_paths() -> None:
    assert sorted(KINDS) == configurations("signal")


@pytest.mark.parametrize(("family", "name"), MEMBERS)
def test_a_yaml_has_every_option_with_its_default(family: str, name: str) -> None:
    config = load(family, name)
    options = {
        parameter.name: parameter.default
        for parameter in inspect.signature(get_object(config._target_)).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    assert options.keys() == {
        key for key in config if not str(key).startswith("_") and key != "defaults"
    }
    for key, default in options.items():
        if default is inspect.Parameter.empty:
            assert OmegaConf.is_missing(config, key), key
        else:
            value: Any = config[key]
            plain = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
            assert plain == (list(default) if isinstance(default, tuple) else default), key


@pytest.mark.parametrize(("family", "name"), MEMBERS)
def test_every_option_is_explained_in_its_yaml(family: str, name: str) -> None:
    path: Path = ROOT / "conf" / family / f"{name}.yaml"
    for line in path.read_text().splitlines():
        if not line.startswith(("_target_", "_partial_", "#", "defaults:", "  - ")):
            assert "#" in line, f"{path.name}: {line}"
