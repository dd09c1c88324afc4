"""``inr.fit`` is a run of ``inr-fit``, and leaves its process as it was."""

import logging
import os
import signal
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

import inr
from inr.cli.failure import BadInputError
from inr.cli.library import find_option
from inr.signal import KINDS, as_array, find_array_kind
from tests.conftest import ROOT, SAMPLE

SMALL: dict[str, Any] = {
    "max_steps": 3,
    "hidden_features": 8,
    "num_frequencies": 8,
    "batch_size": 64,
    "precision": "32-true",
    "accelerator": "cpu",
}


def make_pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


class Gridded:
    """As xarray's arrays are: numbers behind ``__array__``."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.values


@pytest.mark.parametrize(
    "wrap",
    [np.asarray, torch.from_numpy, Image.fromarray, Gridded],
    ids=["numpy", "torch", "pillow", "xarray"],
)
def test_arrays_of_all_libraries_are_the_same_image(wrap: Any) -> None:
    pixels = make_pixels(6, 9, 3)
    fitted = inr.fit(wrap(pixels), **SMALL)
    assert fitted.description.kind == "image"
    assert fitted.description.lattice == (6, 9)
    expected = inr.fit(pixels, **SMALL)
    coords = torch.rand(4, 2)
    assert torch.equal(fitted(coords), expected(coords))
    assert fitted.render().dtype == np.uint8
    assert fitted.metrics["psnr"] == expected.metrics["psnr"]
    assert fitted.metrics["steps"] == 3


def test_it_is_the_run_of_the_command_line(run_command: Any) -> None:
    overrides = ["encoding.scale=3", "network.hidden_features=8", "encoding.num_frequencies=8"]
    overrides += ["sampler.batch_size=64", "trainer.max_steps=3", "signal.size=[12,16]"]
    overrides += ["trainer.precision=32-true", "trainer.accelerator=cpu"]
    result = run_command("inr-fit", SAMPLE, *overrides, "hydra.run.dir=run")
    assert result.status == 0, result.err
    expected = inr.load("run")
    fitted = inr.fit(SAMPLE, scale=3, size=[12, 16], **SMALL)
    for name, tensor in expected.state_dict().items():
        assert torch.equal(fitted.state_dict()[name], tensor), name
    for key in ("psnr", "ssim", "exact_share", "steps", "parameters"):
        assert fitted.metrics[key] == expected.metrics[key]


@pytest.mark.parametrize(
    ("shape", "kind"),
    [((20,), "function"), ((5, 6), "image"), ((5, 6, 4), "image"), ((4, 5, 6), "volume")],
)
def test_axes_say_what_an_array_is(shape: tuple[int, ...], kind: str) -> None:
    array = np.random.default_rng(0).normal(size=shape)
    fitted = inr.fit(array, **SMALL)
    assert fitted.description.kind == kind
    found = fitted.render()
    assert found.shape == shape
    assert found.dtype == np.float64


def test_audio_keeps_its_rate() -> None:
    samples = np.random.default_rng(0).integers(-(2**15), 2**15, (300, 2)).astype(np.int16)
    fitted = inr.fit(samples, signal="audio", rate=8000, **SMALL)
    assert fitted.description.format["rate"] == 8000
    assert fitted.render().dtype == np.int16
    assert fitted.render().shape == (300, 2)


def test_what_no_array_can_be_is_rejected() -> None:
    with pytest.raises(BadInputError, match="expected one to four axes"):
        inr.fit(np.zeros((1, 2, 3, 4, 5)), **SMALL)
    with pytest.raises(BadInputError, match="expected booleans, integers or real numbers"):
        inr.fit(np.zeros((4, 4), complex), **SMALL)
    with pytest.raises(BadInputError, match="signal is 'shape', which no array is"):
        inr.fit(make_pixels(5, 5), signal="shape", **SMALL)
    with pytest.raises(BadInputError, match="does not exist"):
        inr.fit("missing.png", **SMALL)


def test_an_option_has_the_family_that_knows_it() -> None:
    pixels = make_pixels(6, 6)
    with pytest.raises(BadInputError, match="scael is not an option"):
        inr.fit(pixels, scael=3)
    with pytest.raises(BadInputError, match="activations is not an option"):
        inr.fit(pixels, activations="relu")
    more = {key: SMALL[key] for key in ("max_steps", "hidden_features", "batch_size")}
    fitted = inr.fit(pixels, network="siren", encoding="identity", **{"network.omega": 7.0}, **more)
    assert fitted.model["network"]["omega"] == 7.0
    assert fitted.model["encoding"]["_target_"] == "inr.encoding.IdentityEncoding"


def test_an_option_of_two_families_wants_its_family() -> None:
    known = OmegaConf.create({"encoding": {"scale": 1}, "network": {"scale": 2}, "seed": 0})
    with pytest.raises(BadInputError, match="several families"):
        find_option("scale", known)
    assert find_option("network.scale", known) == "network.scale"
    assert find_option("seed", known) == "seed"


def test_nothing_of_the_process_is_changed() -> None:
    def handler(*_: object) -> None:
        """Somebody else's."""

    before = signal.signal(signal.SIGTERM, handler)
    torch.set_flush_denormal(False)
    try:
        environment, level = dict(os.environ), logging.getLogger("pytorch_lightning").level
        shown, filters = warnings.showwarning, list(warnings.filters)
        state = torch.get_rng_state()
        inr.fit(make_pixels(6, 6), callback="default", **SMALL)
        assert signal.getsignal(signal.SIGTERM) is handler
        assert dict(os.environ) == environment
        assert logging.getLogger("pytorch_lightning").level == level
        assert warnings.showwarning is shown
        assert list(warnings.filters) == filters
        assert torch.equal(torch.get_rng_state(), state)
        tiny = torch.tensor([torch.finfo(torch.float64).tiny], dtype=torch.float64)
        assert tiny.mul(0.5).item() > 0, "denormal numbers are still flushed"
    finally:
        signal.signal(signal.SIGTERM, before)


def test_flushing_that_was_on_stays_on() -> None:
    torch.set_flush_denormal(True)
    try:
        inr.fit(make_pixels(6, 6), **SMALL)
        tiny = torch.tensor([torch.finfo(torch.float64).tiny], dtype=torch.float64)
        assert tiny.mul(0.5).item() == 0
    finally:
        torch.set_flush_denormal(False)


def test_a_kept_run_is_resumed_from_the_command_line(run_command: Any, tmp_path: Path) -> None:
    folder = tmp_path / "a run"
    fitted = inr.fit(make_pixels(8, 8), run_dir=folder, **SMALL)
    assert (folder / "metrics.json").is_file()
    assert inr.load(folder).metrics == fitted.metrics
    result = run_command("inr-fit", f"ckpt_path={folder}", "trainer.max_steps=5")
    assert result.status == 0, result.err
    with pytest.raises(BadInputError, match="holds an earlier run"):
        inr.fit(make_pixels(8, 8), run_dir=folder, **SMALL)


def test_a_path_is_what_inr_fit_takes() -> None:
    fitted = inr.fit(ROOT / "data" / "sample_sound.wav", seconds=0.01, **SMALL)
    assert fitted.description.kind == "audio"
    assert set(fitted.metrics) >= {"snr", "psnr"}


def test_numbers_are_written_without_loss(tmp_path: Path) -> None:
    wide = np.array([[0, 70_000], [5, 9]], np.int64)
    path = KINDS["image"].write_array(wide, tmp_path)
    from inr.raster import read_raster

    assert np.array_equal(read_raster(path).pixels[..., 0], wide)
    with pytest.raises(ValueError, match="beyond 32 bits"):
        KINDS["image"].write_array(wide * 2**40, tmp_path)
    with pytest.raises(ValueError, match="holds uint8 samples"):
        KINDS["audio"].write_array(make_pixels(5), tmp_path)
    assert as_array(torch.ones(2, dtype=torch.bfloat16)).dtype == np.float32
    assert find_array_kind(np.zeros((4, 5, 6, 2))) == "volume"
