"""A fitted field speaks the numbers of its data, and one file is enough to read it again."""

import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import inr
from inr.fitted import Fitted, load
from inr.raster import write_raster
from inr.signal import (
    AudioSignal,
    FunctionSignal,
    ImageSignal,
    LatticeSignal,
    ShapeSignal,
    VideoSignal,
    VolumeSignal,
)
from inr.signal.audio import RecordingFormat, write_recording
from inr.signal.video import write_video
from tests.conftest import ROOT
from tests.tolerance import assert_close

MODEL: dict[str, Any] = {
    "encoding": {
        "_target_": "inr.encoding.GaussianEncoding",
        "_partial_": True,
        "num_frequencies": 8,
        "scale": 3.0,
        "seed": 0,
    },
    "network": {
        "_target_": "inr.network.MLPNetwork",
        "_partial_": True,
        "hidden_features": 16,
        "hidden_layers": 1,
    },
}


def make_image() -> tuple[LatticeSignal, np.ndarray]:
    pixels = np.random.default_rng(0).integers(0, 65536, (6, 9, 3), np.uint16)
    write_raster("a.png", pixels)
    return ImageSignal(path="a.png", value_range=[-1.0, 1.0]), pixels


def make_volume() -> tuple[LatticeSignal, np.ndarray]:
    voxels = np.random.default_rng(0).integers(-1000, 2000, (4, 5, 6)).astype(np.int16)
    np.save("a.npy", voxels)
    return VolumeSignal(path="a.npy"), voxels[..., None]


def make_audio() -> tuple[LatticeSignal, np.ndarray]:
    samples = np.random.default_rng(0).integers(-(2**15), 2**15, (50, 2)).astype(np.int16)
    write_recording("a.wav", samples, RecordingFormat("WAV", "PCM_16", 8000, 2.0**15, (-1, 1)))
    return AudioSignal(path="a.wav", value_range=[-2.0, 3.0]), samples


def make_video() -> tuple[LatticeSignal, np.ndarray]:
    frames = np.zeros((3, 8, 8, 3), np.uint8)
    frames += np.arange(3, dtype=np.uint8)[:, None, None, None] * 100
    write_video("a.gif", iter(frames), 10)
    return VideoSignal(path="a.gif", value_range=[-1.0, 1.0]), frames


def make_function() -> tuple[LatticeSignal, np.ndarray]:
    numbers = np.random.default_rng(0).normal(size=20) * 40 + 7
    np.savetxt("a.csv", numbers, header="y", comments="")
    return FunctionSignal(kind="file", path="a.csv"), numbers[:, None]


SIGNALS = {
    "audio": make_audio,
    "function": make_function,
    "image": make_image,
    "video": make_video,
    "volume": make_volume,
}


def fitted_to(signal: Any, *, seed: int = 0) -> Fitted:
    torch.manual_seed(seed)
    field = inr.field.build_field(MODEL, signal.in_features, signal.out_features)
    description = signal.display.describe(signal)
    return Fitted(field, description, model=MODEL, metrics={"psnr": 31.5})


def as_json(fitted: Fitted) -> str:
    return json.dumps(fitted.description.to_plain())


class Remembered(nn.Module):
    """The values of a signal, whatever the coordinates."""

    def __init__(self, signal: LatticeSignal) -> None:
        super().__init__()
        self.values = signal.values.double()

    def forward(self, coords: torch.Tensor) -> torch.Tensor:
        return self.values


@pytest.mark.parametrize("kind", SIGNALS)
def test_values_are_the_numbers_of_the_file(kind: str) -> None:
    """An exact field gives back what the file holds; float32 normalisation rounds it."""
    signal, numbers = SIGNALS[kind]()
    fitted = Fitted(Remembered(signal), signal.display.describe(signal))
    found = fitted(torch.zeros(signal.num_points, signal.in_features)).numpy()
    spread = np.ptp(numbers.astype(np.float64))
    expected = numbers.reshape(found.shape).astype(np.float64)
    assert np.abs(found - expected).max() <= 2e-7 * max(spread, np.abs(expected).max())


@pytest.mark.parametrize("kind", SIGNALS)
def test_a_rendering_has_the_dtype_of_the_file(kind: str) -> None:
    signal, numbers = SIGNALS[kind]()
    fitted = fitted_to(signal)
    shape = tuple(n + 1 for n in signal.lattice)
    found = fitted.render(shape)
    assert found.dtype == numbers.dtype
    assert found.shape == (*shape, *([signal.out_features] if signal.out_features > 1 else []))
    with pytest.raises(ValueError, match="expected"):
        fitted.render((*shape, 3))


def test_a_region_is_rendered_as_that_part() -> None:
    signal, _ = make_image()
    fitted = fitted_to(signal)
    whole = fitted.render((8, 12))
    part = fitted.render((4, 6), region=((0.5, 0.5), (1.0, 1.0)))
    assert np.array_equal(part, whole[4:, 6:])


def test_a_gradient_is_that_of_the_values() -> None:
    signal, _ = make_image()
    fitted = fitted_to(signal).double()
    coords = torch.rand(5, 2, dtype=torch.float64)
    found = fitted.gradient(coords)
    assert found.shape == (5, 3, 2)
    step = 1e-6
    for axis in range(2):
        moved = torch.zeros(2, dtype=torch.float64)
        moved[axis] = step
        slope = (fitted(coords + moved) - fitted(coords - moved)) / (2 * step)
        # Central differences err by the third derivative times step squared, and by rounding.
        assert torch.allclose(found[..., axis], slope, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("target", ["occupancy", "distance"])
def test_a_shape_gives_probabilities_or_lengths(target: Any) -> None:
    signal = ShapeSignal(path=ROOT / "data" / "sample_shape.ply", target=target)
    fitted = fitted_to(signal)
    coords = torch.rand(20, 3)
    raw, found = fitted.field(coords), fitted(coords)
    expected = raw.sigmoid() if target == "occupancy" else raw / signal.frame.scale
    torch.testing.assert_close(found, expected)


def test_one_file_is_enough(tmp_path: Path) -> None:
    signal, _ = make_image()
    fitted = fitted_to(signal)
    fitted.save(tmp_path / "a b.safetensors")
    again = load(tmp_path / "a b.safetensors")
    coords = torch.rand(7, 2)
    assert torch.equal(again(coords), fitted(coords))
    assert again.metrics == {"psnr": 31.5}
    assert as_json(again) == as_json(fitted)
    again.save(tmp_path / "again.safetensors")
    assert torch.equal(load(tmp_path / "again.safetensors")(coords), fitted(coords))


def test_doubles_stay_doubles(tmp_path: Path) -> None:
    fitted = fitted_to(make_image()[0]).double()
    fitted.save(tmp_path / "a.safetensors")
    coords = torch.rand(7, 2, dtype=torch.float64)
    assert torch.equal(load(tmp_path / "a.safetensors")(coords), fitted(coords))


def test_copies_and_pickles_are_the_same_function() -> None:
    fitted = fitted_to(make_image()[0])
    coords = torch.rand(3, 2)
    for other in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        assert torch.equal(other(coords), fitted(coords))
        assert other.metrics == fitted.metrics


def test_it_is_exported_as_it_is() -> None:
    fitted = fitted_to(make_image()[0])
    coords = torch.rand(3, 2)
    exported = torch.export.export(fitted, (coords,)).module()
    assert torch.equal(exported(coords), fitted(coords))


def test_it_runs_as_onnx(tmp_path: Path) -> None:
    """In float32, on values of up to 65,535."""
    onnxruntime = pytest.importorskip("onnxruntime")
    fitted = fitted_to(make_image()[0])
    fitted.to_onnx(tmp_path / "a.onnx")
    # One file: weights are inside, and nothing is left of a temporary one.
    assert [path.name for path in tmp_path.iterdir() if "onnx" in path.name] == ["a.onnx"]
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx")
    coords = torch.rand(11, 2)
    (found,) = session.run(None, {"coords": coords.numpy()})
    scale = 65535 * torch.finfo(torch.float32).eps
    assert np.abs(found - fitted(coords).detach().numpy()).max() < 100 * scale


def test_onnx_without_its_packages_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ImportError, match=r"pip install 'inr\[onnx\]'"):
        fitted_to(make_image()[0]).to_onnx(tmp_path / "a.onnx")


def test_reading_takes_neither_lightning_nor_hydra(tmp_path: Path) -> None:
    fitted = fitted_to(make_image()[0])
    fitted.save(tmp_path / "a.safetensors")
    coords = torch.rand(4, 2)
    script = """
import json, sys
for name in ("pytorch_lightning", "lightning_fabric", "hydra", "omegaconf"):
    sys.modules[name] = None
import torch, inr
fitted = inr.load(sys.argv[1])
print(json.dumps(fitted(torch.tensor(json.loads(sys.argv[2]))).tolist()))
"""
    arguments = [str(tmp_path / "a.safetensors"), json.dumps(coords.tolist())]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert_close(fitted(coords), json.loads(done.stdout))


def test_a_foreign_class_is_not_built(tmp_path: Path) -> None:
    signal, _ = make_image()
    foreign = {**MODEL, "network": {"_target_": "os.system", "command": "true"}}
    fitted = fitted_to(signal)
    Fitted(fitted.field, fitted.description, model=foreign).save(tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match=r"'os.system', which is not a class of this package"):
        load(tmp_path / "a.safetensors")


def test_weights_of_another_network_are_rejected(tmp_path: Path) -> None:
    fitted = fitted_to(make_image()[0])
    wider = {**MODEL, "network": {**MODEL["network"], "hidden_features": 17}}
    Fitted(fitted.field, fitted.description, model=wider).save(tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match="weights of another network"):
        load(tmp_path / "a.safetensors")


def test_what_does_not_name_its_network_is_rejected(tmp_path: Path) -> None:
    fitted = fitted_to(make_image()[0])
    plain = json.dumps(fitted.description.to_plain())
    save_file(fitted.field.state_dict(), tmp_path / "a.safetensors", metadata={"inr": plain})
    with pytest.raises(ValueError, match="earlier version"):
        load(tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match="model is None"):
        Fitted(fitted.field, fitted.description).save(tmp_path / "b.safetensors")
