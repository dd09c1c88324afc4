"""``inr-fit`` from the command line to the files."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from safetensors.torch import load_file

from inr.cli.override import expand_path, quote, split_flags
from tests.conftest import SAMPLE, TINY, Result, read_metrics
from tests.tolerance import assert_close


def test_a_run_directory_holds_what_it_promises(fit: Callable[..., Path]) -> None:
    folder = fit()
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics.keys() == {
        "exact_share",
        "psnr",
        "ssim",
        "loss",
        "steps",
        "seconds",
        "points_per_second",
        "parameters",
        "bits_per_sample",
    }
    assert metrics["parameters"] == 33 * 16 + 17 * 16 + 17 * 3
    assert metrics["bits_per_sample"] == 32 * metrics["parameters"] / (16 * 24)
    assert imageio.imread(folder / "reconstruction.png").shape == (16, 24, 3)
    torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    assert load_file(folder / "field.safetensors")["network.output.bias"].shape == (3,)
    assert OmegaConf.load(folder / ".hydra" / "config.yaml").seed == 0
    assert list((folder / "tensorboard").glob("events.out.tfevents.*"))
    for step in (0, 1, 10, 20):
        probe = np.load(folder / "ntk" / f"step={step:08d}.npz")
        values = probe["eigenvalues"]
        assert (np.diff(values) <= 0).all()
        assert np.isclose(values.sum(), probe["trace"])
        assert (probe["coords"].shape, probe["step"]) == ((len(values), 2), step)


def test_metrics_are_those_of_the_picture(fit: Callable[..., Path]) -> None:
    folder = fit("trainer.max_steps=200")
    picture = imageio.imread(folder / "reconstruction.png").astype(float)
    from inr.signal import ImageSignal

    truth = ImageSignal(path=SAMPLE, size=[16, 24]).values.numpy().reshape(16, 24, 3) * 255
    psnr = 10 * np.log10(255**2 / np.mean((picture - np.rint(truth)) ** 2))
    # The picture is rounded to whole numbers; the metric is not.
    assert abs(psnr - read_metrics(folder)["psnr"]) < 0.05
    assert psnr > 15


def test_fourier_features_fit_what_bare_coordinates_cannot(fit: Callable[..., Path]) -> None:
    options = ["trainer.max_steps=300", "network.hidden_features=64", "signal.size=null"]
    options.append("signal.crop=[0,110,64,174]")
    features = read_metrics(fit(*options, "encoding.num_frequencies=64", name="features"))["psnr"]
    coordinates = [option for option in TINY if not option.startswith("encoding.")]
    bare = fit(*options, "encoding=identity", base=coordinates, name="bare")
    assert features > 28
    assert features > read_metrics(bare)["psnr"] + 5


def test_one_seed_repeats_and_two_differ_whatever_is_logged(fit: Callable[..., Path]) -> None:
    first = fit("seed=3", name="first")
    quiet = fit(
        "seed=3",
        "trainer.log_every_n_steps=3",
        "callback.ntk_spectrum=null",
        "callback.reconstruction.per_decade=9",
        "callback.curve=null",
        "logger=none",
        name="quiet",
    )
    other = fit("seed=4", name="other")
    weights = [load_file(folder / "field.safetensors") for folder in (first, quiet, other)]
    for name, tensor in weights[0].items():
        assert torch.equal(tensor, weights[1][name]), name
        if name != "encoding.amplitudes":
            assert not torch.equal(tensor, weights[2][name]), name


def test_held_out_points_are_measured_apart(fit: Callable[..., Path]) -> None:
    metrics = read_metrics(fit("signal.holdout=alternate", "trainer.max_steps=300"))
    assert metrics["train_psnr"] > metrics["test_psnr"] + 3


def test_a_sweep_has_a_run_for_each_value(run_command: Callable[..., Result]) -> None:
    result = run_command(
        "inr-fit",
        "-m",
        *TINY,
        "encoding.scale=1,20",
        "hydra.sweep.dir=sweep",
        "logger=csv",
        "encoding.num_frequencies=128",
        "callback.ntk_spectrum.num_points=384",
    )
    assert result.status == 0, result.err
    jobs = sorted(path.parent for path in Path("sweep").rglob("metrics.json"))
    assert [job.name.partition("_")[0] for job in jobs] == ["0", "1"]
    assert ["encoding.scale=1" in job.name for job in jobs] == [True, False]
    steepness = []
    for job in jobs:
        values = np.load(job / "ntk" / "step=00000000.npz")["eigenvalues"]
        steepness.append(values[0] / values[len(values) // 2])
    assert steepness[0] > 5 * steepness[1]


@pytest.mark.parametrize("name", ["photo.png", "with space.png", "a=b,c'd [1] {x} $y\\.png"])
def test_any_file_name_is_a_path(name: str, run_command: Callable[..., Result]) -> None:
    shutil.copy(SAMPLE, name)
    result = run_command("inr-fit", name, *TINY, "hydra.run.dir=run")
    assert result.status == 0, result.err
    assert OmegaConf.load("run/.hydra/config.yaml").signal.path == str(Path(name).resolve())


def test_a_path_in_an_override_may_have_spaces_and_equal_signs(
    run_command: Callable[..., Result],
) -> None:
    shutil.copy(SAMPLE, "a b=c.png")
    result = run_command("inr-fit", *TINY, "signal.path=a b=c.png", "hydra.run.dir=my run/lr=1")
    assert result.status == 0, result.err
    assert Path("my run/lr=1/metrics.json").is_file()
    again = run_command("inr-fit", "ckpt_path=my run/lr=1", "trainer.max_steps=21")
    assert again.status == 0, again.err


def test_flags_may_be_anywhere() -> None:
    arguments = ["-m", "photo.png", "--config-dir", "mine", "seed=1,2", "--info", "all", "-c=job"]
    flags, rest = split_flags(arguments)
    assert flags == ["-m", "--config-dir", "mine", "--info", "all", "-c=job"]
    assert rest == ["photo.png", "seed=1,2"]
    path = quote(Path("photo.png").resolve())
    assert expand_path(rest) == ["seed=1,2", "signal=image", f"signal.path={path}"]


def test_images_are_swept(run_command: Callable[..., Result]) -> None:
    for name in ("a.png", "b.png"):
        shutil.copy(SAMPLE, name)
    result = run_command("inr-fit", *TINY, "signal.path=a.png,b.png", "-m")
    assert result.status == 0, result.err
    assert sorted(path.parts[1] for path in Path().glob("runs/*/*/*/metrics.json")) == ["a", "b"]


def test_a_default_run_is_named_after_its_file(run_command: Callable[..., Result]) -> None:
    shutil.copy(SAMPLE, "my photo.png")
    result = run_command("inr-fit", "my photo.png", *TINY)
    assert result.status == 0, result.err
    assert len(list(Path("runs/my_photo").iterdir())) == 1


def test_help_shows_an_example_without_loading_torch() -> None:
    import subprocess
    import sys

    code = (
        "import sys; sys.argv = ['inr-fit', '--help']\n"
        "from inr.cli.fit import main; main()\n"
        "assert not {'torch', 'hydra', 'matplotlib'} & sys.modules.keys()"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "inr-fit photo.png encoding.scale=40" in shown.stdout
    for member in ("gaussian", "siren", "tancik_natural_gaussian"):
        assert member in shown.stdout


@pytest.mark.parametrize("flags", [["--cfg", "job"], ["--cfg", "job", "encoding=basic"]])
def test_the_whole_configuration_is_shown(
    flags: list[str], run_command: Callable[..., Result]
) -> None:
    result = run_command("inr-fit", *flags)
    assert result.status == 0, result.err
    encoding = "BasicEncoding" if len(flags) > 2 else "GaussianEncoding"
    assert OmegaConf.create(result.out).encoding._target_ == f"inr.encoding.{encoding}"


def test_two_processes_make_the_steps_that_one_makes_with_their_points(
    fit: Callable[..., Path], tmp_path: Path
) -> None:
    from tests.conftest import start

    options = [
        *TINY,
        "trainer.precision=64-true",
        "sampler.shuffle=false",
        "signal.holdout=alternate",
    ]
    process = start(
        *(*options, "sampler.batch_size=32", "callback.checkpoint.every_n_steps=8"),
        *("trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2", "hydra.run.dir=two"),
        cwd=tmp_path,
    )
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    alone = fit("sampler.batch_size=64", base=options)
    assert read_metrics(Path("two"))["steps"] == read_metrics(alone)["steps"] == 20
    weights, expected = (
        load_file(folder / "field.safetensors") for folder in (tmp_path / "two", alone)
    )
    for name, weight in weights.items():
        assert_close(weight, expected[name])


def test_the_metrics_do_not_depend_on_the_value_range(tmp_path: Path) -> None:
    from inr.signal import ImageDisplay, ImageSignal

    found = []
    for value_range in ([0.0, 1.0], [-1.0, 1.0]):
        signal = ImageSignal(path=SAMPLE, size=[32, 32], value_range=value_range)
        noise = 0.05 * signal.peak * torch.randn(32, 32, 3, generator=torch.manual_seed(0))
        rendering = signal.values.view(32, 32, 3) + noise
        found.append(ImageDisplay().measure(torch.nn.Identity(), signal, rendering))
    assert found[0] == pytest.approx(found[1], rel=1e-4)


def test_a_partial_function_is_pythons_own() -> None:
    from functools import partial

    from inr.cli.compose import compose_config
    from inr.cli.instantiate import build
    from inr.loss import huber

    loss = build(compose_config(["loss=huber", "loss.delta=0.3"]), "loss")
    assert type(loss) is partial
    assert (loss.func, loss.args, loss.keywords) == (huber, (), {"delta": 0.3})
