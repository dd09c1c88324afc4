"""A resumed run ends as one that was never stopped, bit for bit."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.conftest import TINY, Result, read_metrics, start

STEPS = 400
LONG = [
    *TINY,
    f"trainer.max_steps={STEPS}",
    "callback.checkpoint.every_n_steps=50",
    "callback.progress.lines=40",
    "sampler.batch_size=100",
]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """As in the processes: the number of threads decides the order of sums."""
    torch.set_num_threads(1)


@pytest.fixture
def whole_run(run_command: Callable[..., object], tmp_path: Path) -> Path:
    """A run that nothing stopped."""
    folder = tmp_path / "whole"
    run_command("inr-fit", *LONG, f"hydra.run.dir={folder}")
    return folder


def stop_midway(folder: Path, number: int, *overrides: str) -> tuple[int, int]:
    """Kills a run after its first checkpoint; returns its exit status and the step it reached."""
    process = start(*LONG, *overrides, f"hydra.run.dir={folder}", cwd=folder.parent)
    checkpoint = folder / "checkpoints" / "last.ckpt"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    os.kill(process.pid, number)
    try:
        process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, torch.load(checkpoint, weights_only=True)["global_step"]


def assert_same_results(first: Path, second: Path) -> None:
    assert read_metrics(first) == read_metrics(second)
    weights, others = (load_file(folder / "field.safetensors") for folder in (first, second))
    assert all(torch.equal(weights[name], others[name]) for name in weights)
    states = [
        torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
        for folder in (first, second)
    ]
    moments = [state["optimizer_states"][0]["state"] for state in states]
    for parameter, values in moments[0].items():
        for name, value in values.items():
            assert torch.equal(value, moments[1][parameter][name]), name
    groups = [state["optimizer_states"][0]["param_groups"] for state in states]
    assert groups[0] == groups[1]
    last = f"ntk/step={STEPS:08d}.npz"
    spectra = [np.load(folder / last)["eigenvalues"] for folder in (first, second)]
    assert np.array_equal(*spectra)


@pytest.mark.parametrize(
    ("number", "status"),
    [
        (signal.SIGINT, 130),
        (signal.SIGTERM, 143),
        (signal.SIGKILL, -signal.SIGKILL),
    ],
    ids=["ctrl-c", "terminate", "kill"],
)
def test_a_stopped_run_resumes_exactly(
    number: int,
    status: int,
    whole_run: Path,
    run_command: Callable[..., object],
    tmp_path: Path,
) -> None:
    returned, step = stop_midway(tmp_path / "stopped", number)
    assert returned == status
    assert 50 <= step < STEPS, "the run was not stopped midway"
    resumed = tmp_path / "resumed"
    run_command("inr-fit", f"ckpt_path={tmp_path / 'stopped'}", f"hydra.run.dir={resumed}")
    assert_same_results(whole_run, resumed)


def test_ctrl_c_has_its_status_without_the_callback(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    status, _ = stop_midway(folder, signal.SIGINT, "callback.interruption=null")
    assert status == 130


def test_a_run_does_not_go_back(
    fit: Callable[..., Path], run_command: Callable[..., object]
) -> None:
    result = run_command("inr-fit", f"ckpt_path={fit()}", "trainer.max_steps=10")
    assert result.status == 2
    assert "is at step 20" in result.err


def test_termination_is_no_success_without_the_callback(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    status, _ = stop_midway(folder, signal.SIGTERM, "callback.interruption=null")
    assert status == 143
    assert not (folder / "metrics.json").exists()


def test_a_run_resumes_in_its_own_directory_and_beyond_its_end(
    fit: Callable[..., Path], run_command: Callable[..., object]
) -> None:
    folder = fit("scheduler=constant")
    whole = fit("scheduler=constant", "trainer.max_steps=30", name="whole")
    result = run_command(
        "inr-fit", f"ckpt_path={folder}", "trainer.max_steps=30", f"hydra.run.dir={folder}"
    )
    assert result.status == 0, result.err
    assert read_metrics(folder) == read_metrics(whole)


def test_typed_overrides_win_over_recorded_ones(
    fit: Callable[..., Path], run_command: Callable[..., object], tmp_path: Path
) -> None:
    folder = fit()
    result = run_command(
        "inr-fit",
        f"ckpt_path={folder}",
        "network.hidden_features=17",
        f"hydra.run.dir={tmp_path / 'other'}",
    )
    assert result.status == 2
    assert "belong to another encoding or network" in result.err
    assert not (tmp_path / "other").exists()


def test_a_finished_run_is_not_written_over(
    fit: Callable[..., Path], run_command: Callable[..., object]
) -> None:
    folder = fit()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    result = run_command("inr-fit", *TINY, "seed=1", f"hydra.run.dir={folder}")
    assert result.status == 2
    assert "holds an earlier run" in result.err
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("precision", ["64-true", "bf16-mixed"])
def test_other_precisions_resume_bit_for_bit_too(
    precision: str, fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    options = [f"trainer.precision={precision}", "callback.checkpoint.every_n_steps=10"]
    whole = fit(*options, "callback.checkpoint.keep_all=true", name="whole")
    checkpoint = whole / "checkpoints" / "step=00000010.ckpt"
    result = run_command("inr-fit", f"ckpt_path={checkpoint}", "hydra.run.dir=resumed")
    assert result.status == 0, result.err
    weights, others = (load_file(run / "field.safetensors") for run in (whole, Path("resumed")))
    assert all(torch.equal(weights[name], others[name]) for name in weights)


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("network.trainable=all", "network.trainable was 'last_layer' for"),
        ("network.parameterization=ntk", "network.parameterization was 'standard' for"),
        ("network.activation=gelu", "and is 'gelu'; expected the same"),
        ("encoding.scale=3", "encoding.scale was 20.0 for"),
        ("seed=5", "encoding.seed was 0 for"),
    ],
)
def test_options_that_give_the_weights_another_meaning_are_rejected(
    option: str, sentence: str, fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    run = fit("network.trainable=last_layer")
    result = run_command("inr-fit", f"ckpt_path={run}", "trainer.max_steps=25", option)
    assert result.status == 2
    assert sentence in result.err
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("optimizer=adam", "the optimizer was muon for"),
        ("optimizer=sgd", "and is sgd; expected the same"),
        ("optimizer.first_layer=false", "and has other options; expected the same"),
    ],
)
def test_an_optimizer_that_cannot_go_on_from_the_saved_state_is_rejected(
    override: str, words: str, fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    folder = fit()
    before = (folder / "field.safetensors").read_bytes()
    result = run_command("inr-fit", f"ckpt_path={folder}", override, "trainer.max_steps=30")
    assert result.status == 2 and words in result.err
    assert (folder / "field.safetensors").read_bytes() == before


def test_a_checkpoint_whose_steps_lightning_counted_is_rejected(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    path = fit() / "checkpoints" / "last.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    loops = checkpoint["loops"]["fit_loop"]
    loops["epoch_loop.manual_optimization.optim_step_progress"]["total"]["completed"] = 0
    torch.save(checkpoint, path)
    result = run_command("inr-fit", f"ckpt_path={path}", "trainer.max_steps=30")
    assert result.status == 2 and "was written by an earlier version" in result.err
    assert run_command("inr-render", path, "-o", "whole.png").status == 0


@pytest.mark.parametrize("override", ["sampler=lattice", "signal.nonfinite=refuse"])
def test_recorded_overrides_of_an_earlier_version_have_their_present_names(
    override: str, fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    path = fit() / "checkpoints" / "last.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["inr"]["overrides"].append(override)
    torch.save(checkpoint, path)
    result = run_command("inr-fit", f"ckpt_path={path}", "trainer.max_steps=30", "hydra.run.dir=on")
    assert result.status == 0, result.err
