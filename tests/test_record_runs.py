"""Records of runs tell a changed number from a changed name."""

import copy
import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

SCRIPT = ROOT / "scripts" / "record_runs.py"
RECORD: dict[str, Any] = {
    "image": {
        "weights": {"field.safetensors": "12ab"},
        "metrics": {"psnr": 20.5, "loss": 0.01, "chamfer": float("nan"), "steps": 24},
        "tags": ["tensorboard scalars: loss", "tensorboard scalars: psnr"],
        "files": ["metrics.json", "tensorboard/events.out"],
    }
}


@pytest.fixture
def record() -> dict[str, Any]:
    """A record to be changed."""
    return copy.deepcopy(RECORD)


@pytest.fixture
def compare(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Any:
    """Compares ``RECORD`` with another by the script; returns its exit status and its lines."""

    def run(after: dict[str, Any]) -> tuple[object, list[str]]:
        paths = [tmp_path / "before.json", tmp_path / "after.json"]
        for path, content in zip(paths, (RECORD, after), strict=True):
            path.write_text(json.dumps(content))
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), "--compare", *map(str, paths)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(SCRIPT), run_name="__main__")
        return ended.value.code, capsys.readouterr().out.splitlines()

    return run


def test_a_record_is_the_same_as_itself(compare: Any, record: dict[str, Any]) -> None:
    assert compare(record) == (0, ["no differences"])


def test_changed_weights_are_told(compare: Any, record: dict[str, Any]) -> None:
    record["image"]["weights"]["field.safetensors"] = "34cd"
    assert compare(record) == (1, ['image: weights: field.safetensors: "12ab" -> "34cd"'])


def test_the_last_bit_of_a_metric_is_told_under_a_renamed_tag(
    compare: Any, record: dict[str, Any]
) -> None:
    record["image"]["metrics"]["psnr"] = 20.500000000000004
    record["image"]["tags"][1] = "tensorboard scalars: quality"
    assert compare(record) == (
        1,
        [
            "image: metrics: psnr: 20.5 -> 20.500000000000004",
            "image: tags: - tensorboard scalars: psnr",
            "image: tags: + tensorboard scalars: quality",
        ],
    )


def test_a_renamed_metric_is_not_a_changed_one(compare: Any, record: dict[str, Any]) -> None:
    metrics = record["image"]["metrics"]
    metrics["test_psnr"] = metrics.pop("psnr")
    metrics["error"] = 2 * metrics.pop("loss")
    assert compare(record) == (
        1,
        [
            "image: metrics: renamed: psnr -> test_psnr: 20.5",
            "image: metrics: - loss: 0.01",
            "image: metrics: + error: 0.02",
        ],
    )


def test_names_of_tags_and_files_alone_are_no_failure(compare: Any, record: dict[str, Any]) -> None:
    record["image"]["tags"].pop()
    record["image"]["files"].append("ntk.png")
    assert compare(record) == (
        0,
        ["image: tags: - tensorboard scalars: psnr", "image: files: + ntk.png"],
    )


def test_a_missing_run_is_told(compare: Any, record: dict[str, Any]) -> None:
    record["volume"] = record.pop("image")
    assert compare(record) == (1, ["image: only before", "volume: only after"])


def test_type_and_shape_of_an_array_are_in_its_hash() -> None:
    import numpy as np

    hash_arrays = runpy.run_path(str(SCRIPT))["hash_arrays"]
    row = np.zeros(4, dtype=np.float32)
    hashes = [
        hash_arrays(arrays)
        for arrays in ({"a": row}, {"b": row}, {"a": row[:, None]}, {"a": row.view(np.int32)})
    ]
    assert len(set(hashes)) == 4
    assert hash_arrays({"a": row, "b": row}) == hash_arrays({"b": row, "a": row})
