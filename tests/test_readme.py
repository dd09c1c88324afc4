"""The README is true: every command in it runs, and its tables and pictures are there."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from inr.cli.override import DATA, last_value
from tests.conftest import ROOT, SAMPLE, Result

DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def commands(text: str) -> list[str]:
    """Lines of shell blocks that call the program."""
    blocks = re.findall(r"^```bash\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines() if line.startswith("inr-")]


COMMANDS = commands(README)
THEORY_COMMANDS = commands((DOCS / "theory.md").read_text())
SIGNAL_COMMANDS = commands((DOCS / "signals.md").read_text())
SCRIPTS = re.findall(r"scripts/[\w.]+", README)
SMALL = [
    "signal.size=[24,32]",
    "network.hidden_features=8",
    "callback.ntk_spectrum.num_points=16",
    "trainer.max_steps=2",
]


SMALLEST = SMALL[1:]
# Files that commands about other signals than images name, and what makes a run of each small.
SMALL_FILE = {
    "scan.nii.gz": ["signal.size=[6,8,10]", *SMALLEST],
    "mesh.obj": [
        "signal.resolution=12",
        "signal.lattice_size=8",
        "sampler.pool_size=256",
        *SMALLEST,
    ],
    "points.xyz": ["signal.resolution=12", "signal.lattice_size=8", *SMALLEST],
    "song.wav": ["signal.seconds=0.05", *SMALLEST],
    "clip.gif": ["signal.size=[8,10]", *SMALLEST],
    "table.csv": SMALLEST,
    "signal=function": SMALLEST,
}

SMALL_EXPERIMENT = {
    "ntk_1d": ["num_points=8", "bandwidth=4", "hidden_features=16", "steps=3"],
    "ntk_1d_scale": [
        *("num_signals=1", "num_points=16", "bandwidth=8", "num_scales=2", "num_draws=1"),
        *("num_networks=1", "hidden_features=16", "steps=3"),
    ],
    "spectral_bias": ["frequencies=[1,2,4]", "num_points=32", "hidden_features=1024", "fit_from=1"],
    "lazy": ["widths=[8,16]", "steps=3", "repeats=2"],
    "overparameterized": ["widths=[16,64]", "side=3", "steps=9", "repeats=2"],
    "nngp": ["widths=[8,16]", "num_networks=9"],
}


def test_there_are_commands() -> None:
    assert (len(COMMANDS), len(THEORY_COMMANDS), len(SIGNAL_COMMANDS)) == (23, 8, 12)


def is_of_a_signal(command: str) -> bool:
    """Whether it fits another signal than an image."""
    return command.split()[1] in SMALL_FILE


def write_signals() -> None:
    """The files of :data:`SMALL_FILE`."""
    import nibabel

    from inr.mesh import PointCloud, read_mesh, read_points, write_mesh, write_points

    volume = np.load(DATA / "sample_volume.npz")["phantom"]
    nibabel.save(nibabel.Nifti1Image(volume, np.diag([1.0, 2.0, 3.0, 1.0])), "scan.nii.gz")
    write_mesh("mesh.obj", read_mesh(DATA / "sample_shape.ply"))
    cloud = read_points(DATA / "sample_points.ply")
    write_points("points.xyz", PointCloud(cloud.points, cloud.normals))
    shutil.copy(DATA / "sample_sound.wav", "song.wav")
    shutil.copy(DATA / "sample_video.gif", "clip.gif")
    rows = [f"{n},{np.sin(n / 5)}" for n in range(64)]
    Path("table.csv").write_text("\n".join(["x,y", *rows]))


@pytest.mark.parametrize(
    "command", dict.fromkeys(filter(is_of_a_signal, COMMANDS + SIGNAL_COMMANDS))
)
def test_every_command_of_another_signal_runs(
    command: str, run_command: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_signals()
    monkeypatch.setattr("inr.signal._surface_display.EDGE", 32)
    monkeypatch.setattr("inr.signal.shape.display.TEST_POINTS", 1000)
    monkeypatch.setattr("inr.signal.shape.display.COMPARED_POINTS", 1000)
    program, *arguments = shlex.split(command.replace("[", "'[").replace("]", "]'"))
    typed = {argument.partition("=")[0] for argument in arguments}
    small = [o for o in SMALL_FILE[arguments[0]] if o.partition("=")[0] not in typed]
    result = run_command(program, *arguments, *small)
    assert result.status == 0, result.err


@pytest.fixture(scope="module")
def volume_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the sample volume."""
    folder = tmp_path_factory.mktemp("volume") / "RUN"
    command = [sys.executable, "-c", "from inr.cli.fit import main; main()", "signal=volume"]
    small = [*SMALL_FILE["scan.nii.gz"], "trainer.accelerator=cpu", "logger=none"]
    subprocess.run(
        [*command, *small, "trainer.max_steps=100", f"hydra.run.dir={folder}"], check=True
    )
    return folder


@pytest.mark.parametrize("command", [c for c in SIGNAL_COMMANDS if c.startswith("inr-render")])
def test_every_rendering_of_a_volume_runs(
    command: str, volume_run: Path, run_command: Callable[..., Result]
) -> None:
    program, *arguments = shlex.split(command)
    # In the sample's own numbers.
    small = {"128x128x128": "8x8x8", "256": "12", "0.5": "60", "RUN": str(volume_run)}
    result = run_command(program, *(small.get(argument, argument) for argument in arguments))
    assert result.status == 0, result.err


@pytest.mark.parametrize(
    "command", [c for c in dict.fromkeys(COMMANDS + THEORY_COMMANDS) if not is_of_a_signal(c)]
)
def test_every_command_runs(command: str, run_command: Callable[..., Result]) -> None:
    shutil.copy(SAMPLE, "photo.png")
    Path("photos").mkdir()
    for name in ("a.png", "b.png"):
        shutil.copy(SAMPLE, Path("photos") / name)
    program, *arguments = shlex.split(command.replace("[", "'[").replace("]", "]'"))
    if "RUN" in command:
        assert run_command("inr-fit", "photo.png", *SMALL, "hydra.run.dir=RUN").status == 0
        small = ["trainer.max_steps=3"] if program == "inr-fit" else []
    elif last_value(arguments, "experiment"):
        name = arguments[0].partition("=")[2]
        small = [f"experiment.{option}" for option in SMALL_EXPERIMENT[name]]
    else:
        typed = {argument.partition("=")[0] for argument in arguments}
        small = [o for o in SMALL if o == SMALL[-1] or o.partition("=")[0] not in typed]
    result = run_command(program, *arguments, *small)
    assert result.status == 0, result.err


def test_the_other_commands_are_those_that_are_tested_elsewhere() -> None:
    others = [
        line
        for language, block in BLOCKS
        if language == "bash"
        for line in block.splitlines()
        if line.strip() and not line.startswith("inr-")
    ]
    assert others == [
        "scripts/fit",
        "scripts/test",
        "source .venv/bin/activate",
        "tensorboard --logdir runs",
    ]


def test_tensorboard_is_installed() -> None:
    assert shutil.which("tensorboard", path=Path(sys.executable).parent)


@pytest.mark.skipif(
    not Path(sys.prefix).samefile(ROOT / ".venv") if (ROOT / ".venv").exists() else True,
    reason="needs the environment that scripts/setup makes",
)
def test_the_first_command_runs() -> None:
    done = subprocess.run(
        [ROOT / "scripts" / "fit", *SMALL], capture_output=True, text=True, check=True
    )
    assert "PSNR" in done.stdout


@pytest.mark.parametrize("script", sorted(set(SCRIPTS)))
def test_every_script_is_there(script: str) -> None:
    assert (ROOT / script).is_file()


def test_the_library_example_runs() -> None:
    codes = [block for language, block in BLOCKS if language == "python"]
    assert len(codes) == 2
    for code in codes:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout.startswith("tensor([")


@pytest.mark.parametrize(("page", "tensors"), [("kernel.md", 2), ("theory.md", 2)])
def test_the_example_of_a_page_runs(page: str, tensors: int) -> None:
    text = (DOCS / page).read_text()
    (code,) = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.count("tensor([") == tensors


def test_the_example_of_the_library_runs() -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```", (DOCS / "library.md").read_text(), re.S | re.M)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) > 0
    assert Path("photo.safetensors").is_file()


def test_the_example_of_an_encoding_keeps_the_contract() -> None:
    import textwrap

    from inr.testing import check_encoding

    (code,) = re.findall(r"   ```python\n(.*?)   ```", README, re.DOTALL)
    scope: dict[str, object] = {"__name__": "mine"}
    exec(textwrap.dedent(code), scope)
    check_encoding(scope["MineEncoding"](2, weight=3.0))  # type: ignore[operator]


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{p.name}" for p in DOCS.glob("*.md"))])
def test_every_link_leads_somewhere(page: str) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", (ROOT / page).read_text()):
        assert "://" in link or ((ROOT / page).parent / link).exists(), link


def test_the_tables_are_up_to_date() -> None:
    command = [sys.executable, ROOT / "scripts" / "make_tables.py", "--check"]
    subprocess.run(command, check=True)
