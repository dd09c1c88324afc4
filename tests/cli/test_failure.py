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
    assert "optimizer.lr=1e+03" in line
    assert "No checkpoint had been written yet" in line


def test_the_last_good_checkpoint_stays_good(run_command: Callable[..., Result]) -> None:
    result = run_command(
        "inr-fit",
        *TINY,
        "optimizer=sgd",
        "optimizer.lr=100",
        "scheduler=constant",
        "trainer.max_steps=200",
        "callback.checkpoint.every_n_steps=1",
        "callback.ntk_spectrum=null",
        "hydra.run.dir=run",
    )
    assert result.status == 1, result.err
    named = Path(result.err.split("The last good checkpoint is ")[1].strip().rstrip("."))
    assert named == Path("run/checkpoints/last.ckpt").resolve()
    checkpoint = torch.load(named, weights_only=True)
    assert all(tensor.isfinite().all() for tensor in checkpoint["state_dict"].values())
    resumed = run_command(
        "inr-fit",
        f"ckpt_path={named}",
        "optimizer.lr=0.01",
        "hydra.run.dir=resumed",
    )
    assert resumed.status == 0, resumed.err
