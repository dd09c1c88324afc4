"""Volumes, sounds, videos and functions, from the command line to the files."""

import csv
import io
import itertools
import json
import math
import wave
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence
from safetensors.torch import load_file

from inr.cli.saved_run import load_run
from inr.ntk import empirical_ntk
from tests.callback.events import read_events
from tests.cli.conftest import AFFINE, RATE, RunOf, fit_arguments, frames, heights, samples, voxels
from tests.conftest import Result, read_metrics

NATIVE = {
    "volume.npz": ".npz",
    "volume.npy": ".npy",
    "volume.nii.gz": ".nii.gz",
    "volume.tiff": ".tiff",
    "volume.h5": ".h5",
    "volume.zarr": ".zarr",
    "volume.raw": ".raw",
    "sound.wav": ".wav",
    "sound.flac": ".flac",
    "video.gif": ".gif",
    "video.mp4": ".mp4",
    "table.csv": ".csv",
    "column.npy": ".csv",
    "formula": ".npz",
}


def field_on(run: Path, *lattice: int) -> np.ndarray:
    """The saved field at the centres of cells, ``(*lattice, c)``."""
    axes = [(np.arange(n) + 0.5) / n for n in lattice]
    coords = np.stack(np.meshgrid(*axes, indexing="ij")[::-1], axis=-1)
    with torch.no_grad():
        values = load_run(str(run)).field(torch.from_numpy(coords).float())
    return values.double().numpy()


def stored(values: np.ndarray, low: float, high: float, lower: float, upper: float) -> np.ndarray:
    """Numbers of a file between ``low`` and ``high``, which the field sees as the others."""
    return np.clip(low + (values - lower) / (upper - lower) * (high - low), low, high)


def read_reconstruction(run: Path, name: str) -> np.ndarray:
    """The numbers of the file, by a library that this package has no part in."""
    import h5py
    import nibabel
    import soundfile
    import tifffile
    import zarr

    path = run / f"reconstruction{NATIVE[name]}"
    match name:
        case "volume.npz":
            return np.load(path)["scan"]
        case "volume.npy":
            return np.load(path)
        case "volume.nii.gz":
            image = nibabel.load(path)
            np.testing.assert_allclose(image.affine, AFFINE)
            return np.asarray(image.dataobj.get_unscaled()).transpose(2, 1, 0)
        case "volume.tiff":
            return tifffile.imread(path)
        case "volume.h5":
            return h5py.File(path)["scans/ct"][:]
        case "volume.zarr":
            return np.asarray(zarr.open(str(path), mode="r"))
        case "volume.raw":
            return np.fromfile(path, np.int16).reshape(6, 7, 10)
        case "sound.wav":
            with wave.open(str(path)) as file:
                assert (file.getframerate(), file.getsampwidth()) == (RATE, 2)
                return np.frombuffer(file.readframes(-1), np.int16).reshape(-1, 2)
        case "sound.flac":
            found, rate = soundfile.read(path, dtype="int32")
            assert (rate, soundfile.info(path).subtype) == (RATE, "PCM_24")
            return found >> 8
    raise AssertionError(name)


TRUTHS = {
    "volume.npz": voxels(),
    "volume.npy": (voxels() / np.float32(7)).astype(np.float32),
    "volume.nii.gz": voxels(),
    "volume.tiff": voxels() + 300,
    "volume.h5": voxels(),
    "volume.zarr": voxels(),
    "volume.raw": voxels(),
}


@pytest.mark.parametrize("name", TRUTHS)
def test_a_volume_becomes_what_the_field_says_in_its_own_format(name: str, run_of: RunOf) -> None:
    run, truth = run_of(name), TRUTHS[name].astype(float)
    found = read_reconstruction(run, name)
    expected = stored(field_on(run, 6, 7, 10)[..., 0], truth.min(), truth.max(), 0, 1)
    # Where a number is rounded, a hair decides.
    assert np.abs(found - expected).max() < (0.51 if found.dtype.kind in "iu" else 1e-3)
    peak = np.ptp(truth)
    psnr = 10 * np.log10(peak**2 / np.mean((expected - truth) ** 2))
    assert read_metrics(run)["psnr"] == pytest.approx(psnr, abs=1e-3)
    assert psnr > 12
    assert found.dtype.kind == TRUTHS[name].dtype.kind or name == "volume.tiff"


@pytest.mark.parametrize(("name", "scale"), [("sound.wav", 1), ("sound.flac", 100)])
def test_a_sound_becomes_what_the_field_says_at_its_own_depth(
    name: str, scale: int, run_of: RunOf
) -> None:
    run = run_of(name)
    found, full = read_reconstruction(run, name), 2.0**15 if scale == 1 else 2.0**23
    expected = stored(field_on(run, 700), -full, full, -1, 1)
    assert np.abs(found - expected.clip(-full, full - 1)).max() < 1.01
    truth, metrics = scale * samples().astype(float), read_metrics(run)
    error = expected - truth
    snr = 10 * np.log10((truth**2).sum() / (error**2).sum())
    assert metrics["snr"] == pytest.approx(snr, abs=1e-2)
    assert metrics["psnr"] == pytest.approx(
        10 * np.log10((2 * full) ** 2 / (error**2).mean()), abs=1e-2
    )
    assert snr > 3


def test_an_animation_becomes_the_frames_that_the_field_says(run_of: RunOf) -> None:
    run = run_of("video.gif")
    with Image.open(run / "reconstruction.gif") as image:
        pictures = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
        assert image.info["duration"] == 100
    expected = stored(field_on(run, 5, 10, 14), 0, 255, 0, 1)
    # There are 140 colours at most in a frame, and 256 in its palette.
    assert np.abs(np.stack(pictures) - expected).max() < 0.51
    psnr = 10 * np.log10(255**2 / np.mean((expected - frames()) ** 2))
    # What was fitted is the palette's colours.
    assert read_metrics(run)["psnr"] == pytest.approx(psnr, abs=0.2)
    assert psnr > 10


def test_a_video_becomes_the_frames_that_the_field_says(run_of: RunOf) -> None:
    import av

    run = run_of("video.mp4")
    with av.open(str(run / "reconstruction.mp4")) as container:
        assert container.streams.video[0].average_rate == 12
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    expected = stored(field_on(run, 5, 40, 56), 0, 255, 0, 1)
    # Colours are stored for four pixels together, and compressed.
    assert np.abs(np.stack(pictures) - expected).mean() < 8
    for flipped in (expected[::-1], expected[:, ::-1], expected[:, :, ::-1]):
        assert np.abs(np.stack(pictures) - flipped).mean() > 12


@pytest.mark.parametrize("name", ["table.csv", "column.npy"])
def test_a_column_becomes_a_table_of_what_the_field_says(name: str, run_of: RunOf) -> None:
    run = run_of(name)
    with (run / "reconstruction.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["position", "y"]
    x, y = np.array(rows, float).T
    np.testing.assert_array_equal(x, (np.arange(60) + 0.5) / 60)
    truth = heights()
    expected = stored(field_on(run, 60)[:, 0], truth.min(), truth.max(), -1, 1)
    np.testing.assert_allclose(y, expected, atol=1e-5)
    psnr = 10 * np.log10(np.ptp(truth) ** 2 / np.mean((expected - truth) ** 2))
    assert read_metrics(run)["psnr"] == pytest.approx(psnr, abs=1e-3)


def test_a_function_of_two_variables_becomes_arrays(run_of: RunOf) -> None:
    run = run_of("formula")
    found = np.load(run / "reconstruction.npz")
    y, x = np.mgrid[:12, :20]
    coords = np.stack([(x + 0.5) / 20, (y + 0.5) / 12], axis=-1).reshape(-1, 2)
    np.testing.assert_allclose(found["coords"].reshape(-1, 2), coords, atol=1e-12)
    known = load_run(str(run)).description.format
    expected = stored(field_on(run, 12, 20)[..., 0], known["low"], known["high"], -1, 1)
    np.testing.assert_allclose(found["values"], expected, atol=1e-5)


@pytest.mark.parametrize("name", NATIVE)
def test_a_run_directory_holds_what_it_promises(name: str, run_of: RunOf) -> None:
    run = run_of(name)
    kinds = {"volume": "volume", "sound": "audio", "video": "video"}
    kind = kinds.get(name.partition(".")[0], "function")
    assert load_run(str(run)).description.kind == kind
    metrics = json.loads((run / "metrics.json").read_text())
    promised = {"psnr", "loss", "steps", "seconds", "points_per_second", "parameters"}
    assert promised | {"bits_per_sample"} <= metrics.keys()
    assert ("exact_share" in metrics) == (name.partition(".")[0] in kinds and name != "volume.npy")
    assert imageio.imread(run / "picture.png").shape[2] == 3
    assert list((run / "tensorboard").glob("events.out.tfevents.*"))
    for step in (0, 1, 10, 40):
        bands = np.load(run / "frequency_bands" / f"step={step:08d}.npz")
        assert bands["counts"].sum() == math.prod(load_run(str(run)).description.lattice)
        probe = np.load(run / "ntk" / f"step={step:08d}.npz")
        assert probe["coords"].shape == (
            len(probe["eigenvalues"]),
            len(load_run(str(run)).description.lattice),
        )
        assert 8 <= len(probe["coords"]) <= 32


SHOWN = {
    "volume.npz": "target | reconstruction | error: slices z, y, x and maximum",
    "sound.wav": "spectrogram: target | reconstruction",
    "video.gif": "target | reconstruction | error: first, middle and last frame",
    "table.csv": "target and reconstruction",
    "formula": "target | reconstruction | error",
}


@pytest.mark.parametrize("name", SHOWN)
def test_pictures_are_shown_while_it_trains(name: str, run_of: RunOf) -> None:
    run = run_of(name)
    events = read_events(run)
    shown = events.Images(SHOWN[name])
    assert [picture.step for picture in shown] == [0, 1, 3, 10, 32, 40]
    last = imageio.imread(io.BytesIO(shown[-1].encoded_image_string))
    np.testing.assert_array_equal(last, imageio.imread(run / "picture.png"))
    assert events.Scalars("psnr")[-1].value == pytest.approx(read_metrics(run)["psnr"], rel=1e-5)


def test_a_sound_is_to_be_heard(run_of: RunOf) -> None:
    events = read_events(run_of("sound.wav"))
    heard = {}
    for title in ("target", "reconstruction"):
        last = events.Audio(title)[-1]
        assert last.step == 40
        with wave.open(io.BytesIO(last.encoded_audio_string)) as file:
            assert file.getframerate() == RATE
            heard[title] = np.frombuffer(file.readframes(-1), np.int16)
    assert np.abs(heard["target"] - samples().mean(1)).max() <= 2
    saved = read_reconstruction(run_of("sound.wav"), "sound.wav").mean(1)
    assert np.abs(heard["reconstruction"] - saved).max() <= 2


def test_a_film_moves_among_the_images(run_of: RunOf) -> None:
    run = run_of("video.gif")
    (film,) = read_events(run).Images("film: target | reconstruction")
    with Image.open(io.BytesIO(film.encoded_image_string)) as image:
        assert (image.format, image.n_frames, image.info["duration"]) == ("GIF", 5, 100)
        pictures = np.stack([frame.convert("RGB") for frame in ImageSequence.Iterator(image)])
    # Each pixel is a block of 27 by 27.
    pictures = pictures[:, ::27, ::27]
    assert pictures.shape == (5, 10, 28, 3)
    expected = stored(field_on(run, 5, 10, 14), 0, 255, 0, 1)
    # Both halves of a frame share a palette.
    assert np.abs(pictures[:, :, 14:] - expected).mean() < 4
    assert np.abs(pictures[:, :, :14] - frames().astype(float)).mean() < 4


@pytest.mark.parametrize("name", ["volume.nii.gz", "table.csv"])
def test_a_stopped_run_resumes_as_if_it_had_not_been(
    name: str, small_files: Path, run_command: Callable[..., Result]
) -> None:
    def fit(folder: str, *arguments: str) -> dict[str, torch.Tensor]:
        result = run_command("inr-fit", *arguments, f"hydra.run.dir={folder}")
        assert result.status == 0, result.err
        return load_file(f"{folder}/field.safetensors")

    start = [*fit_arguments(small_files, name, Path("run"))[:-1], "scheduler=constant"]
    half = fit("half", *start, "trainer.max_steps=6")
    resumed = fit("resumed", "ckpt_path=half", "trainer.max_steps=12")
    whole = fit("whole", *start, "trainer.max_steps=12")
    for key, tensor in whole.items():
        assert torch.equal(tensor, resumed[key]), key
    assert not torch.equal(half["network.output.weight"], whole["network.output.weight"])
    assert read_metrics(Path("resumed")) == read_metrics(Path("whole"))


def test_volumes_are_swept(small_files: Path, run_command: Callable[..., Result]) -> None:
    arguments = fit_arguments(small_files, "volume.npz", Path("run"))[:-1]
    result = run_command(
        *("inr-fit", "-m", *arguments, "encoding.scale=1,8", "trainer.max_steps=5"),
        *("hydra.sweep.dir=sweep", "logger=none"),
    )
    assert result.status == 0, result.err
    jobs = sorted(path.parent.name for path in Path("sweep").rglob("reconstruction.npz"))
    assert [job.partition("_")[0] for job in jobs] == ["0", "1"]


# Every second voxel along each axis is 3 x 3 x 5 of them, and every third pixel 1 x 3 x 4.
POINTS = {"volume.npz": 45, "sound.wav": 43, "video.gif": 12, "table.csv": 30}


@pytest.mark.parametrize("name", POINTS)
def test_a_spectrum_is_of_points_of_the_lattice(
    name: str, run_of: RunOf, run_command: Callable[..., Result]
) -> None:
    result = run_command("inr-spectrum", run_of(name), "--points", "45", "--json")
    assert result.status == 0, result.err
    found = json.loads(result.out)
    assert found["points"] == POINTS[name]
    assert sum(found["eigenvalues"]) == pytest.approx(found["trace"])


@pytest.mark.parametrize(
    ("name", "precision"),
    [("volume.npz", "64-true"), ("sound.wav", "bf16-mixed"), ("video.gif", "64-true")],
)
def test_any_precision_will_do(
    name: str, precision: str, small_files: Path, run_command: Callable[..., Result]
) -> None:
    arguments = fit_arguments(small_files, name, Path("run"))
    result = run_command(
        "inr-fit", *arguments, f"trainer.precision={precision}", "trainer.max_steps=10"
    )
    assert result.status == 0, result.err
    run = load_run("run")
    assert run.field.network.output.weight.dtype == (
        torch.float64 if precision == "64-true" else torch.float32
    )
    assert Path(f"run/reconstruction{NATIVE[name]}").exists()


BANDED = {
    "volume.npz": (voxels()[..., None], (0.0, 1.0)),
    "table.csv": (heights()[:, None], (-1.0, 1.0)),
}


@pytest.mark.parametrize("name", BANDED)
def test_bands_are_octaves_on_a_line_and_in_space(name: str, run_of: RunOf) -> None:
    truth, (lower, upper) = BANDED[name]
    truth = lower + (truth - truth.min()) / np.ptp(truth) * (upper - lower)
    sizes = truth.shape[:-1]
    look = np.load(run_of(name) / "frequency_bands" / "step=00000040.npz")
    grids = np.meshgrid(*(np.fft.fftfreq(n, 1 / n) for n in sizes), indexing="ij")
    radius = np.sqrt(sum(grid**2 for grid in grids))
    for values, key in ((truth, "target"), (field_on(run_of(name), *sizes) - truth, "error")):
        power = np.abs(np.fft.fftn(values[..., 0]) / math.prod(sizes)) ** 2
        expected = [
            power[(radius >= low) & (radius < high)].sum()
            for low, high in itertools.pairwise(look["edges"])
        ]
        # Both were transformed in float32.
        np.testing.assert_allclose(look[f"{key}_energies"], expected, rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("name", ["volume.nii.gz", "sound.wav"])
def test_a_kernel_is_of_cells_all_over_the_lattice(name: str, run_of: RunOf) -> None:
    look = np.load(run_of(name) / "ntk" / "step=00000040.npz")
    run = load_run(str(run_of(name)))
    sizes = np.array(run.description.lattice[::-1])
    cells = look["coords"] * sizes - 0.5
    np.testing.assert_allclose(cells, np.rint(cells), atol=1e-4)
    # Neither end of an axis is farther than the distance of neighbours.
    counts = np.array([len(np.unique(column)) for column in look["coords"].T])
    assert (look["lattice"] == counts[::-1]).all()
    assert (look["coords"].min(0) < 1 / counts).all()
    assert (look["coords"].max(0) > 1 - 1 / counts).all()
    kernel = empirical_ntk(run.field.double(), torch.from_numpy(look["coords"]), outputs="mean")
    expected = torch.linalg.eigvalsh(kernel).flip(0)
    np.testing.assert_allclose(look["eigenvalues"], expected, rtol=1e-4, atol=1e-6 * expected[0])


def test_a_run_on_a_line_does_what_its_kernel_predicts(
    small_files: Path, run_command: Callable[..., Result]
) -> None:
    arguments = [*fit_arguments(small_files, "column.npy", Path("run")), "trainer.max_steps=10"]
    options = [k for k in arguments if "batch_size" not in k and "ntk_spectrum" not in k]
    theory = ["callback=theory", "optimizer=sgd", "sampler.batch_size=null", "logger=tensorboard"]
    result = run_command("inr-fit", *options, *theory, "network.hidden_features=128")
    assert result.status == 0, result.err
    events = read_events(Path("run"))
    measured, predicted = (
        np.array([event.value for event in events.Scalars(f"predicted_dynamics/{key}")])
        for key in ("loss", "predicted_loss")
    )
    # A wide network's kernel hardly moves in ten steps.
    np.testing.assert_allclose(measured, predicted, rtol=0.1)
    assert measured[-1] < measured[0]
    assert events.Scalars("path_kernel/error")[-1].value < 0.05
