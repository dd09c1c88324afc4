"""The benchmark of labels runs, and holds each way against exact sums."""

import json
import runpy
import statistics
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inr.mesh import Mesh, measure_topology, signed_volume, write_mesh
from tests.conftest import ROOT

pytest.importorskip("igl")
SCRIPT = ROOT / "scripts" / "benchmarks" / "labels.py"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the benchmark's file defines."""
    monkeypatch.syspath_prepend(SCRIPT.parent)
    return runpy.run_path(str(SCRIPT))


@pytest.fixture
def ball(script: dict[str, Any]) -> Mesh:
    """A small bumpy ball."""
    return script["make_mesh"](12)


def test_ways_take_turns_and_ours_are_right(
    script: dict[str, Any], ball: Mesh, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_mesh(tmp_path / "ball.ply", ball)
    path = tmp_path / "bench.json"
    arguments = ["labels", "--quick", "--json", str(path), "--mesh", str(tmp_path / "ball.ply")]
    monkeypatch.setattr(sys, "argv", arguments)
    script["main"]()
    occupancy, distance = json.loads(path.read_text())["tables"]
    for table, ways in ((occupancy, "OCCUPANCY"), (distance, "DISTANCE")):
        assert f"{len(ball.faces):,} faces" in table["title"]
        assert table["rows"][0][0] == "inr.mesh.Solid"
        assert {row[0] for row in table["rows"]} <= {way.name for way in script[ways]}
        assert table["rows"][0][2:] == [1.0, "0.00 %", "0.00 %", "0.00 %"]
        for name, took, ratio, *_ in table["rows"]:
            own, ours = table["seconds"][name], table["seconds"]["inr.mesh.Solid"]
            assert took == statistics.median(own)
            assert ratio == statistics.median(a / b for a, b in zip(own, ours, strict=True))
    # Plain winding numbers find nothing inside of what is inside out.
    others = {row[0]: row for row in occupancy["rows"]}
    assert float(others["libigl, fast winding numbers"][-1].split()[0]) > 20


def test_a_mesh_is_damaged_as_is_said(script: dict[str, Any], ball: Mesh) -> None:
    kinds = script["damage"](ball)
    assert measure_topology(kinds["as it is"]).genus == 0
    opened = kinds["open"]
    assert len(ball.faces) - len(opened.faces) == len(ball.faces) // 100
    assert measure_topology(opened).open_edges > 2
    assert signed_volume(kinds["inside out"].corners) == -signed_volume(ball.corners)


def test_points_are_near_and_far(script: dict[str, Any], ball: Mesh) -> None:
    from inr.mesh import Solid

    points = script["draw_points"](ball, 2000)
    distance = np.abs(Solid(ball).signed_distance(points))
    extent = float(np.ptp(ball.vertices, axis=0).max())
    assert 0.5 < (distance < 0.03 * extent).mean() < 0.75


def test_labels_of_either_kind_are_counted(script: dict[str, Any]) -> None:
    inside = np.array([True, True, False, False])
    assert script["wrong_share"](np.array([True, False, False, False]), inside) == "25.00 %"
    assert script["wrong_share"](np.array([-1.0, -0.1, 0.5, -2.0]), inside) == "25.00 %"
