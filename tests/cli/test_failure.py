"""Runs that fail say why, where and what is left."""

from collections.abc import Callable
from pathlib import Path

import torch

from tests.conftest import TINY, Result


def test_a_divergent_run_names_step_cause_and_checkpoint(
    run_command: Callable[..., Result],
) -> None:
    result = run_command(
        "inr-fit",
        *TINY,
        "optimizer=sgd",
        "optimizer.lr=1e4",
        "scheduler=constant",
        "trainer.max_steps=200",
        "hydra.run.dir=run",
    )
    assert result.status == 1
    line = result.err.splitlines()[-1]
    assert "at step" in line
    assert "learning rate" in line
    assert "try lr=1e+03" in line
    assert "No checkpoint had been written yet" in line


def test_the_last_good_checkpoint_stays_and_resumes(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    folder = fit("optimizer=sgd", "scheduler=constant")
    again = [f"ckpt_path={folder}", f"hydra.run.dir={folder}", "trainer.max_steps=60"]
    diverged = run_command(
        "inr-fit", *again, "optimizer.lr=1e3", "callback.checkpoint.every_n_steps=1"
    )
    assert diverged.status == 1
    assert diverged.err.count("\n") == 1, "nothing but the reason"
    named = Path(diverged.err.split("The last good checkpoint is ")[1].strip().rstrip("."))
    assert named == folder / "checkpoints" / "last.ckpt"
    checkpoint = torch.load(named, weights_only=True)
    assert checkpoint["global_step"] == 20
    resumed = run_command("inr-fit", *again, "optimizer.lr=0.01")
    assert resumed.status == 0, resumed.err


def test_an_overflowing_loss_is_a_divergence(run_command: Callable[..., Result]) -> None:
    result = run_command("inr-fit", *TINY, "optimizer.lr=1e10", "hydra.run.dir=run")
    assert result.status == 1
    assert "the loss was" in result.err.splitlines()[-1]
