"""Small files of every kind of signal, and runs that fit them, which tests share."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from inr.signal.audio import RecordingFormat, write_recording
from inr.signal.video import write_video
from tests.conftest import Result

KNOBS = [
    "encoding.num_frequencies=16",
    "encoding.scale=2",
    "network.hidden_features=16",
    "network.hidden_layers=2",
    "sampler.batch_size=256",
    "callback.ntk_spectrum.num_points=32",
    "callback.progress=null",
    "trainer.accelerator=cpu",
    "trainer.max_steps=40",
    "trainer.precision=32-true",
]
# What has to be typed beside the path.
EXTRA = {
    "table.csv": ["signal.column=height"],
    "volume.raw": ["signal.shape=[6,7,10]", "signal.dtype=int16"],
}
FORMULA = ["signal=function", "signal.kind=sines", "signal.size=[12,20]"]
# From voxel numbers (x, y, z) to millimetres: turned, stretched, and seen in a mirror.
AFFINE = np.array([[0, 2, 0, 5], [1.5, 0, 0, -7], [0, 0, 3, 11], [0, 0, 0, 1.0]])
SLOPE, INTERCEPT = 2.0, -100.0
RATE = 8000


def voxels() -> np.ndarray:
    """``(6, 7, 10)`` int16, with no two axes alike."""
    z, y, x = np.mgrid[:6, :7, :10]
    bump = np.exp(-(((x - 3) / 3) ** 2) - ((y - 4) / 2) ** 2 - ((z - 2) / 4) ** 2)
    return (1000 * bump + 20 * x - 300).astype(np.int16)


def samples() -> np.ndarray:
    """``(700, 2)`` int16: another pitch in each ear."""
    time = np.arange(700) / RATE
    waves = [0.8 * np.sin(2 * np.pi * 60 * time), 0.4 * np.cos(2 * np.pi * 25 * time)]
    return np.rint(2**15 * np.stack(waves, axis=1)).astype(np.int16)


def frames() -> np.ndarray:
    """``(5, 10, 14, 3)`` uint8: colours that drift to the right and down."""
    t, y, x = np.mgrid[:5, :10, :14]
    waves = [np.cos(0.3 * x - 0.5 * t), np.sin(0.4 * y - 0.3 * t), np.cos(0.2 * (x + y) + 0.4 * t)]
    return np.rint(127.5 * (1 + np.stack(waves, axis=-1))).astype(np.uint8)


def heights() -> np.ndarray:
    """``(60,)`` float64."""
    x = np.linspace(0, 1, 60)
    return 2 + 3 * np.sin(9 * x) * x


@pytest.fixture(scope="session")
def small_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small file of each format."""
    import h5py
    import nibabel
    import tifffile
    import zarr

    folder, volume = tmp_path_factory.mktemp("signals"), voxels()
    np.savez(folder / "volume.npz", scan=volume)
    np.save(folder / "volume.npy", volume.astype(np.float32) / 7)
    image = nibabel.Nifti1Image(volume.transpose(2, 1, 0), AFFINE)
    image.header.set_slope_inter(SLOPE, INTERCEPT)
    nibabel.save(image, folder / "volume.nii.gz")
    tifffile.imwrite(folder / "volume.tiff", (volume + 300).astype(np.uint16))
    with h5py.File(folder / "volume.h5", "w") as file:
        file["scans/ct"] = volume
    zarr.save(str(folder / "volume.zarr"), volume)
    volume.tofile(folder / "volume.raw")
    sound = samples()
    write_recording(
        folder / "sound.wav", sound, RecordingFormat("WAV", "PCM_16", RATE, 2.0**15, (-1, 1))
    )
    deep = 100 * sound.astype(np.int32)
    write_recording(
        folder / "sound.flac", deep, RecordingFormat("FLAC", "PCM_24", RATE, 2.0**23, (-1, 1))
    )
    write_video(folder / "video.gif", frames(), 10)
    write_video(folder / "video.mp4", frames().repeat(4, axis=1).repeat(4, axis=2), 12)
    rows = np.stack([np.arange(60) / 10, heights()], axis=1)
    np.savetxt(folder / "table.csv", rows, delimiter=",", header="time,height", comments="")
    np.save(folder / "column.npy", heights())
    return folder


RunOf = Callable[..., Path]


@pytest.fixture(scope="session")
def finished_runs() -> dict[str, Path]:
    """Runs by what was fitted."""
    return {}


@pytest.fixture
def run_of(
    run_command: Callable[..., Result],
    small_files: Path,
    finished_runs: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> RunOf:
    """The run that fits a small file, or ``formula``: made once, and not to be written to."""

    def run(name: str) -> Path:
        if name not in finished_runs:
            folder = tmp_path_factory.mktemp("runs") / name
            result = run_command("inr-fit", *fit_arguments(small_files, name, folder))
            assert result.status == 0, result.err
            finished_runs[name] = folder
        return finished_runs[name]

    return run


def fit_arguments(files: Path, name: str, folder: Path) -> list[str]:
    """What is typed to fit a small file, or ``formula``."""
    what = FORMULA if name == "formula" else [str(files / name), *EXTRA.get(name, [])]
    return [*what, *KNOBS, f"hydra.run.dir={folder}"]
