"""``inr-spectrum``: the spectrum of a saved run."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from inr.cli.saved_run import load_run
from inr.field.infinite_ntk import infinite_ntk_of
from inr.lattice import lattice_points, sublattice
from inr.ntk import empirical_ntk
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
    assert spectrum["step"] == 20
    assert np.allclose(spectrum["eigenvalues"], probe["eigenvalues"], rtol=1e-9)
    assert np.isclose(spectrum["trace"], probe["trace"])


def test_the_table_has_as_many_modes_as_asked_for(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    result = run_command("inr-spectrum", fit() / "checkpoints/last.ckpt", "--top", "3")
    assert result.status == 0, result.err
    assert "step                20" in result.out
    assert [line.split()[0] for line in result.out.splitlines()[-3:]] == ["1", "2", "3"]


def test_no_points_are_rejected(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    result = run_command("inr-spectrum", fit(), "--points", "0")
    assert result.status == 2
    assert "expected 1 or more" in result.err


def test_leading_eigenvalues_of_the_whole_lattice_come_with_their_residuals(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    folder = fit("signal.size=[72,64]", "trainer.max_steps=2")
    result = run_command("inr-spectrum", folder, "--points", "all", "--top", "4", "--json")
    assert result.status == 0, result.err
    # One object, and nothing else.
    spectrum = json.loads(result.out)
    assert (spectrum["points"], spectrum["rows"], spectrum["method"]) == (4608, 4608, "lanczos")
    values, residuals = np.array(spectrum["eigenvalues"]), np.array(spectrum["residuals"])
    assert len(values) == len(residuals) == 4
    assert np.all(residuals <= 1e-3 * values)
    field = load_run(str(folder)).field
    kernel = empirical_ntk(field, lattice_points((72, 64)), outputs="mean").double()
    assert np.allclose(values, torch.linalg.eigvalsh(kernel).flip(0)[:4], rtol=1e-3)
    assert np.isclose(spectrum["trace"], kernel.trace())
    # Four are too few for it.
    assert "falloff_exponent" not in spectrum
    table = run_command("inr-spectrum", folder, "--points", "all", "--top", "4")
    assert "residual" in table.out
    assert [line.split()[0] for line in table.out.splitlines()[-4:]] == ["1", "2", "3", "4"]


def test_the_density_comes_with_its_band(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    folder = fit()
    exact = json.loads(run_command("inr-spectrum", folder, "--json").out)["eigenvalues"]
    result = run_command("inr-spectrum", folder, "--density", "--json")
    assert result.status == 0, result.err
    found = json.loads(result.out)
    assert found["method"] == "quadrature"
    assert len(found["eigenvalues"]) == found["rows"] == len(exact) == 384
    lower, upper = np.array(found["band"])
    # Those that stand alone lie in gaps, where it has steps and no width.
    inside = (lower[5:] <= exact[5:]) & (exact[5:] <= upper[5:])
    assert inside.mean() > 0.8
    table = run_command("inr-spectrum", folder, "--density", "--top", "6").out
    assert "95 % band" in table
    modes = [int(line.split()[0]) for line in table.splitlines()[-6:]]
    assert modes[0] == 1 and modes[-1] == 384
    # Its first eigenvalues are rough: nothing is made of them.
    assert "lambda_max" not in found and "max_lr" not in found
    single = run_command("inr-spectrum", folder, "--density", "--top", "1").out
    assert single.splitlines()[-1].split()[0] == "1"


def test_pairs_of_outputs_make_a_larger_kernel(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    folder = fit()
    rows = {}
    for outputs in ("mean", "full", "2"):
        result = run_command(
            "inr-spectrum", folder, "--points", "32", "--outputs", outputs, "--json"
        )
        found = json.loads(result.out)
        rows[outputs] = found["rows"]
        assert len(found["eigenvalues"]) == found["rows"]
        assert str(found["outputs"]) == outputs
    assert rows["full"] == 3 * rows["mean"] == 3 * rows["2"]


def test_a_run_without_metrics_has_no_step(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    folder = fit()
    for content in ("{", "[]", '{"steps": "many"}'):
        (folder / "metrics.json").write_text(content)
        found = json.loads(run_command("inr-spectrum", folder, "--points", "8", "--json").out)
        assert found["step"] is None
    assert "step" not in run_command("inr-spectrum", folder, "--points", "8").out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--points", "some"), "--points is some; expected 1 or more, or all"),
        (("--top", "0"), "--top is 0; expected 1 or more"),
        (("--outputs", "3"), "outputs is 3; expected full, mean or a number below 3"),
        (("--outputs", "both"), "outputs is 'both'; expected full, mean or a number below 3"),
    ],
)
def test_bad_arguments_are_one_line(
    fit: Callable[..., Path],
    run_command: Callable[..., Result],
    arguments: tuple[str, str],
    sentence: str,
) -> None:
    result = run_command("inr-spectrum", fit(), *arguments)
    assert result.status == 2
    assert sentence in result.err
    assert result.err.count("\n") == 1


def test_infinite_width_is_beside_it(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    options = ["network.hidden_features=512", "network.parameterization=ntk", "optimizer.lr=1e-9"]
    folder = fit(*options, "trainer.max_steps=1")
    for outputs, copies in (("mean", 1), ("full", 3)):
        options = ["--points", "32", "--infinite", "--outputs", outputs]
        result = run_command("inr-spectrum", folder, *options, "--json")
        assert result.status == 0, result.err
        found = json.loads(result.out)
        field = load_run(str(folder)).field.double()
        coords = lattice_points((16, 24), sublattice((16, 24), 32)[0], dtype=torch.float64)
        limit = infinite_ntk_of(field, coords).ntk
        expected = torch.linalg.eigvalsh(limit).flip(0).repeat_interleave(copies)
        assert np.allclose(found["infinite_eigenvalues"], expected, rtol=1e-6)
        # A network of 512 neurons is near, and no copy.
        assert 1e-3 < found["distance_from_infinite"] < 0.3
        assert found["eigenvalues"][0] == pytest.approx(expected[0].item(), rel=0.2)
        table = run_command("inr-spectrum", folder, *options, "--top", "2")
        assert table.out.splitlines()[-1].split()[2] == f"{expected[1].item():.6g}"


@pytest.mark.parametrize(
    ("overrides", "options", "sentence"),
    [
        ([], ["--density"], "expected at most 4096, and no --density"),
        (["network.output_activation=sigmoid"], [], "--infinite: "),
    ],
)
def test_what_has_no_limit_is_rejected(
    fit: Callable[..., Path],
    run_command: Callable[..., Result],
    overrides: list[str],
    options: list[str],
    sentence: str,
) -> None:
    result = run_command("inr-spectrum", fit(*overrides), "--infinite", *options)
    assert result.status == 2
    assert sentence in result.err
    assert len(result.err.splitlines()) <= 2
