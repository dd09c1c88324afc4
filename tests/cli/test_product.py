"""What ``inr-render`` makes of volumes, sounds, videos and functions."""

import csv
import shutil
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import imageio.v3 as imageio
import nibabel
import numpy as np
import pytest
import tifffile
import torch
from omegaconf import OmegaConf

from inr.cli.build import build_field, build_parts
from inr.cli.compose import compose_config
from inr.cli.failure import BadInputError
from inr.cli.product import make_product, natural_size, slice_description
from inr.cli.regression import PARTS, regress
from inr.cli.render import _parser
from inr.cli.saved_run import SavedRun, load_run
from inr.field.file import FieldDescription, save_field
from inr.mesh import Mesh, read_mesh, signed_volume, write_mesh
from inr.ntk import empirical_ntk
from tests.cli.conftest import AFFINE, INTERCEPT, KNOBS, RATE, SLOPE, RunOf, heights, voxels
from tests.conftest import Result

Render = Callable[..., None]


@pytest.fixture
def render(run_command: Callable[..., Result]) -> Render:
    """Runs an ``inr-render`` that must succeed."""

    def run(*arguments: str | Path) -> None:
        result = run_command("inr-render", *arguments)
        assert result.status == 0, result.err
        assert result.out.strip() == str(arguments[list(arguments).index("-o") + 1])

    return run


def field_at(run: Path, coords: np.ndarray) -> np.ndarray:
    """The saved field at ``(..., d)`` points, in float64."""
    with torch.no_grad():
        found: np.ndarray = load_run(str(run)).field.double()(torch.from_numpy(coords)).numpy()
    return found


def points(
    shape: tuple[int, ...], lower: tuple[float, ...], upper: tuple[float, ...]
) -> np.ndarray:
    """Centres of the cells of a box, ``(*shape, d)``."""
    axes = [(np.arange(n) + 0.5) / n for n in shape]
    unit = np.stack(np.meshgrid(*axes, indexing="ij")[::-1], axis=-1)
    return np.array(lower) + unit * (np.array(upper) - np.array(lower))


def voxels_of(run: Path, coords: np.ndarray) -> np.ndarray:
    """The numbers of the NIfTI file that the field says."""
    least, most = voxels().min(), voxels().max()
    return np.clip(least + field_at(run, coords)[..., 0] * (most - least), least, most)


NATIVE = {
    "volume.nii.gz": "out.nii.gz",
    "volume.npz": "out.npz",
    "sound.wav": "out.wav",
    "sound.flac": "out.flac",
    "video.gif": "out.gif",
    "table.csv": "out.csv",
    "formula": "out.npz",
}


@pytest.mark.parametrize("name", NATIVE)
def test_native_size_is_the_reconstruction(name: str, run_of: RunOf, render: Render) -> None:
    run, out = run_of(name), NATIVE[name]
    render(run, "-o", out)
    saved = run / f"reconstruction{out.removeprefix('out')}"
    # What is packed has a date and a name.
    if out.endswith(".npz"):
        found, expected = np.load(out), np.load(saved)
        assert found.keys() == expected.keys()
        assert all(np.array_equal(found[key], expected[key]) for key in found)
    elif out.endswith(".gz"):
        found, expected = nibabel.load(out), nibabel.load(saved)
        assert np.array_equal(found.get_fdata(), expected.get_fdata())
        assert found.header == expected.header
    else:
        assert Path(out).read_bytes() == saved.read_bytes()


def test_a_checkpoint_renders_like_its_run(run_of: RunOf, render: Render) -> None:
    run = run_of("table.csv")
    render(run / "checkpoints" / "last.ckpt", "-o", "out.csv")
    assert Path("out.csv").read_text() == (run / "reconstruction.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "shape", "lower", "upper"),
    [
        (["--scale", "2"], (12, 14, 20), (0, 0, 0), (1, 1, 1)),
        (["--size", "3x8x5"], (3, 8, 5), (0, 0, 0), (1, 1, 1)),
        (["--region", "0.5,0.25,0,1,0.75,0.5"], (3, 4, 5), (0.5, 0.25, 0), (1, 0.75, 0.5)),
        (
            ["--region", "-0.1,0.25,0,0.5,0.75,0.3", "--size", "2x3x4"],
            (2, 3, 4),
            (-0.1, 0.25, 0),
            (0.5, 0.75, 0.3),
        ),
    ],
)
def test_a_part_of_a_volume_stands_where_it_was(
    arguments: list[str],
    shape: tuple[int, ...],
    lower: tuple[float, ...],
    upper: tuple[float, ...],
    run_of: RunOf,
    render: Render,
) -> None:
    run = run_of("volume.nii.gz")
    render(run, *arguments, "-o", "out.nii")
    found = nibabel.load("out.nii")
    coords = points(shape, lower, upper)
    stored = found.dataobj.get_unscaled().transpose(2, 1, 0)
    # Rounded, of float32.
    assert np.abs(stored - voxels_of(run, coords)).max() < 0.51
    assert (found.dataobj.slope, found.dataobj.inter) == (SLOPE, INTERCEPT)
    at = coords[0, 1, 2] * [10, 7, 6] - 0.5
    world = found.affine @ [2, 1, 0, 1]
    np.testing.assert_allclose(world, AFFINE @ [*at, 1], atol=1e-4)


def read_wave(path: str) -> tuple[np.ndarray, int]:
    with wave.open(path) as file:
        return np.frombuffer(file.readframes(-1), np.int16).reshape(-1, 2), file.getframerate()


@pytest.mark.parametrize(
    ("arguments", "count", "lower", "upper", "rate"),
    [
        (["--scale", "2"], 1400, 0, 1, 2 * RATE),
        (["--size", "350"], 350, 0, 1, RATE // 2),
        (["--region", "0.25,0.75"], 350, 0.25, 0.75, RATE),
        (["--region", "-0.5,1"], 1050, -0.5, 1, RATE),
    ],
)
def test_a_part_of_a_sound_has_its_pitch(
    arguments: list[str],
    count: int,
    lower: float,
    upper: float,
    rate: int,
    run_of: RunOf,
    render: Render,
) -> None:
    run = run_of("sound.wav")
    render(run, *arguments, "-o", "out.wav")
    found, its_rate = read_wave("out.wav")
    expected = 2**15 * field_at(run, points((count,), (lower,), (upper,)))
    assert found.shape == (count, 2)
    assert its_rate == rate
    # Rounded, of float32 at coordinates of float32.
    assert np.abs(found - expected.clip(-(2**15), 2**15 - 1)).max() < 2


def test_a_part_of_a_table_has_its_coordinates(run_of: RunOf, render: Render) -> None:
    run = run_of("table.csv")
    render(run, "--region", "0.5,0.75", "--scale", "2", "-o", "out.csv")
    with Path("out.csv").open(newline="") as file:
        x, y = np.array(list(csv.reader(file))[1:], float).T
    coords = points((30,), (0.5,), (0.75,))
    np.testing.assert_allclose(x, coords[:, 0])
    low, high = heights().min(), heights().max()
    expected = np.clip(low + (field_at(run, coords)[:, 0] + 1) / 2 * (high - low), low, high)
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_a_part_of_a_plane_has_its_values(run_of: RunOf, render: Render) -> None:
    run = run_of("formula")
    render(run, "--region", "0.5,0,0.75,0.5", "-o", "out.npz")
    found, known = np.load("out.npz"), load_run(str(run)).description.format
    coords = points((6, 5), (0.5, 0), (0.75, 0.5))
    np.testing.assert_allclose(found["coords"].reshape(6, 5, 2), coords, atol=1e-12)
    share = np.clip(field_at(run, coords)[..., 0] + 1, 0, 2) / 2
    expected = known["low"] + share * (known["high"] - known["low"])
    np.testing.assert_allclose(found["values"], expected, atol=1e-4)


@pytest.mark.parametrize(
    ("cut", "shape", "axes"),
    [("z=0.25", (7, 10), (0, 1)), ("y=0.3", (6, 10), (0, 2)), ("x=0.9", (6, 7), (1, 2))],
)
def test_a_slice_is_the_field_on_a_plane(
    cut: str, shape: tuple[int, int], axes: tuple[int, int], run_of: RunOf, render: Render
) -> None:
    run = run_of("volume.nii.gz")
    render(run, "--slice", cut, "-o", "out.tiff")
    coords = np.full((*shape, 3), float(cut[2:]))
    coords[..., axes] = points(shape, (0, 0), (1, 1))
    found = tifffile.imread("out.tiff")
    assert (found.shape, found.dtype) == (shape, np.int16)
    assert np.abs(found - voxels_of(run, coords)).max() < 0.51
    render(run, "--slice", cut, "--scale", "2", "--region", "0.5,0,1,0.5", "-o", "part.tiff")
    part = tifffile.imread("part.tiff")
    coords = np.full((*part.shape, 3), float(cut[2:]))
    coords[..., axes] = points(part.shape, (0.5, 0), (1, 0.5))
    assert part.shape == shape
    assert np.abs(part - voxels_of(run, coords)).max() < 0.51


@pytest.mark.parametrize(
    ("cut", "shape", "axes"), [("t=0.3", (10, 14), (0, 1)), ("x=0.25", (5, 10), (1, 2))]
)
def test_a_moment_of_a_video_is_an_image(
    cut: str, shape: tuple[int, int], axes: tuple[int, int], run_of: RunOf, render: Render
) -> None:
    run = run_of("video.gif")
    render(run, "--slice", cut, "-o", "out.png")
    coords = np.full((*shape, 3), float(cut[2:]))
    coords[..., axes] = points(shape, (0, 0), (1, 1))
    found = imageio.imread("out.png")
    expected = 255 * field_at(run, coords).clip(0, 1)
    assert found.shape == (*shape, 3)
    assert np.abs(found - expected).max() < 0.51


def slopes(run: Path, coords: np.ndarray) -> np.ndarray:
    """Central differences, ``(*shape, c, d)``."""
    step = 1e-5
    columns = [
        (field_at(run, coords + step * axis) - field_at(run, coords - step * axis)) / (2 * step)
        for axis in np.eye(coords.shape[-1])
    ]
    return np.stack(columns, axis=-1)


# What derivatives are in, how much the file's numbers grow with a value that grows by 1, and the
# edges of the cube, x first.
SCALES = {
    "volume.npz": ("voxel values per voxel", np.ptp(voxels().astype(float)), [10, 7, 6]),
    "volume.nii.gz": (
        "voxel values per unit of length",
        SLOPE * np.ptp(voxels().astype(float)),
        [10 * 1.5, 7 * 2, 6 * 3],
    ),
    "sound.wav": ("sample values per second", 2**15, [700 / RATE]),
    "video.gif": ("pixel values per pixel or per frame", 255, [14, 10, 5]),
    "table.csv": ("values per point", np.ptp(heights()) / 2, [60]),
}


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("volume.npz", (6, 7, 10)),
        ("volume.nii.gz", (6, 7, 10)),
        ("sound.wav", (700,)),
        ("video.gif", (5, 10, 14)),
        ("table.csv", (60,)),
    ],
)
def test_a_gradient_is_what_differences_say(
    name: str, shape: tuple[int, ...], run_of: RunOf, render: Render
) -> None:
    run = run_of(name)
    render(run, "--gradient", "-o", "out.npz")
    written, corner = np.load("out.npz"), (0,) * len(shape)
    units, growth, edges = SCALES[name]
    found = written["gradient"] / (growth / np.array(edges))
    assert str(written["units"]) == units
    expected = slopes(run, points(shape, corner, (1,) * len(shape)))
    assert found.shape == expected.shape
    # Float32, and at a corner of a rectifier differences are between both sides.
    wrong = np.abs(found - expected) > 1e-3 * np.abs(expected).max()
    assert wrong.mean() < 0.02


def test_a_slice_has_a_picture_of_its_gradient(run_of: RunOf, render: Render) -> None:
    run = run_of("volume.nii.gz")
    render(run, "--gradient", "--slice", "y=0.4", "--size", "9x11", "-o", "out.png")
    coords = np.full((9, 11, 3), 0.4)
    coords[..., [0, 2]] = points((9, 11), (0, 0), (1, 1))
    # A voxel is 1.5 wide and 3 deep.
    inside = slopes(run, coords)[..., 0, [0, 2]] / [10 * 1.5, 6 * 3]
    lengths = np.linalg.norm(inside, axis=-1)
    found = imageio.imread("out.png").astype(float)
    assert np.quantile(np.abs(found - 255 * lengths / lengths.max()), 0.95) < 1


def test_a_table_keeps_its_axis(
    run_command: Callable[..., Result], render: Render, small_files: Path
) -> None:
    columns = ["signal.column=height", "signal.x=time"]
    table = str(small_files / "table.csv")
    fitted = run_command("inr-fit", table, *columns, *KNOBS, "hydra.run.dir=run")
    assert fitted.status == 0, fitted.err
    header, *rows = Path("run/reconstruction.csv").read_text().splitlines()
    assert header == "time,height"
    np.testing.assert_allclose(np.loadtxt(rows, delimiter=",")[:, 0], np.arange(60) / 10, atol=1e-9)
    # Ten rows for each unit of time: 30 to 45 of 60 rows are those from 3 to 4.5, each in half.
    render("run", "--region", "0.5,0.75", "--scale", "2", "-o", "part.csv")
    part = np.loadtxt("part.csv", delimiter=",", skiprows=1)
    np.testing.assert_allclose(part[:, 0], 2.975 + np.arange(30) * 0.05, atol=1e-9)
    render("run", "--gradient", "-o", "slopes.npz")
    assert str(np.load("slopes.npz")["units"]) == "values per unit of time"


def test_a_mesh_of_a_volume_is_in_the_world_at_a_level(run_of: RunOf, render: Render) -> None:
    run = run_of("volume.nii.gz")
    level = 500.0
    render(run, "--mesh", "--resolution", "30", "--level", str(level), "-o", "out.ply")
    mesh = read_mesh("out.ply")
    inside = np.linalg.inv(AFFINE)
    at = mesh.vertices @ inside[:3, :3].T + inside[:3, 3]
    coords = (at + 0.5) / [10, 7, 6]
    assert ((coords > -1e-5) & (coords < 1 + 1e-5)).all()
    # What the cube cuts off is closed there.
    within = (np.abs(coords - 0.5) < 0.499).all(1)
    physical = SLOPE * voxels_of(run, coords[within]) + INTERCEPT
    assert within.mean() > 0.3
    assert np.abs(physical - level).mean() < 0.02 * SLOPE * np.ptp(voxels())
    assert signed_volume(mesh.corners) > 0


@pytest.mark.parametrize("name", ["volume.npz", "table.csv"])
def test_kernel_regression_is_of_the_weights_of_the_first_step(
    name: str, run_command: Callable[..., Result], render: Render, small_files: Path
) -> None:
    shutil.copy(small_files / name, name)
    which = ["signal.column=height"] if name == "table.csv" else ["signal.crop=[0,0,0,4,3,2]"]
    fitted = run_command("inr-fit", name, *which, *KNOBS, "seed=3", "hydra.run.dir=run")
    assert fitted.status == 0, fitted.err
    out = f"out{Path(name).suffix}"
    render("run", "--regression", "-o", out)
    kind = ["signal=volume"] if name == "volume.npz" else ["signal=function", "signal.kind=file"]
    cfg = compose_config([*kind, f"signal.path={name}", *which, *KNOBS, "seed=3"])
    parts = build_parts(cfg)
    x, y = parts.signal.train_points(None)[:2]
    field = parts.field.double()
    kernel = empirical_ntk(field, x.double(), outputs="full")
    with torch.no_grad():
        start = field(x.double())
        missing = (y.double() - start).flatten()
        values, vectors = torch.linalg.eigh(kernel)
        # What is learned within any time: the null space is not.
        kept = values > 1e-10 * values[-1]
        learned = vectors[:, kept] @ (vectors[:, kept].T @ missing)
        expected = (start.flatten() + learned).numpy()
    lower, upper = parts.signal.value_range
    known = load_run("run").description.format
    known = known.get("pixel_format", known)
    share = ((expected - lower) / (upper - lower)).clip(0, 1)
    stored = known["low"] + share * (known["high"] - known["low"])
    if name == "table.csv":
        with Path(out).open(newline="") as file:
            found = np.array(list(csv.reader(file))[1:], float)[:, 1]
    else:
        found = np.load(out)["scan"].ravel()
    assert np.abs(found - stored).max() < 0.51 + 1e-2 * (known["high"] - known["low"])


BAD = [
    ("sound.wav", ["--slice", "z=0.5"], "a field of audio has 1"),
    ("formula", ["--slice", "x=0.5"], "a field of function has 2"),
    ("video.gif", ["--slice", "z=0.5"], "as in t=0.5"),
    ("volume.npz", ["--slice", "t=0.5"], "as in z=0.5"),
    ("volume.npz", ["--slice", "z"], "AXIS=POSITION"),
    ("volume.npz", ["--slice", "z=inf"], "AXIS=POSITION"),
    ("volume.npz", ["--slice", "z=0.5", "--size", "2x3x4"], "for each of 2 axes"),
    ("volume.npz", ["--slice", "z=0.5", "-o", "a.nii"], ".png"),
    ("video.gif", ["--mesh"], "wants a field in space with one value, and this is of video"),
    ("sound.wav", ["--mesh"], "this is of audio"),
    ("formula", ["--mesh"], "this is of function"),
    ("volume.npz", ["--mesh", "--size", "3x3x3"], "--size is not of a mesh"),
    ("volume.npz", ["--mesh", "--gradient"], "--gradient is not of a mesh"),
    ("volume.npz", ["--mesh", "--resolution", "1"], "expected 2 or more"),
    ("volume.npz", ["--mesh", "--level", "5000"], "no surface at 5000"),
    ("volume.npz", ["--mesh", "-o", "a.npz"], ".ply"),
    ("volume.npz", ["--level", "3"], "expected --mesh with it"),
    ("volume.npz", ["--resolution", "3"], "expected --mesh with it"),
    ("volume.npz", ["--size", "3x4"], "for each of 3 axes, as in 6x7x10"),
    ("volume.npz", ["--region", "0,0,1,1"], "expected 6 numbers"),
    ("volume.npz", ["-o", "a.png"], ".nii.gz"),
    ("volume.npz", ["--gradient", "-o", "a.png"], "expected .npz"),
    ("sound.wav", ["--size", "3x4"], "for each of 1 axes, as in 700"),
    ("sound.wav", ["--region", "0,0,1,1"], "expected 2 numbers"),
    ("sound.wav", ["--region", "0.5,0.5"], "expected X0,Y0,X1,Y1"),
    ("sound.wav", ["-o", "a.mp3"], ".wav or .flac"),
    ("sound.flac", ["--scale", "100"], "at most 655,350"),
    ("video.gif", ["-o", "a.avi"], ".mp4 or .gif"),
    ("table.csv", ["-o", "a.png"], ".csv or .npz"),
    ("formula", ["-o", "a.csv"], "expected .npz"),
]


@pytest.mark.parametrize(("name", "arguments", "message"), BAD)
def test_what_means_nothing_ends_in_one_line(
    name: str,
    arguments: list[str],
    message: str,
    run_of: RunOf,
    run_command: Callable[..., Result],
) -> None:
    run = run_of(name)
    files = sorted(run.iterdir())
    result = run_command("inr-render", run, *arguments)
    assert result.status == 2, result.err
    assert message in result.err
    assert result.err.count("\n") == 1
    assert sorted(run.iterdir()) == files
    assert list(Path().iterdir()) == []


def test_products_have_names_of_their_own(
    run_of: RunOf, run_command: Callable[..., Result]
) -> None:
    shutil.copytree(run_of("volume.npz"), "run")
    for options, name in {
        (): "render_6x7x10.npz",
        ("--regression",): "regression_6x7x10.npz",
        ("--gradient",): "gradient_render_6x7x10.npz",
        ("--slice", "z=0.5"): "slice_z=0.5_7x10.tiff",
        ("--slice", "z=0.5", "--regression"): "regression_slice_z=0.5_7x10.tiff",
        ("--slice", "z=0.5", "--gradient"): "gradient_slice_z=0.5_7x10.png",
        ("--mesh",): "render_10.ply",
        ("--mesh", "--resolution", "9", "--level", "100"): "render_9_100.ply",
        ("--region", "0,0,0,0.5,1,1"): "render_6x7x5_0_0_0_0.5_1_1.npz",
    }.items():
        result = run_command("inr-render", "run", *options)
        assert result.status == 0, result.err
        assert result.out.strip() == f"run/{name}"
        assert Path("run", name).is_file()


@pytest.mark.parametrize(
    ("lattice", "region", "scale", "size"),
    [
        ((100,), None, 1.0, (100,)),
        ((100,), ((0.25,), (0.5,)), 2.0, (50,)),
        ((10, 20), ((0.0, 0.5), (0.25, 1.0)), 1.0, (5, 5)),
        ((10, 20, 40), ((0.0, 0.5, 0.1), (0.25, 1.0, 0.3)), 1.0, (2, 10, 10)),
        ((10, 20, 40), None, 0.01, (1, 1, 1)),
    ],
)
def test_a_region_has_the_density_of_the_whole(
    lattice: tuple[int, ...],
    region: tuple[tuple[float, ...], tuple[float, ...]] | None,
    scale: float,
    size: tuple[int, ...],
) -> None:
    assert natural_size(lattice, region, scale) == size


def test_a_run_of_an_unknown_kind_is_rejected(
    run_of: RunOf, run_command: Callable[..., Result]
) -> None:
    shutil.copytree(run_of("sound.wav"), "run")
    run = load_run("run")
    save_field("run/field.safetensors", run.field, replace(run.description, kind="smell"))
    for command in ("inr-render", "inr-spectrum"):
        result = run_command(command, "run")
        assert result.status == 2
        assert "a run of 'smell'; expected one of audio, function" in result.err
        assert result.err.count("\n") == 1


def describe_shape() -> FieldDescription:
    form = {"target": "occupancy", "offset": [0.0, 0.0, 0.0], "scale": 1.0}
    return FieldDescription("shape", 3, 1, (8, 8, 8), form)


def test_a_signal_without_an_end_of_points_has_no_regression() -> None:
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], float)
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    write_mesh("corner.ply", Mesh(corners, faces))
    cfg = compose_config(["signal=shape", "signal.path=corner.ply", *KNOBS])
    config = {str(key): OmegaConf.to_container(cfg[key]) for key in PARTS} | {"seed": 0}
    run = SavedRun(Path(), build_field(cfg, 3, 1), describe_shape(), None, config)
    with pytest.raises(BadInputError, match="a shape is sampled without end; expected"):
        regress(run, torch.device("cpu"), trust=False)


def test_a_shape_has_no_slices() -> None:
    with pytest.raises(ValueError, match="a shape has no slices; expected a run of a signal"):
        slice_description(describe_shape(), 2)


def test_a_gradient_of_a_shape_has_its_lattice() -> None:
    arguments = _parser().parse_args(["RUN", "--gradient"])
    product = make_product(arguments, describe_shape(), None, None)
    assert product.name == "gradient_render_8x8x8.npz"


def test_a_grey_video_has_no_surface() -> None:
    arguments = _parser().parse_args(["RUN", "--mesh"])
    grey = replace(describe_shape(), kind="video")
    with pytest.raises(BadInputError, match="with one value, and this is of video"):
        make_product(arguments, grey, None, None)
