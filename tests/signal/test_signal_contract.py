"""What every signal promises, and that the check of it notices who breaks it."""

import inspect
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import inr.signal
from inr.batch import Batch
from inr.raster import write_raster
from inr.signal import FiniteSignal, LatticeSignal, Signal
from inr.signal.audio import RecordingFormat, write_recording
from inr.signal.video import write_video
from inr.testing import check_signal


def draw_values(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def make_members(folder: Path, holdout: str | float) -> dict[str, Signal]:
    """One of each exported signal."""
    pixels = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
    write_raster(folder / "image.png", pixels)
    write_raster(folder / "other.png", pixels[::-1])
    more = folder / "more"
    samples = pixels[0, :, :2].astype(np.int16)
    write_recording(
        more / "a.wav", samples, RecordingFormat("WAV", "PCM_16", 8000, 1.0, (-1.0, 1.0))
    )
    write_video(more / "a.gif", (pixels // (k + 1) for k in range(4)), 10)
    np.save(more / "a.npy", np.stack([pixels[..., 0] // (k + 1) for k in range(4)]))
    return {
        "AudioSignal": inr.signal.AudioSignal(path=more / "a.wav", holdout=holdout),
        "FunctionSignal": inr.signal.FunctionSignal(size=[7, 9], holdout=holdout),
        "ImageSetSignal": inr.signal.ImageSetSignal(path=folder, holdout=holdout),
        "ImageSignal": inr.signal.ImageSignal(path=folder / "image.png", holdout=holdout),
        "LatticeSignal": LatticeSignal(
            draw_values(4, 6, 5, 2), value_range=(0.0, 1.0), name="volume", holdout=holdout
        ),
        "VideoSignal": inr.signal.VideoSignal(path=more / "a.gif", holdout=holdout),
        "VolumeSignal": inr.signal.VolumeSignal(path=more / "a.npy", holdout=holdout),
    }


def find_members() -> list[str]:
    """Those with points that can be numbered; of a surface others are asked for."""
    exported = {name: getattr(inr.signal, name) for name in inr.signal.__all__}
    return [
        name
        for name, member in exported.items()
        if inspect.isclass(member)
        and issubclass(member, FiniteSignal)
        and not inspect.isabstract(member)
    ]


@pytest.mark.parametrize("holdout", ["none", "alternate", 0.3])
@pytest.mark.parametrize("name", find_members())
def test_every_signal_keeps_the_contract(name: str, holdout: str | float, tmp_path: Path) -> None:
    check_signal(make_members(tmp_path, holdout)[name])


@pytest.mark.parametrize("lattice", [(7,), (1, 4), (5, 3), (2, 3, 4)])
def test_lattices_of_any_dimension_keep_the_contract(lattice: tuple[int, ...]) -> None:
    values = draw_values(*lattice, 2)
    signal = LatticeSignal(values, value_range=(0.0, 1.0), name="any")
    check_signal(signal)
    assert signal.num_points == signal.num_train == math.prod(lattice)


class Broken(LatticeSignal):
    def __init__(self) -> None:
        super().__init__(draw_values(4, 5, 1), value_range=(0.0, 1.0), name="broken", holdout=0.5)


class Transposed(Broken):
    def train_points(self, positions: Tensor | None) -> Batch:
        coords, values, index, _ = super().train_points(positions)
        return Batch(coords.flip(-1), values, index)


class Scrambled(Broken):
    def train_points(self, positions: Tensor | None) -> Batch:
        coords, values, index, _ = super().train_points(positions)
        return Batch(coords, values if positions is None else values.flip(0), index)


class OutOfRange(Broken):
    def __init__(self) -> None:
        super().__init__()
        self.value_range = (0.0, 0.5)


class OffTheCube(Broken):
    def train_points(self, positions: Tensor | None) -> Batch:
        coords, values, index, _ = super().train_points(positions)
        return Batch(2 * coords - 1, values, index)


class Corners(Broken):
    def train_points(self, positions: Tensor | None) -> Batch:
        coords, values, index, _ = super().train_points(positions)
        return Batch(coords - torch.tensor([0.5 / 5, 0.5 / 4]), values, index)


class Saved(Broken):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("more", torch.zeros(3))


class Peeking(Broken):
    def __init__(self) -> None:
        super().__init__()
        self.test_index = self.train_index


class Stuck(Broken):
    def train_points(self, positions: Tensor | None) -> Batch:
        coords, values, index, _ = super().train_points(positions)
        return Batch(coords.float(), values, index)


class Unnumbered(Broken):
    def train_points(self, positions: Tensor | None) -> Batch:
        return super().train_points(positions)._replace(index=None)


class Misnumbered(Broken):
    """Positions among the training points, not in the lattice."""

    def train_points(self, positions: Tensor | None) -> Batch:
        batch = super().train_points(positions)
        index = torch.arange(self.num_train) if positions is None else positions
        return batch._replace(index=index)


class Renumbered(Broken):
    def train_points(self, positions: Tensor | None) -> Batch:
        batch = super().train_points(positions)
        assert batch.index is not None
        return batch if positions is None else batch._replace(index=batch.index.flip(0))


class Narrow(Broken):
    def train_points(self, positions: Tensor | None) -> Batch:
        batch = super().train_points(positions)
        assert batch.index is not None
        return batch._replace(index=batch.index.int())


class Short(Broken):
    @property
    def num_train(self) -> int:
        return super().num_train - 1


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Transposed, "not cell centres|other cells"),
        (Scrambled, "other training points by position"),
        (OutOfRange, r"outside of its range from 0.0 to 0.5"),
        (OffTheCube, "outside of the unit cube"),
        (Corners, "not cell centres"),
        (Saved, "data in its state dict"),
        (Peeking, "on what it tests on"),
        (Stuck, r"does not follow .to\(torch.float64\)"),
        (Misnumbered, "other positions than its points have"),
        (Renumbered, "other positions by position than as a whole"),
        (Narrow, r"positions of dtype torch.int32; expected torch.int64"),
        (Short, r"in shapes .*; expected \(\(9, 2\), \(9, 1\)\)"),
    ],
)
def test_the_check_names_a_broken_promise(broken: type[LatticeSignal], sentence: str) -> None:
    check_signal(Broken())
    check_signal(Unnumbered())
    with pytest.raises(AssertionError, match=rf"^{broken.__name__} .*({sentence})"):
        check_signal(broken())
