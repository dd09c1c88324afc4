"""A folder of images from the command line to the files."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from safetensors.torch import load_file

from inr.cli.override import expand_path, quote
from inr.raster import read_raster, write_raster
from tests.callback.events import read_events
from tests.conftest import TINY, Result, read_metrics

SMALL = [option for option in TINY if not option.startswith("signal.")]
BATCHES = "sampler.batch_size=40"


def write_waves(folder: Path) -> Path:
    """Three images of 12 x 16 pixels, the last of 16 bits."""
    rows, columns = np.mgrid[:12, :16]
    for number, (name, dtype) in enumerate(
        [("b.png", np.uint8), ("a.png", np.uint8), ("c.tiff", np.uint16)]
    ):
        wave = 0.5 + 0.5 * np.sin(
            0.3 * (number + 1) * rows[..., None] + [[[0.1, 0.2, 0.4]]] * columns[..., None]
        )
        write_raster(folder / name, (wave * np.iinfo(dtype).max).astype(dtype))
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_waves(tmp_path / "my photos")


@pytest.fixture
def fit_set(fit: Callable[..., Path], photos: Path) -> Callable[..., Path]:
    """Runs ``inr-fit`` on the folder."""

    def run(*overrides: str, name: str = "run") -> Path:
        return fit(*SMALL, BATCHES, *overrides, base=[str(photos)], name=name)

    return run


def test_a_run_of_a_folder_has_a_run_of_each_image(fit_set: Callable[..., Path]) -> None:
    run = fit_set("signal.watched=1")
    assert sorted(path.name for path in (run / "images").iterdir()) == ["a", "b", "c"]
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["images"].keys() == {"a", "b", "c"}
    each = [metrics["images"][name]["psnr"] for name in "abc"]
    assert metrics["psnr"] == pytest.approx(sum(each) / 3)
    assert metrics["min_psnr"] == min(each)
    assert metrics["worst"] == "abc"[each.index(min(each))]
    assert metrics["ssim"] == pytest.approx(
        sum(metrics["images"][name]["ssim"] for name in "abc") / 3
    )
    assert metrics["steps"] == 20
    one = 33 * 16 + 17 * 16 + 17 * 3
    assert metrics["parameters"] == 3 * one
    for name in "abc":
        own = json.loads((run / "images" / name / "metrics.json").read_text())
        assert {key: own[key] for key in metrics["images"][name]} == metrics["images"][name]
        assert (own["parameters"], own["steps"]) == (one, 20)
        assert own["bits_per_sample"] == metrics["bits_per_sample"] == 32 * one / (12 * 16)
    pictures = [read_raster(run / "images" / name / "reconstruction.png") for name in "ac"]
    assert [picture.pixels.dtype for picture in pictures] == [np.uint8, np.uint16]


@pytest.mark.parametrize(("optimizer", "file"), [("adam", "a.png"), ("muon", "c.tiff")])
def test_each_image_becomes_what_it_would_have_alone(
    optimizer: str,
    file: str,
    fit_set: Callable[..., Path],
    fit: Callable[..., Path],
    photos: Path,
) -> None:
    options = [
        "trainer.precision=64-true",
        "seed=3",
        "signal.holdout=0.25",
        f"optimizer={optimizer}",
    ]
    own = fit_set(*options) / "images" / Path(file).stem
    alone = fit(*SMALL, BATCHES, *options, base=[str(photos / file)], name="alone")
    weights, expected = (load_file(folder / "field.safetensors") for folder in (own, alone))
    assert weights.keys() == expected.keys()
    for key, tensor in weights.items():
        torch.testing.assert_close(tensor, expected[key], rtol=1e-10, atol=1e-10)
    single = read_metrics(alone)
    assert read_metrics(own) == {k: pytest.approx(v) for k, v in single.items() if k != "loss"}
    pictures = [next(folder.glob("reconstruction.*")) for folder in (own, alone)]
    assert pictures[0].name == pictures[1].name
    assert np.array_equal(*(read_raster(picture).pixels for picture in pictures))


def test_a_watched_image_is_looked_at_as_a_run_of_its_own(
    fit_set: Callable[..., Path], fit: Callable[..., Path], photos: Path
) -> None:
    options = [
        *("trainer.precision=64-true", "optimizer=adam"),
        "callback.ntk_spectrum.preconditioned=true",
    ]
    run = fit_set(*options, "signal.watched=[b]")
    alone = fit(*SMALL, BATCHES, *options, base=[str(photos / "b.png")], name="alone")
    own = run / "images" / "b"
    for kind in ("ntk", "frequency_bands"):
        assert not (run / kind).exists()
        assert not (run / "images" / "a" / kind).exists()
        files = sorted(path.name for path in (alone / kind).iterdir())
        assert sorted(path.name for path in (own / kind).iterdir()) == files
        for name in files:
            looks = [dict(np.load(folder / kind / name)) for folder in (own, alone)]
            assert looks[0].keys() == looks[1].keys()
            for key, value in looks[0].items():
                if value.dtype.kind == "f" and key != "eigenvectors":
                    np.testing.assert_allclose(value, looks[1][key], rtol=1e-6, atol=1e-9)
    events, expected = read_events(own), read_events(alone)
    tags = {kind: set(events.Tags()[kind]) for kind in ("scalars", "images")}
    assert tags["images"] == set(expected.Tags()["images"])
    assert tags["scalars"] == {
        tag
        for tag in expected.Tags()["scalars"]
        if not tag.startswith("train/") and tag != "hp_metric"
    }
    for tag in ("psnr", "ntk/trace", "ntk/preconditioned_max_lr"):
        pairs = [[(s.step, s.value) for s in log.Scalars(tag)] for log in (events, expected)]
        np.testing.assert_allclose(*pairs, rtol=1e-6)


def test_the_curves_of_all_are_means_and_the_least(fit_set: Callable[..., Path]) -> None:
    run = fit_set("signal.watched=3")
    scalars = read_events(run).Scalars
    each = [read_events(run / "images" / name).Scalars("psnr") for name in "abc"]
    assert [s.step for s in scalars("psnr")] == [s.step for s in each[0]]
    for look, (mean, least) in enumerate(zip(scalars("psnr"), scalars("min_psnr"), strict=True)):
        values = [curve[look].value for curve in each]
        assert mean.value == pytest.approx(sum(values) / 3, rel=1e-5)
        assert least.value == pytest.approx(min(values), rel=1e-5)
    assert scalars("train/psnr")[-1].value >= scalars("train/min_psnr")[-1].value


def test_other_commands_take_the_run_of_one_image(
    fit_set: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    run = fit_set("signal.watched=0")
    own = run / "images" / "a"
    rendered = run_command("inr-render", own, "-o", "out.png")
    assert rendered.status == 0, rendered.err
    assert Path("out.png").read_bytes() == (own / "reconstruction.png").read_bytes()
    assert run_command("inr-render", own, "--scale", "2", "--regression").status == 0
    spectrum = run_command("inr-spectrum", own, "--points", "16", "--json")
    assert spectrum.status == 0, spectrum.err
    assert json.loads(spectrum.out)["step"] == 20
    config = OmegaConf.load(own / ".hydra" / "config.yaml")
    assert config.signal._target_ == "inr.signal.ImageSignal"
    assert Path(config.signal.path).name == "a.png"
    for command in ("inr-render", "inr-spectrum"):
        for whole in (run, run / "checkpoints" / "last.ckpt"):
            rejected = run_command(command, whole)
            assert rejected.status == 2
            assert f"expected that of one, such as {own}" in rejected.err
            assert len(rejected.err.splitlines()) == 1


def test_a_pattern_is_a_set_too(
    fit: Callable[..., Path], photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos.parent)
    run = fit(*SMALL, "signal.watched=0", base=["my photos/*.png"])
    assert sorted(path.name for path in (run / "images").iterdir()) == ["a", "b"]
    named = fit(
        *SMALL, "signal=image_set", "signal.path=my photos", "signal.watched=0", base=[], name="r2"
    )
    assert (named / "images" / "c" / "metrics.json").is_file()


def test_a_folder_and_a_pattern_are_expanded(photos: Path) -> None:
    for path in (str(photos), f"{photos}/*.png", f"{photos}/[ab].png"):
        assert expand_path([path, "seed=1"]) == [
            "seed=1",
            "signal=image_set",
            f"signal.path={quote(path)}",
        ]
    odd = photos / "x[1].png"
    (photos / "a.png").rename(odd)
    assert expand_path([str(odd)])[0] == "signal=image"


def test_a_stopped_set_resumes_bit_for_bit(
    fit_set: Callable[..., Path], run_command: Callable[..., Result], photos: Path
) -> None:
    whole = fit_set(
        "callback.checkpoint.every_n_steps=15",
        "callback.checkpoint.keep_all=true",
        "signal.watched=1",
    )
    checkpoint = whole / "checkpoints" / "step=00000015.ckpt"
    result = run_command("inr-fit", f"ckpt_path={checkpoint}", "hydra.run.dir=resumed")
    assert result.status == 0, result.err
    resumed = Path("resumed")
    assert read_metrics(resumed) == read_metrics(whole)
    for name in "abc":
        weights, others = (
            load_file(run / "images" / name / "field.safetensors") for run in (whole, resumed)
        )
        assert all(torch.equal(weights[key], others[key]) for key in weights)
    last = "images/a/ntk/step=00000020.npz"
    looks = [dict(np.load(run / last)) for run in (whole, resumed)]
    # The first kernel, which the drift is from, was in the checkpoint, and the look at it.
    assert looks[0]["drift"] == looks[1]["drift"] > 0
    assert np.array_equal(*(look["measured_rates"] for look in looks))
    write_raster(photos / "d.png", np.zeros((12, 16, 3), np.uint8))
    rejected = run_command("inr-fit", f"ckpt_path={checkpoint}", "hydra.run.dir=other")
    assert rejected.status == 2
    assert "was trained on other images (d)" in rejected.err


def test_the_image_that_diverged_is_named(
    run_command: Callable[..., Result], photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inr.field.stack import FieldStack

    class Poisoned(FieldStack):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments)  # type: ignore[arg-type]
            self.parameters_by_name()["network.output.weight"].data[1] = float("nan")

    monkeypatch.setattr("inr.cli.build.FieldStack", Poisoned)
    result = run_command("inr-fit", photos, *SMALL, "signal.watched=0", "hydra.run.dir=run")
    assert result.status == 1
    assert "the loss of b was nan at step 1" in result.err


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["callback=theory"], "predicted_dynamics follows every step of one field"),
        (["callback=theory", "callback.predicted_dynamics=null"], "path_kernel follows"),
        (["trainer.precision=16-mixed"], "expected bf16-mixed or 32-true"),
        (["trainer.compile=true"], "expected false with signal=image_set"),
        (["signal.watched=[z]"], "watched has 'z'; expected some of a, b, c"),
    ],
)
def test_what_does_not_suit_a_set_is_rejected_in_one_line(
    overrides: list[str], sentence: str, run_command: Callable[..., Result], photos: Path
) -> None:
    result = run_command("inr-fit", photos, *SMALL, *overrides, "hydra.run.dir=run")
    assert result.status == 2
    assert sentence in result.err
    assert len(result.err.splitlines()) == 1
    assert not Path("run").exists()


def test_files_of_other_kinds_and_sizes(run_command: Callable[..., Result], photos: Path) -> None:
    (photos / "notes.txt").write_text("what I saw")
    write_raster(photos / "z.png", np.zeros((5, 9, 3), np.uint8))
    rejected = run_command("inr-fit", photos, *SMALL, "hydra.run.dir=run")
    assert rejected.status == 2
    assert "signal.size=[12,16]" in rejected.err.splitlines()[-1]
    options = ["signal.size=[8,6]", "signal.watched=0", "trainer.max_steps=2"]
    result = run_command("inr-fit", photos, *SMALL, *options, "hydra.run.dir=run")
    assert result.status == 0, result.err
    assert result.err.count("1 of 5 files") == 1
    (photos / "empty").mkdir()
    nothing = run_command("inr-fit", photos / "empty", *SMALL, "hydra.run.dir=other")
    assert nothing.status == 2
    assert "holds no image" in nothing.err
