"""Every configuration builds and runs."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from inr.cli.override import makes_own_data, signal_of
from tests.conftest import ROOT, Result, read_metrics

GROUPS = ("encoding", "network", "sampler", "loss", "optimizer", "scheduler", "logger", "trainer")
OF_OTHER_SIGNALS = {"bce", "point_cloud", "shape", "siren_sdf"}
HARDWARE = {"gpu": "needs a GPU", "ddp": "starts processes", "wandb": "needs the extra wandb"}
CHOICES = [
    f"{group}={path.stem}"
    for group in GROUPS
    for path in sorted((ROOT / "conf" / group).glob("*.yaml"))
    if path.stem not in {*HARDWARE, *OF_OTHER_SIGNALS}
]
EXPERIMENTS = sorted(
    path.stem
    for path in (ROOT / "conf" / "experiment").glob("*.yaml")
    if not makes_own_data([f"experiment={path.stem}"])
)
SMALLEST = [
    "network.hidden_features=8",
    "callback.ntk_spectrum.num_points=9",
    "trainer.max_steps=2",
]
SMALL = ["signal.size=[12,10]", *SMALLEST]
# Of other signals than images, which have samples of their own.
SURFACE = ["signal.resolution=12", "signal.lattice_size=8", "sampler.batch_size=64", *SMALLEST]
SMALL_SIGNALS = {
    "audio": ["signal.seconds=0.05", *SMALLEST],
    "function": ["signal.size=[64]", *SMALLEST],
    "point_cloud": SURFACE,
    "shape": ["sampler.pool_size=256", *SURFACE],
    "video": ["signal.frames=3", "signal.size=[8,10]", *SMALLEST],
    "volume": ["signal.size=[6,8,10]", *SMALLEST],
}
RESULTS = {
    "audio": ("wav", "snr"),
    "function": ("csv", "psnr"),
    "point_cloud": ("ply", "surface_error"),
    "shape": ("ply", "iou"),
    "video": ("gif", "psnr"),
    "volume": ("npz", "psnr"),
}


@pytest.fixture(autouse=True)
def small_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    """After two steps a mesh is far from its target: comparing and drawing them takes seconds."""
    monkeypatch.setattr("inr.modality._surface.EDGE", 32)
    monkeypatch.setattr("inr.modality.shape.TEST_POINTS", 1000)
    for kind in ("shape", "point_cloud"):
        monkeypatch.setattr(f"inr.modality.{kind}.COMPARED_POINTS", 1000)


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_runs(choice: str, run_command: Callable[..., Result]) -> None:
    result = run_command("inr-fit", *SMALL, choice, "hydra.run.dir=run")
    assert result.status == 0, result.err
    assert read_metrics(Path("run"))["steps"] == 2


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_runs_two_steps(name: str, run_command: Callable[..., Result]) -> None:
    small = SMALL_SIGNALS.get(signal_of(name) or "", SMALL)
    result = run_command(
        "inr-fit", f"experiment={name}", *small, "trainer.accelerator=cpu", "hydra.run.dir=run"
    )
    assert result.status == 0, result.err
    metrics = read_metrics(Path("run"))
    assert metrics["steps"] == 2
    of_held_out = name.startswith(("tancik_natural", "tancik_text", "tancik_image"))
    assert ("test_psnr" in metrics) == of_held_out


@pytest.mark.parametrize("kind", sorted(SMALL_SIGNALS))
def test_every_signal_has_a_sample_and_a_result(
    kind: str, run_command: Callable[..., Result]
) -> None:
    result = run_command("inr-fit", f"signal={kind}", *SMALL_SIGNALS[kind], "hydra.run.dir=run")
    assert result.status == 0, result.err
    suffix, headline = RESULTS[kind]
    assert headline in read_metrics(Path("run"))
    assert Path("run/picture.png").is_file()
    # After two steps there may be no surface.
    assert Path(f"run/reconstruction.{suffix}").is_file() or "is not written" in result.err


def test_there_are_no_other_signals() -> None:
    kinds = {path.stem for path in (ROOT / "conf" / "signal").glob("*.yaml")}
    assert kinds == {*SMALL_SIGNALS, "image", "image_set"}


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
