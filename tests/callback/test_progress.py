"""Plain lines where there is no terminal."""

import re
from collections.abc import Callable

from tests.conftest import TINY, Result


def test_there_are_as_many_lines_as_asked_for(run_command: Callable[..., Result]) -> None:
    result = run_command(
        "inr-fit", *TINY, "callback.progress.lines=4", "trainer.log_every_n_steps=5"
    )
    lines = result.err.splitlines()
    assert [int(re.match(r"step (\d+): PSNR +[\d.]+ dB", line)[1]) for line in lines] == [
        5,
        10,
        15,
        20,
    ]


def test_the_end_is_a_table_with_paths(run_command: Callable[..., Result]) -> None:
    result = run_command("inr-fit", *TINY, "signal.holdout=0.2", "hydra.run.dir=run")
    for label in ("PSNR ", "PSNR, trained on", "PSNR, held out", "SSIM", "points/s", "parameters"):
        assert label in result.out
    assert "run/reconstruction.png" in result.out
    assert "tensorboard --logdir" in result.out
