"""Bad input ends in one line, status 2, and leaves nothing behind."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from inr.raster import write_raster
from tests.conftest import TINY, Result

CASES = {
    "missing.png": "does not exist",
    ".": "holds no image",
    "encoding=nope": "expected one of basic, gaussian, identity, positional",
    "encoding.scal=3": "Did you mean scale?",
    "encoding.scale=-1": "expected a finite number above 0",
    "encoding.num_frequencies=0": "expected 1 or more",
    "network.activation=rely": "expected one of identity, relu",
    "network.skips=[9]": "expected hidden layers from 1",
    "optimizer.lr=abc": "expected a finite number above 0",
    "optimizer=sdg": "Did you mean sgd?",
    "sampler.batch_size=0": "expected 1 or more",
    "signal.size=3": "expected [H, W]",
    "signal.size=[0,4]": "expected 1 or more",
    "signal.crop=[0,0,999,2]": "inside an image 256 wide",
    "signal.holdout=most": "expected none, alternate or a fraction",
    "signal.value_range=[1,0]": "expected the lower first",
    "signal.max_pixels=100": "signal.max_pixels=",
    "trainer.max_steps=0": "expected 1 or more",
    "+trainer.accumulate_grad_batches=2": "use sampler.batch_size",
    "trainer.precision=8": "expected one of auto, 32-true",
    "trainer.accelerator=abacus": "trainer",
    "callback.ntk_spectrum.num_points=0": "expected 1 or more",
    "callback.nope=null": "is not an option",
    "experiment=nope": "nngp",
    "protocol=nope": "tancik_natural_gaussian",
    "seed=x": "expected a whole number",
    "seed=4294967296": "less than 2**32",
    "signal.truncated=x": "expected one of reject, pad",
    "signal.frame=a": "frame is 'a'",
    "signal.size=[100000,100000]": "max_pixels",
    "trainer.max_steps=abc": "expected a whole number",
    "trainer.log_every_n_steps=0": "expected 1 or more",
    "family=x": "is not an option",
    "a=[1": "then KEY=VALUE",
    "loss=null": "",
    "loss=bce": "expected loss=clamped_l1|huber|l1|mape|mse|relative_l2.",
    "sampler=shape": "ShapeSampler cannot draw from ImageSignal; expected a ShapeSignal. Leave",
    "sampler.shuffle=no": "sampler: shuffle is 'no'; expected true or false",
    "scheduler.final=-1": "scheduler: final is -1; expected a finite number above 0",
    "ckpt_path=missing": "cannot be read",
}


@pytest.mark.parametrize("argument", CASES)
def test_one_line_says_what_to_type(argument: str, run_command: Callable[..., Result]) -> None:
    arguments = [argument] if "=" not in argument else [*TINY, argument]
    result = run_command("inr-fit", *arguments)
    assert result.status == 2
    assert CASES[argument] in result.err
    assert result.err.startswith("inr-fit: ")
    assert (result.out, result.err.count("\n")) == ("", 1)
    assert not list(Path().iterdir())


def test_a_traceback_is_there_for_who_asks(
    monkeypatch: pytest.MonkeyPatch, run_command: Callable[..., Result]
) -> None:
    from inr.cli import fit
    from inr.cli.failure import BadInputError

    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    monkeypatch.setattr("sys.argv", ["inr-fit", "missing.png"])
    with pytest.raises(BadInputError):
        fit.main()


def test_numbers_that_are_none_are_counted_and_the_way_on_is_named(
    run_command: Callable[..., Result],
) -> None:
    pixels = np.random.default_rng(0).random((16, 24, 3)).astype(np.float32)
    pixels[2, 3] = np.nan
    pixels[4, 5, 0] = np.inf
    write_raster("broken.tiff", pixels)
    rejected = run_command("inr-fit", "broken.tiff", *TINY)
    assert rejected.status == 2
    assert "4 NaN or infinite" in rejected.err
    assert "signal.nonfinite=zero" in rejected.err
    mended = run_command("inr-fit", "broken.tiff", *TINY, "signal.nonfinite=zero")
    assert mended.status == 0, mended.err


def test_a_sweep_is_rejected_a_folder_that_is_in_use(run_command: Callable[..., Result]) -> None:
    sweep = ["-m", *TINY, "seed=1,2", "hydra.sweep.dir=sweep", "trainer.max_steps=1"]
    assert run_command("inr-fit", *sweep).status == 0
    result = run_command("inr-fit", *sweep)
    assert result.status == 2
    assert "holds an earlier run" in result.err


@pytest.mark.parametrize("command", ["inr-render", "inr-spectrum"])
@pytest.mark.parametrize("content", [None, b"", b"no checkpoint"])
def test_no_run_is_rejected(
    command: str, content: bytes | None, run_command: Callable[..., Result]
) -> None:
    if content is not None:
        Path("run").write_bytes(content)
    result = run_command(command, "run")
    assert result.status == 2
    assert result.err.count("\n") == 1
    assert "expected" in result.err


def test_a_typo_in_a_sweep_is_named(run_command: Callable[..., Result]) -> None:
    result = run_command("inr-fit", "-m", "encoding.scael=1,10", "seed=1,2")
    assert result.status == 2
    assert "encoding.scael is not an option" in result.err
    assert "Did you mean scale?" in result.err


def test_a_file_name_that_hydra_would_interpolate_is_rejected(
    run_command: Callable[..., Result],
) -> None:
    Path("a${y}.png").write_bytes(b"")
    result = run_command("inr-fit", "a${y}.png", *TINY)
    assert result.status == 2
    assert result.err.count("\n") == 1
