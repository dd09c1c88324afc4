"""``inr-render``: the fitted field at any size."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile
import torch

from inr.cli.build import build_parts
from inr.cli.compose import compose_config
from inr.lattice import lattice_points
from inr.ntk import KernelRegressor, empirical_ntk
from inr.raster import write_raster
from tests.conftest import SAMPLE, TINY, Result


def test_native_size_is_the_reconstruction(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    folder = fit()
    for suffix in (".png", ".tiff", ".npz"):
        result = run_command("inr-render", folder, "-o", f"out{suffix}")
        assert result.status == 0, result.err
    truth = imageio.imread(folder / "reconstruction.png")
    assert Path("out.png").read_bytes() == (folder / "reconstruction.png").read_bytes()
    assert np.array_equal(tifffile.imread("out.tiff"), truth)
    assert np.array_equal(np.load("out.npz")["pixels"], truth)


def test_a_checkpoint_renders_like_its_run(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    folder = fit()
    run_command("inr-render", folder / "checkpoints" / "last.ckpt", "-o", "out.png")
    assert Path("out.png").read_bytes() == (folder / "reconstruction.png").read_bytes()


def test_size_scale_and_region_agree(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    folder = fit("trainer.max_steps=200")
    run_command("inr-render", folder, "--size", "48x72", "-o", "whole.png")
    run_command("inr-render", folder, "--scale", "3", "-o", "scaled.png")
    run_command("inr-render", folder, "--scale", "3", "--region", "0.5,0,1,0.25", "-o", "part.png")
    outside = run_command("inr-render", folder, "--region", "-0.5,-0.5,1.5,1.5", "-o", "o.png")
    assert outside.status == 0, outside.err
    assert imageio.imread("o.png").shape == (32, 48, 3)
    whole, scaled, part = (imageio.imread(f"{name}.png") for name in ("whole", "scaled", "part"))
    assert np.array_equal(whole, scaled)
    assert part.shape == (12, 36, 3)
    # Rounding of coordinates may move a value across a half.
    assert np.abs(part.astype(int) - whole[:12, 36:]).max() <= 1
    assert np.ptp(part) > 3


@pytest.mark.parametrize(
    ("pixels", "bits", "suffix"),
    [
        (np.arange(60, dtype=np.uint16).reshape(6, 10, 1) * 1000, 16, ".png"),
        (np.linspace(-3, 40, 60, dtype=np.float32).reshape(6, 10, 1), None, ".tiff"),
        (np.arange(60, dtype=np.uint16).reshape(6, 10, 1) * 60, 12, ".tiff"),
    ],
    ids=["16 bits", "float", "12 bits"],
)
def test_depth_and_range_come_back(
    pixels: np.ndarray, bits: int | None, suffix: str, fit: Callable[..., Path]
) -> None:
    write_raster("in.tiff", pixels, bits=bits)
    folder = fit(
        "signal.size=null",
        "network.hidden_features=64",
        "encoding.scale=1",
        "trainer.max_steps=300",
        base=["in.tiff", *TINY],
    )
    from inr.raster import read_raster

    out = read_raster(folder / f"reconstruction{suffix}")
    assert (out.pixels.dtype, out.bits) == (pixels.dtype, bits)
    error = np.abs(out.pixels.astype(float) - pixels.astype(float)).max()
    assert error < 0.1 * np.ptp(pixels.astype(float))


def test_an_existing_file_is_kept(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    folder = fit()
    Path("mine.png").write_text("precious")
    rejected = run_command("inr-render", folder, "-o", "mine.png")
    assert rejected.status == 2
    assert "--force" in rejected.err
    assert Path("mine.png").read_text() == "precious"
    assert run_command("inr-render", folder, "-o", "mine.png", "--force").status == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--size", "big"], "expected HxW"),
        (["--size", "0x4"], "expected HxW"),
        (["--scale", "-1"], "expected a number above 0"),
        (["--region", "0,0,1"], "expected X0,Y0,X1,Y1"),
        (["--region", "1,0,0,1"], "X0 < X1"),
        (["-o", "out.jpg"], ".tiff"),
        (["-o", "out.png", "--size", "20000x20000"], "streamed"),
        (["--device", "abacus"], "expected auto or cpu"),
    ],
)
def test_bad_arguments_end_in_one_line(
    arguments: list[str],
    message: str,
    fit: Callable[..., Path],
    run_command: Callable[..., Result],
) -> None:
    result = run_command("inr-render", fit(), *arguments)
    assert result.status == 2
    assert message in result.err
    assert result.err.count("\n") == 1


MEMORY = """
import resource, sys
from inr.cli.render import main
from inr.cli.saved_run import load_run
import inr.signal, torch
torch.set_num_threads(1)
load_run(sys.argv[1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sys.argv = ["inr-render", sys.argv[1], "--size", "5000x5000", "-o", "large.tiff"]
main()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_large_tiff_is_streamed_in_bounded_memory(fit: Callable[..., Path]) -> None:
    folder = fit("encoding.num_frequencies=1", "network.hidden_features=2")
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, folder], capture_output=True, text=True, check=True
    )
    kibibytes = int(done.stdout.splitlines()[-1])
    # Less than the 75 MB of pixels: they are never there as a whole.
    assert kibibytes < 60_000
    with tifffile.TiffFile("large.tiff") as file:
        assert file.pages[0].shape == (5000, 5000, 3)
        assert file.pages[0].is_tiled


SEEDED = ["signal.size=[8,6]", "signal.holdout=alternate", "seed=3"]


def test_kernel_regression_is_that_of_the_first_weights(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    folder = fit(*SEEDED)
    result = run_command("inr-render", folder, "--regression", "-o", "r.png")
    assert result.status == 0, result.err
    parts = build_parts(compose_config(["signal.path=" + str(SAMPLE), *TINY, *SEEDED]))
    x, y = parts.signal.train_points(None)[:2]
    kernel = empirical_ntk(parts.field, x, dtype=torch.float64)
    everywhere = lattice_points((8, 6))
    cross = empirical_ntk(parts.field, everywhere, x, dtype=torch.float64)
    with torch.no_grad():
        missing = (y - parts.field(x)).double().flatten()
        start = parts.field(everywhere).double()
    expected = start + (cross @ torch.linalg.solve(kernel, missing)).view_as(start)
    pixels = imageio.imread("r.png").reshape(-1, 3)
    # Half a level of 255, and the rounding of a solve.
    assert np.abs(pixels / 255 - expected.clamp(0, 1).numpy()).max() < 0.6 / 255
    trained = imageio.imread(folder / "reconstruction.png").reshape(-1, 3)
    assert np.abs(pixels - trained.astype(float)).max() > 10


def test_kernel_regression_without_the_image_is_rejected(
    fit: Callable[..., Path], run_command: Callable[..., Result]
) -> None:
    shutil.copy(SAMPLE, "mine.png")
    folder = fit("signal.path=mine.png", "signal.size=[8,6]")
    Path("mine.png").unlink()
    result = run_command("inr-render", folder, "--regression")
    assert result.status == 2
    assert "mine.png" in result.err
    assert len(result.err.splitlines()) == 1


def test_a_regression_that_is_not_done_is_written_with_a_warning(
    fit: Callable[..., Path],
    run_command: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = fit(*SEEDED)
    assert run_command("inr-render", folder, "--regression", "-o", "exact.png").status == 0
    monkeypatch.setattr("inr.ntk.dynamics.regression.EXACT_ROWS", 10)
    found = {}
    for iterations in (300, 3):
        regressor = partial(KernelRegressor, max_iterations=iterations)
        monkeypatch.setattr("inr.cli.regression.KernelRegressor", regressor)
        result = run_command("inr-render", folder, "--regression", "-o", f"{iterations}.png")
        assert result.status == 0, result.err
        found[iterations] = result.err
    assert "stopped" not in found[300]
    assert "inr-render: kernel regression stopped after 3 products" in found[3]
    near, exact = (imageio.imread(name).astype(float) for name in ("300.png", "exact.png"))
    assert np.abs(near - exact).max() <= 1
