"""A comparison of records tells weights, metrics, tags and files apart."""

import copy
import importlib.util
from typing import Any

import pytest

from tests.conftest import ROOT

SPEC = importlib.util.spec_from_file_location("record_runs", ROOT / "scripts" / "record_runs.py")
assert SPEC is not None and SPEC.loader is not None
record_runs = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(record_runs)

RECORD: dict[str, Any] = {
    "image": {
        "weights": {"field.safetensors": "ab12"},
        "metrics": {"psnr": 31.25, "steps": 24},
        "tags": ["scalars: psnr", "images: target"],
        "files": ["metrics.json", "field.safetensors"],
    }
}


def test_the_same_is_the_same() -> None:
    assert record_runs.compare(RECORD, copy.deepcopy(RECORD)) == ([], True)


@pytest.mark.parametrize(
    ("part", "value", "lines", "is_same"),
    [
        ("weights", {"field.safetensors": "ab13"}, 1, False),
        ("metrics", {"psnr": 31.25000000000001, "steps": 24}, 1, False),
        ("metrics", {"fidelity": 31.25, "steps": 24}, 2, False),
        ("tags", ["scalars: fidelity", "images: target"], 2, True),
        ("files", ["metrics.json", "field.safetensors", "picture.png"], 1, True),
    ],
    ids=["weight", "digit", "name", "tag", "file"],
)
def test_a_change_is_named(part: str, value: Any, lines: int, is_same: bool) -> None:
    after = copy.deepcopy(RECORD)
    after["image"][part] = value
    found, same = record_runs.compare(RECORD, after)
    assert len(found) == lines
    assert all(line.startswith(f"image: {part}") for line in found)
    assert same is is_same


def test_a_run_that_is_gone_is_a_difference() -> None:
    assert record_runs.compare(RECORD, {}) == (["image: only before"], False)
