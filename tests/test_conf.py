"""Every configuration builds and runs."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from inr.cli.override import makes_own_data
from tests.conftest import ROOT, Result, read_metrics

GROUPS = ("encoding", "network", "sampler", "loss", "optimizer", "scheduler", "logger", "trainer")
HARDWARE = {"gpu": "needs a GPU", "ddp": "starts processes", "wandb": "needs the extra wandb"}
CHOICES = [
    f"{group}={path.stem}"
    for group in GROUPS
    for path in sorted((ROOT / "conf" / group).glob("*.yaml"))
    if path.stem not in HARDWARE
]
EXPERIMENTS = sorted(
    path.stem
    for path in (ROOT / "conf" / "experiment").glob("*.yaml")
    if not makes_own_data([f"experiment={path.stem}"])
)
SMALL = [
    "signal.size=[12,10]",
    "network.hidden_features=8",
    "callback.ntk_spectrum.num_points=9",
    "trainer.max_steps=2",
]


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_runs(choice: str, run_command: Callable[..., Result]) -> None:
    result = run_command("inr-fit", *SMALL, choice, "hydra.run.dir=run")
    assert result.status == 0, result.err
    assert read_metrics(Path("run"))["steps"] == 2


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_runs_two_steps(name: str, run_command: Callable[..., Result]) -> None:
    result = run_command(
        "inr-fit", f"experiment={name}", *SMALL, "trainer.accelerator=cpu", "hydra.run.dir=run"
    )
    assert result.status == 0, result.err
    metrics = read_metrics(Path("run"))
    assert metrics["steps"] == 2
    assert ("test_psnr" in metrics) == name.startswith("tancik")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_fits(run_command: Callable[..., Result]) -> None:
    result = run_command("inr-fit", *SMALL, "trainer=gpu", "hydra.run.dir=run")
    assert result.status == 0, result.err


@pytest.mark.parametrize(
    ("kind", "scale"), [("natural", 10.0), ("text", 14.0)], ids=["natural", "text"]
)
def test_the_gaussian_protocol_is_the_papers(kind: str, scale: float) -> None:
    from inr.cli.compose import compose_config

    cfg = compose_config([f"experiment=tancik_{kind}_gaussian", "signal.path=x.png"])
    assert cfg.encoding.scale == scale
    assert cfg.encoding.num_frequencies == 256
    assert (cfg.network.hidden_layers, cfg.network.hidden_features) == (3, 256)
    assert (cfg.network.activation, cfg.network.output_activation) == ("relu", "sigmoid")
    assert (cfg.optimizer.lr, cfg.trainer.max_steps) == (1e-3, 2000)
    assert cfg.sampler.batch_size is None
    assert cfg.signal.holdout == "alternate"


@pytest.mark.parametrize("encoding", ["none", "basic"])
def test_natural_images_without_high_frequencies_are_trained_faster(encoding: str) -> None:
    from inr.cli.compose import compose_config

    natural, text = (
        compose_config([f"experiment=tancik_{kind}_{encoding}", "signal.path=x.png"])
        for kind in ("natural", "text")
    )
    assert (natural.optimizer.lr, text.optimizer.lr) == (1e-2, 1e-3)
