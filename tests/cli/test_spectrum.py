"""``inr-spectrum``: the spectrum of a saved run."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.conftest import Result


def test_json_is_the_callbacks_spectrum(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    folder = fit()
    result = run_command("inr-spectrum", folder, "--points", "32", "--json")
    assert result.status == 0, result.err
    spectrum = json.loads(result.out)
    probe = np.load(folder / "ntk" / "step=00000020.npz")
    assert spectrum["points"] == len(probe["coords"])
    assert np.allclose(spectrum["eigenvalues"], probe["eigenvalues"], rtol=1e-9)
    assert np.isclose(spectrum["trace"], probe["trace"])


def test_the_table_has_as_many_modes_as_asked_for(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    result = run_command("inr-spectrum", fit() / "checkpoints/last.ckpt", "--top", "3")
    assert result.status == 0, result.err
    assert "step              20" in result.out
    assert [line.split()[0] for line in result.out.splitlines()[-3:]] == ["1", "2", "3"]


def test_no_points_are_refused(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    result = run_command("inr-spectrum", fit(), "--points", "0")
    assert result.status == 2
    assert "expected 1 or more" in result.err
