"""Every configuration builds and runs."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from inr.cli.override import signal_of
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
PROTOCOLS = sorted(path.stem for path in (ROOT / "conf" / "protocol").glob("*.yaml"))
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
    monkeypatch.setattr("inr.signal._surface_display.EDGE", 32)
    monkeypatch.setattr("inr.signal.shape.display.TEST_POINTS", 1000)
    for kind in ("shape", "point_cloud"):
        monkeypatch.setattr(f"inr.signal.{kind}.display.COMPARED_POINTS", 1000)


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_runs(choice: str, run_command: Callable[..., Result]) -> None:
    result = run_command("inr-fit", *SMALL, choice, "hydra.run.dir=run")
    assert result.status == 0, result.err
    assert read_metrics(Path("run"))["steps"] == 2


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_runs_two_steps(name: str, run_command: Callable[..., Result]) -> None:
    small = SMALL_SIGNALS.get(signal_of(name) or "", SMALL)
    result = run_command(
        "inr-fit", f"protocol={name}", *small, "trainer.accelerator=cpu", "hydra.run.dir=run"
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

    cfg = compose_config([f"protocol=tancik_{kind}_gaussian", "signal.path=x.png"])
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
        compose_config([f"protocol=tancik_{kind}_{encoding}", "signal.path=x.png"])
        for kind in ("natural", "text")
    )
    assert (natural.optimizer.lr, text.optimizer.lr) == (1e-2, 1e-3)


@pytest.mark.parametrize("mapping", ["none", "basic", "positional", "gaussian"])
def test_the_protocol_of_shapes_is_the_papers(mapping: str) -> None:
    from inr.cli.compose import compose_config

    cfg = compose_config([f"protocol=tancik_shape_{mapping}", "signal.path=x.obj"])
    # Eight layers, the one that gives the outputs included.
    assert (cfg.network.hidden_layers, cfg.network.hidden_features) == (7, 256)
    assert (cfg.sampler.batch_size, cfg.trainer.max_steps) == (32768, 10000)
    assert (cfg.sampler.uniform_in, cfg.sampler.near_share) == ("box", 0)
    assert cfg.optimizer.lr == 5e-4
    # A tenth every 5,000 steps.
    assert cfg.scheduler.final == pytest.approx(0.1 ** (10000 / 5000))
    expected = {"positional": 64.0, "gaussian": 12.0}.get(mapping)
    assert cfg.encoding.get("scale") == expected
    if mapping in ("positional", "gaussian"):
        assert cfg.encoding.norm == 1


def test_the_protocol_of_volumes_is_the_papers() -> None:
    from inr.cli.compose import compose_config

    cfg = compose_config(["protocol=neurcomp_volume", "signal.path=x.npy"])
    width, layers, batch = 128, 8, 16384
    assert (cfg.network.hidden_features, cfg.network.hidden_layers) == (width, layers)
    assert (cfg.sampler.batch_size, cfg.optimizer.lr) == (batch, 5e-5)
    assert (cfg.network.omega, cfg.network.hidden_omega) == (30, 30)
    assert list(cfg.signal.value_range) == [-1, 1]
    voxels = 256 * 256 * 176
    assert cfg.trainer.max_steps == 75 * voxels // batch
    assert cfg.scheduler.final == pytest.approx(0.2 ** (75 / 20), rel=0.01)
    parameters = 4 * width + 2 * (layers - 1) * (width + 1) * width + width + 1
    assert parameters == pytest.approx(voxels / 50, rel=0.01)


def test_siren_protocols_are_the_papers() -> None:
    from inr.cli.compose import compose_config

    sound = compose_config(["protocol=siren_audio", "signal.path=x.wav"])
    assert (sound.network.omega, sound.network.hidden_omega) == (3000, 30)
    assert (sound.network.hidden_layers, sound.optimizer.lr) == (4, 1e-4)
    assert sound.sampler.batch_size is None and sound.trainer.max_steps == 9000
    assert "scale" not in sound.encoding
    cloud = compose_config(["protocol=siren_point_cloud", "signal.path=x.xyz"])
    weights = {key: cloud.loss[key] for key in ("distance", "inter", "normal", "eikonal")}
    assert weights == {"distance": 3000, "inter": 100, "normal": 100, "eikonal": 50}
    assert (cloud.network.omega, cloud.optimizer.lr) == (30, 1e-4)


@pytest.mark.parametrize(
    ("kind", "scale", "steps"),
    [
        ("image", 20, 600),
        ("function", 20, 600),
        ("audio", 3000, 600),
        ("volume", 5, 1000),
        ("shape", 5, 1000),
        ("video", 5, 1000),
    ],
)
def test_a_signal_brings_its_own_scale_and_steps(kind: str, scale: float, steps: int) -> None:
    from inr.cli.compose import compose_config

    cfg = compose_config([f"signal={kind}", "signal.path=x"])
    assert (cfg.encoding.scale, cfg.trainer.max_steps) == (scale, steps)
    typed = compose_config(
        [f"signal={kind}", "signal.path=x", "encoding.scale=7", "trainer.max_steps=9"]
    )
    assert (typed.encoding.scale, typed.trainer.max_steps) == (7, 9)
    other = compose_config([f"signal={kind}", "signal.path=x", "encoding=identity", "trainer=cpu"])
    assert "scale" not in other.encoding and other.trainer.accelerator == "cpu"


@pytest.mark.parametrize("callback", ["default", "surface", "theory"])
def test_a_state_is_saved_before_the_looks(callback: str) -> None:
    """Of a large signal the last look may take more memory than there is."""
    from inr.cli.compose import compose_config

    cfg = compose_config([f"callback={callback}", "signal.path=x"])
    names = [name for name in cfg.callback if cfg.callback[name]]
    looks = {"reconstruction", "frequency_bands", "ntk_spectrum", "predicted_dynamics"}
    assert names.index("checkpoint") < min(names.index(name) for name in looks & set(names))
    # Not before who says that the weights are no good, or that the run is to stop.
    assert max(names.index("divergence"), names.index("interruption")) < names.index("checkpoint")
