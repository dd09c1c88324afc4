"""What a path is, is told by as little of it as that takes."""

import builtins
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from omegaconf import OmegaConf

from inr.cli.compose import compose_config, register_resolvers
from inr.cli.override import expand_path, quote
from inr.raster import write_raster
from inr.signal import find_kind
from inr.source_file import MissingExtraError
from tests.cli.conftest import EXTRA, KNOBS, heights
from tests.conftest import SAMPLE, SHARED_DATA, Result

KINDS = {
    "volume.npz": "volume",
    "volume.npy": "volume",
    "volume.nii.gz": "volume",
    "volume.tiff": "volume",
    "volume.h5": "volume",
    "volume.zarr": "volume",
    "volume.raw": "volume",
    "sound.wav": "audio",
    "sound.flac": "audio",
    "video.gif": "video",
    "video.mp4": "video",
    "table.csv": "function",
    "column.npy": "function",
}


@pytest.mark.parametrize("name", KINDS)
def test_files_are_what_they_hold(name: str, small_files: Path) -> None:
    assert find_kind(small_files / name) == KINDS[name]


@pytest.mark.parametrize(
    "name", sorted(set(KINDS) - {"volume.raw", "table.csv", "volume.zarr", "column.npy"})
)
def test_a_name_without_a_suffix_changes_nothing(name: str, small_files: Path) -> None:
    Path("thing").write_bytes((small_files / name).read_bytes())
    assert find_kind(Path("thing")) == KINDS[name]


def test_an_image_in_any_format_is_an_image() -> None:
    pixels = np.zeros((4, 5, 3), np.uint8)
    for suffix in (".png", ".tiff"):
        write_raster(f"a{suffix}", pixels)
        assert find_kind(Path(f"a{suffix}")) == "image"


def test_a_tiff_of_pages_is_a_volume_and_one_with_a_thumbnail_an_image() -> None:
    tifffile.imwrite("pages.tiff", np.zeros((3, 8, 9), np.uint16), photometric="minisblack")
    assert find_kind(Path("pages.tiff")) == "volume"
    with tifffile.TiffWriter("thumbnail.tiff") as file:
        file.write(np.zeros((64, 80, 3), np.uint8), photometric="rgb")
        file.write(np.zeros((8, 10, 3), np.uint8), photometric="rgb", subfiletype=1)
    assert find_kind(Path("thumbnail.tiff")) == "image"


def test_an_animation_of_one_frame_is_an_image() -> None:
    from inr.signal.video import write_video

    pixels = np.zeros((2, 6, 8, 3), np.uint8)
    pixels[1] = 255
    write_video("two.gif", pixels, 10)
    write_video("one.gif", pixels[:1], 10)
    assert [find_kind(Path(name)) for name in ("two.gif", "one.gif")] == ["video", "image"]


def test_columns_in_files_of_several_kinds_are_functions() -> None:
    np.savez("columns.npz", time=np.zeros(5), height=np.ones(5))
    np.savetxt("numbers.txt", heights())
    np.save("table.npy", np.zeros((5, 2)))
    for name in ("columns.npz", "numbers.txt", "table.npy"):
        assert find_kind(Path(name)) == "function"


def test_a_folder_is_a_set_of_images_unless_it_is_a_volume(small_files: Path) -> None:
    Path("photos").mkdir()
    assert find_kind(Path("photos")) == "image_set"
    assert find_kind(Path("photos/*.png")) == "image_set"
    assert find_kind(small_files / "volume.zarr") == "volume"


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"RIFF", b"\x93NUMPY", b"PK\x03\x04", b"x"])
def test_what_is_nothing_is_rejected_as_an_image(content: bytes) -> None:
    Path("thing").write_bytes(content)
    assert find_kind(Path("thing")) == "image"
    assert find_kind(Path("missing.png")) == "image"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.STL", "shape"),
        ("a.ply.gz", "shape"),
        ("a.xyz", "point_cloud"),
        ("a.nii.gz", "volume"),
        ("a.npy", "volume"),
        ("a.wav", "audio"),
        ("a.mp4", "video"),
        ("a.csv", "function"),
        ("a.hdr", "image"),
    ],
)
def test_what_is_missing_or_damaged_is_told_by_its_name(name: str, kind: str) -> None:
    assert find_kind(Path(name)) == kind
    Path(name).write_bytes(b"")
    assert find_kind(Path(name)) == kind


ODD = SHARED_DATA / "odd" / "images"
SEVERAL = {"chi.gif": "video", "multipage.tiff": "volume"}


@pytest.mark.skipif(not ODD.is_dir(), reason="no shared data")
def test_odd_images_are_images() -> None:
    found = {path.name: find_kind(path) for path in ODD.iterdir()}
    assert {name: kind for name, kind in found.items() if kind != "image"} == SEVERAL
    assert len(found) > 30


def test_it_loads_no_file_format() -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from inr.cli.override import expand_path\n"
        "expand_path(sys.argv[1:])\n"
        "assert not {'hydra', 'matplotlib', 'av', 'nibabel', 'h5py'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code, str(SAMPLE)], check=True)


def test_a_table_is_read_without_saying_so(small_files: Path) -> None:
    path = small_files / "table.csv"
    assert expand_path([str(path), "seed=1"]) == [
        "seed=1",
        "signal=function",
        "signal.kind=file",
        f"signal.path={quote(path)}",
    ]
    typed = [str(path), "signal=function", "signal.kind=file"]
    assert expand_path(typed).count("signal.kind=file") == 1
    assert "signal.kind=file" in expand_path([str(path), "signal=function"])


def test_a_kind_that_is_typed_is_believed(small_files: Path) -> None:
    path = small_files / "volume.tiff"
    assert expand_path([str(path), "signal=image"]) == [
        "signal=image",
        f"signal.path={quote(path)}",
    ]


PACKAGES = {
    "volume.nii.gz": ("nibabel", "volume"),
    "volume.h5": ("h5py", "volume"),
    "volume.zarr": ("zarr", "volume"),
    "slice.dcm": ("pydicom", "volume"),
    "video.mp4": ("av", "video"),
}


def forbid(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes a package one that is not installed."""
    real = builtins.__import__

    def import_others(name: str, *arguments: Any, **options: Any) -> Any:
        if name.partition(".")[0] == package:
            raise ImportError(f"No module named {name!r}", name=name)
        return real(name, *arguments, **options)

    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(builtins, "__import__", import_others)


def test_each_package_is_an_extra_of_the_project() -> None:
    import tomllib

    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    extras: Mapping[str, list[str]] = tomllib.loads(text)["project"]["optional-dependencies"]
    for package, extra in PACKAGES.values():
        assert any(line.startswith(package) for line in extras[extra])


@pytest.mark.parametrize("name", PACKAGES)
def test_a_missing_package_is_named_with_its_extra(
    name: str,
    small_files: Path,
    run_command: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    package, extra = PACKAGES[name]
    path = small_files / name
    if name == "slice.dcm":
        path = Path(name).resolve()
        path.write_bytes(bytes(128) + b"DICM" + bytes(100))
    forbid(package, monkeypatch)
    result = run_command("inr-fit", path, *KNOBS, "hydra.run.dir=run")
    assert result.status == 2
    assert f"the {package} package" in result.err
    assert f"pip install 'inr[{extra}]'" in result.err
    assert result.err.count("\n") == 1
    assert not Path("run").exists()


def test_a_package_that_is_missing_at_the_end_costs_the_reconstruction_only(
    small_files: Path, run_command: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def reject(path: Path, *_: Any) -> None:
        raise MissingExtraError(f"{path.name} needs the nibabel package")

    monkeypatch.setattr("inr.signal.volume.write.load_writer", reject)
    result = fit(run_command, small_files / "volume.npz")
    assert result.status == 0, result.err
    assert "reconstruction.npz is not written: reconstruction.npz needs the nibabel" in result.err
    assert "field.safetensors" in result.out
    assert "reconstruction" not in result.out
    assert Path("run/metrics.json").is_file()


def fit(run_command: Callable[..., Result], *arguments: str | Path) -> Result:
    return run_command("inr-fit", *arguments, *KNOBS, "trainer.max_steps=2", "hydra.run.dir=run")


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("bad.npy", np.full((3, 4, 5), np.nan), "signal.nonfinite=zero"),
        ("bad.npy", np.zeros((3, 4, 0)), "expected"),
        ("bad.npy", np.array([1.0, np.nan]), "signal.nonfinite=zero"),
        ("bad.npy", np.array(["a", "b"]), "real numbers"),
        ("bad.npy", np.zeros((9, 2)), "Use signal.column="),
    ],
)
def test_what_cannot_be_fitted_ends_in_one_line(
    name: str, values: np.ndarray, message: str, run_command: Callable[..., Result]
) -> None:
    np.save(name, values)
    result = fit(run_command, name)
    assert result.status == 2
    assert message in result.err
    assert result.err.count("\n") == 1
    assert not Path("run").exists()


SMALL = {
    "slice.npy": np.arange(20, dtype=np.uint8).reshape(1, 4, 5),
    "flat.npy": np.full((3, 4, 5), 7, np.uint8),
    "voxel.npy": np.ones((1, 1, 1), np.uint8),
    "two.npy": np.arange(120, dtype=np.uint8).reshape(3, 4, 5, 2),
    "five.npy": np.arange(300, dtype=np.uint8).reshape(3, 4, 5, 5),
    "point.npy": np.array([3.0]),
    "constant.npy": np.full(9, 3.0),
}


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.figures
def test_the_smallest_signals_are_fitted(name: str, run_command: Callable[..., Result]) -> None:
    np.save(name, SMALL[name])
    axes = ["signal.axes=zyxc"] if SMALL[name].ndim == 4 else []
    result = fit(run_command, name, *axes)
    assert result.status == 0, result.err
    assert Path("run/picture.png").is_file()
    assert list(Path("run").glob("reconstruction.*"))
    rendered = run_command("inr-render", "run", "--scale", "2")
    assert rendered.status == 0, rendered.err


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.figures
def test_the_shortest_sounds_are_fitted(count: int, run_command: Callable[..., Result]) -> None:
    from inr.signal.audio import RecordingFormat, write_recording

    form = RecordingFormat("WAV", "PCM_16", 8000, 2.0**15, (-1, 1))
    write_recording("short.wav", np.full((count, 1), 1000, np.int16), form)
    result = fit(run_command, "short.wav")
    assert result.status == 0, result.err
    assert Path("run/reconstruction.wav").is_file()


@pytest.mark.figures
def test_a_video_of_one_frame_is_fitted(
    small_files: Path, run_command: Callable[..., Result]
) -> None:
    result = fit(run_command, small_files / "video.gif", "signal.frames=1")
    assert result.status == 0, result.err
    assert OmegaConf.load("run/.hydra/config.yaml").signal.frames == 1
    assert Path("run/reconstruction.gif").is_file()


def test_every_small_file_needs_no_more_than_its_options(small_files: Path) -> None:
    """A guard for the table of what has to be typed."""
    assert set(EXTRA) <= set(KINDS) == {path.name for path in small_files.iterdir()}


@pytest.mark.parametrize(
    ("arguments", "folder"),
    [
        (["signal=volume", "signal.path='/a/brain scan.nii.gz'"], "brain_scan"),
        (["signal.path=/a/my.photo.png"], "my.photo"),
        (["signal=function", "signal.kind=chirp"], "chirp"),
        (["experiment=ntk_1d"], "ntk_1d"),
    ],
)
def test_a_run_is_named_after_what_is_fitted(arguments: list[str], folder: str) -> None:
    register_resolvers()
    assert compose_config(arguments).hydra.run.dir.split("/")[:2] == ["runs", folder]
