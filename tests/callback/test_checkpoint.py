"""When checkpoints are written."""

from collections.abc import Callable
from pathlib import Path

import torch


def test_every_checkpoint_is_kept_when_asked(fit: Callable[..., Path]) -> None:
    folder = fit("callback.checkpoint.every_n_steps=7", "callback.checkpoint.keep_all=true")
    names = sorted(path.name for path in (folder / "checkpoints").iterdir())
    assert names == ["last.ckpt", *(f"step={step:08d}.ckpt" for step in (7, 14, 20))]
    steps = [
        torch.load(folder / "checkpoints" / name, weights_only=True)["global_step"]
        for name in names
    ]
    assert steps == [20, 7, 14, 20]


def test_minutes_are_a_schedule_too(fit: Callable[..., Path]) -> None:
    folder = fit(
        "callback.checkpoint.every_n_minutes=1e-9",
        "callback.checkpoint.keep_all=true",
        "callback.ntk_spectrum=null",
        "trainer.max_steps=4",
    )
    assert len(list((folder / "checkpoints").glob("step=*.ckpt"))) == 4
