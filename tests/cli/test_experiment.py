"""Experiments that make their own data, from the command line."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
from matplotlib.figure import Figure

from inr.experiment import Experiment, Findings
from tests.callback.events import read_events
from tests.conftest import ROOT, Result

OWN = sorted(path.stem for path in (ROOT / "conf" / "experiment").glob("*.yaml"))
SMALL = ["experiment.widths=[8,32]", "experiment.num_networks=50", "experiment.num_points=3"]


def test_there_are_experiments() -> None:
    assert OWN == ["lazy", "nngp", "ntk_1d", "ntk_1d_scale", "overparameterized", "spectral_bias"]


def test_an_experiment_writes_its_findings(run_command: Callable[..., Result]) -> None:
    result = run_command("inr-fit", "experiment=nngp", *SMALL, "hydra.run.dir=a run")
    assert result.status == 0, result.err
    folder = Path("a run")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics
    assert all(isinstance(value, float | int) for value in metrics.values())
    for key in metrics:
        assert key in result.out
    assert len(np.load(folder / "findings.npz").files) > 0
    picture = imageio.imread(folder / "nngp.png")
    assert picture.shape[1] > 600
    assert picture[..., :3].std() > 0
    events = read_events(folder)
    assert "nngp" in events.Tags()["images"]
    assert any(tag.startswith("nngp/") for tag in events.Tags()["scalars"])
    assert len(result.err.splitlines()) >= 1


def test_its_folder_has_its_name(run_command: Callable[..., Result]) -> None:
    result = run_command("inr-fit", "experiment=nngp", *SMALL, "logger=csv")
    assert result.status == 0, result.err
    (folder,) = Path("runs").glob("nngp/*")
    assert (folder / "csv" / "metrics.csv").is_file()


@pytest.mark.parametrize("override", ["encoding.scale=3", "ckpt_path=x", "trainer.max_steps=3"])
def test_what_has_no_effect_is_rejected(run_command: Callable[..., Result], override: str) -> None:
    result = run_command("inr-fit", "experiment=nngp", override)
    assert result.status == 2
    assert result.err.startswith(f"inr-fit: {override} has no effect: this experiment has its own")
    assert len(result.err.splitlines()) == 1
    assert not Path("runs").exists()


def test_a_picture_is_none_of_its_business(run_command: Callable[..., Result]) -> None:
    result = run_command("inr-fit", "photo.png", "experiment=nngp")
    assert result.status == 2
    assert "photo.png has no effect" in result.err


def test_a_wrong_option_is_named(run_command: Callable[..., Result]) -> None:
    result = run_command("inr-fit", "experiment=nngp", "experiment.width=3")
    assert result.status == 2
    assert "experiment.width is not an option; expected one of" in result.err
    result = run_command("inr-fit", "experiment=nngp", "experiment.widths=[8,0]")
    assert result.status == 2
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("lazy", "widths"),
        ("ntk_1d", "amplitude_powers"),
        ("ntk_1d_scale", "signal_powers"),
        ("spectral_bias", "frequencies"),
    ],
)
@pytest.mark.parametrize("value", ["64", "null"])
def test_one_number_is_no_list(
    run_command: Callable[..., Result], name: str, option: str, value: str
) -> None:
    result = run_command("inr-fit", f"experiment={name}", f"experiment.{option}={value}")
    assert result.status == 2
    assert result.err.startswith(f"inr-fit: experiment: {option} is ")
    assert "expected a list" in result.err


@pytest.mark.parametrize("name", ["ntk_1d", "ntk_1d_scale"])
def test_a_rate_that_diverges_is_rejected_with_what_would_not(
    run_command: Callable[..., Result], name: str
) -> None:
    options = [f"experiment={name}", "experiment.hidden_features=16", "experiment.steps=3"]
    options += {
        "ntk_1d": ["experiment.amplitude_powers=[0.0]"],
        "ntk_1d_scale": ["experiment.num_draws=1", "experiment.num_networks=1"],
    }[name]
    rejected = run_command("inr-fit", *options, "experiment.lr=1e6")
    assert rejected.status == 1
    found = re.search(r"diverges at lr=1e\+06; expected less than ([\d.]+)\.$", rejected.err)
    assert found is not None, rejected.err
    beyond = run_command("inr-fit", *options, f"experiment.lr={1.02 * float(found[1])}")
    assert beyond.status == 1
    if name == "ntk_1d":
        # In the other one, the next frequencies may allow less.
        within = run_command("inr-fit", *options, f"experiment.lr={0.98 * float(found[1])}")
        assert within.status == 0, within.err


def test_an_earlier_run_is_not_overwritten(run_command: Callable[..., Result]) -> None:
    Path("run").mkdir()
    Path("run", "metrics.json").write_text("{}")
    result = run_command("inr-fit", "experiment=nngp", "hydra.run.dir=run")
    assert result.status == 2
    assert Path("run", "metrics.json").read_text() == "{}"


def test_a_sweep_runs_each(run_command: Callable[..., Result]) -> None:
    result = run_command(
        "inr-fit", "-m", "experiment=nngp", *SMALL, "seed=1,2", "hydra.sweep.dir=sweep"
    )
    assert result.status == 0, result.err
    found = [json.loads(path.read_text()) for path in Path("sweep").glob("*/metrics.json")]
    assert len(found) == 2
    assert found[0] != found[1]


def test_numbers_that_do_not_work_out_end_the_run_in_one_line(
    run_command: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Experiment, progress: object) -> None:
        raise ValueError("the kernel is not finite.")

    monkeypatch.setattr("inr.experiment.NngpExperiment.run", fail)
    result = run_command("inr-fit", "experiment=nngp", "hydra.run.dir=run")
    assert result.status == 1
    assert result.err == "inr-fit: experiment=nngp: the kernel is not finite.\n"


def test_what_was_not_measured_is_written_nowhere(
    run_command: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(self: Experiment, progress: object) -> Findings:
        curve = np.array([1, 2, 3]), np.array([0.5, np.nan, 0.25])
        metrics = {"slope": -0.5, "lost": np.nan, "endless": np.inf}
        return Findings(metrics, {"widths": curve[0]}, {"curve": curve}, Figure())

    monkeypatch.setattr("inr.experiment.NngpExperiment.run", find)
    result = run_command("inr-fit", "experiment=nngp", "hydra.run.dir=run")
    assert result.status == 0, result.err
    assert json.loads(Path("run", "metrics.json").read_text()) == {"slope": -0.5}
    points = read_events(Path("run")).Scalars("nngp/curve")
    assert [(point.step, point.value) for point in points] == [(1, 0.5), (3, 0.25)]


def test_too_little_memory_is_said_in_one_line(
    run_command: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Experiment, progress: object) -> None:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr("inr.experiment.NngpExperiment.run", fail)
    result = run_command("inr-fit", "experiment=nngp", "hydra.run.dir=run")
    assert result.status == 1
    assert result.err.startswith("inr-fit: experiment=nngp needs more memory than there is")
    result = run_command("inr-fit", "experiment=ntk_1d", "experiment.num_points=100000")
    assert result.status == 2
    assert "expected at most 16384" in result.err


def test_a_sweep_over_experiments_says_how_to_set_a_option(
    run_command: Callable[..., Result],
) -> None:
    result = run_command("inr-fit", "-m", "experiment=lazy,nngp", "experiment.widths=[4,8]")
    assert result.status == 2
    assert "type ++experiment.widths" in result.err
