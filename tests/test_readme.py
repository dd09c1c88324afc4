"""The README is true: every command in it runs, and its tables and pictures are there."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from inr.cli.override import SAMPLE
from tests.conftest import ROOT, Result

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
COMMANDS = [
    line
    for language, block in BLOCKS
    if language == "bash"
    for line in block.splitlines()
    if line.startswith("inr-")
]
SCRIPTS = re.findall(r"scripts/[\w.]+", README)
SMALL = [
    "signal.size=[24,32]",
    "network.hidden_features=8",
    "callback.ntk_spectrum.num_points=16",
    "trainer.max_steps=2",
]


def test_there_are_commands() -> None:
    assert len(COMMANDS) == 12


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_runs(command: str, run_command: Callable[..., Result]) -> None:
    shutil.copy(SAMPLE, "photo.png")
    program, *arguments = shlex.split(command.replace("[", "'[").replace("]", "]'"))
    if "RUN" in command:
        assert run_command("inr-fit", "photo.png", *SMALL, "hydra.run.dir=RUN").status == 0
        small = ["trainer.max_steps=3"] if program == "inr-fit" else []
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
    (code,) = [block for language, block in BLOCKS if language == "python"]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("tensor([")


def test_the_example_of_the_kernels_page_runs() -> None:
    page = (ROOT / "docs" / "kernel.md").read_text()
    (code,) = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.count("tensor([") == 2


def test_the_example_of_an_encoding_keeps_the_contract() -> None:
    import textwrap

    from inr.testing import check_encoding

    (code,) = re.findall(r"   ```python\n(.*?)   ```", README, re.DOTALL)
    scope: dict[str, object] = {"__name__": "mine"}
    exec(textwrap.dedent(code), scope)
    check_encoding(scope["MineEncoding"](2, weight=3.0))  # type: ignore[operator]


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)]+)\)", README))
def test_every_link_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


def test_the_tables_are_up_to_date() -> None:
    command = [sys.executable, ROOT / "scripts" / "make_tables.py", "--check"]
    subprocess.run(command, check=True)
