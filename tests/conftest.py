"""What tests of whole commands share."""

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jaxtyping
import pytest
import torch

from tests.shapes import check_annotated_shapes

check_annotated_shapes()

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"
SAMPLE = ROOT / "data" / "sample.png"

TINY = [
    "encoding.num_frequencies=16",
    "network.hidden_features=16",
    "network.hidden_layers=2",
    "sampler.batch_size=256",
    "signal.size=[16,24]",
    "callback.ntk_spectrum.num_points=32",
    "trainer.accelerator=cpu",
    "trainer.max_steps=20",
    "trainer.precision=32-true",  # whatever machine the tests run on
]


@dataclass(frozen=True)
class Result:
    """How a command ended.

    Attributes:
        status: Its exit status.
        out: Its standard output.
        err: Its standard error.
    """

    status: int
    out: str
    err: str


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Names a test by its argument where that is the content of a file, never by the content.

    Compressed content holds the time, and the workers of pytest-xdist must collect equal names.
    """
    is_content = isinstance(val, bytes) or (isinstance(val, str) and not val.isprintable())
    return argname if is_content else None


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands write where they are called."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def draws_of_its_own() -> None:
    """A test draws the same numbers, whichever tests its process ran before."""
    torch.manual_seed(0)


@pytest.fixture
def unchecked_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Annotated shapes are not checked, as where no tests run."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture
def run_command(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> Callable[..., Result]:
    """Runs a command of the package in this process, as a user would in a shell.

    Figures of looks, which take most of a tiny run's time, are drawn for tests marked ``figures``.
    """
    import logging

    from hydra.core.global_hydra import GlobalHydra

    from inr.cli import fit, render, spectrum

    if request.node.get_closest_marker("figures") is None:
        monkeypatch.setattr("inr.callback.ProbeCallback.draw_if_affordable", lambda *_: None)
    programs = {"inr-fit": fit.main, "inr-render": render.main, "inr-spectrum": spectrum.main}

    def run(program: str, *arguments: str | Path) -> Result:
        capsys.readouterr()
        status = 0
        monkeypatch.setattr(sys, "argv", [program, *map(str, arguments)])
        monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
        root_handlers = list(logging.getLogger().handlers)
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            try:
                programs[program]()
            except SystemExit as exit:
                status = exit.code if isinstance(exit.code, int) else int(exit.code is not None)
            finally:
                GlobalHydra.instance().clear()
                logging.getLogger().handlers = root_handlers
        captured = capsys.readouterr()
        return Result(status, captured.out, captured.err)

    return run


@pytest.fixture
def fit(run_command: Callable[..., Result], tmp_path: Path) -> Callable[..., Path]:
    """Runs a tiny ``inr-fit`` that must succeed; returns its run directory."""

    def run(*overrides: str | Path, base: Sequence[str] = TINY, name: str = "run") -> Path:
        folder = tmp_path / name
        result = run_command("inr-fit", *base, *overrides, f"hydra.run.dir={folder}")
        assert result.status == 0, result.err
        return folder

    return run


def start(*arguments: str | Path, cwd: Path) -> subprocess.Popen[str]:
    """Starts ``inr-fit`` as a process of its own."""
    return subprocess.Popen(
        [Path(sys.executable).with_name("inr-fit"), *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_metrics(folder: Path) -> dict[str, Any]:
    """``metrics.json`` without what differs from run to run: times."""
    metrics = json.loads((folder / "metrics.json").read_text())
    return {k: v for k, v in metrics.items() if k not in ("seconds", "points_per_second")}
