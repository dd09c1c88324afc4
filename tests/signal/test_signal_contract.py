"""The promises of signals, and that their checks name a signal that breaks one."""

import inspect
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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
from inr.testing import check_signal, signal_checks


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


@pytest.fixture(scope="module", params=["none", "alternate", 0.3])
def signals(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Signal]:
    """One of each exported signal, which no check changes."""
    return make_members(tmp_path_factory.mktemp("signals"), request.param)


def make_cases() -> Iterator[Any]:
    """Each member's name with each check of it."""
    for name in find_members():
        for check in signal_checks(getattr(inr.signal, name)):
            yield pytest.param(name, check, id=f"{name}-{check.__name__}")


@pytest.mark.parametrize(("name", "check"), list(make_cases()))
def test_every_signal_keeps_the_contract(
    signals: dict[str, Signal], name: str, check: Callable[[Signal], None]
) -> None:
    check(signals[name])


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


class Flat(Broken):
    """Of one coordinate, on a lattice of two axes."""

    def __init__(self) -> None:
        super().__init__()
        self.in_features = 1


class Wide(Broken):
    """Targets of two channels."""

    def targets(self, index: Tensor | None = None) -> Tensor:
        return super().targets(index).repeat(1, 2)


class Fixed(Broken):
    """Says float32, whatever its data are."""

    @property
    def dtype(self) -> torch.dtype:
        return torch.float32


BROKEN = [
    (Short, "gives_points_of_its_sizes", r"in shapes .*; expected \(\(9, 2\), \(9, 1\)\)"),
    (OffTheCube, "gives_points_of_the_unit_cube", "outside of the unit cube"),
    (Scrambled, "gives_the_same_points_by_position", "other training points by position"),
    (Renumbered, "gives_the_same_points_by_position", "other positions by position than as a"),
    (Stuck, "moves_its_points_to_another_dtype", r"does not follow .to\(torch.float64\)"),
    (Flat, "has_values_on_its_lattice", r"values of shape \(20, 1\) on a lattice of \(4, 5\)"),
    (OutOfRange, "has_values_in_its_range", "outside of its range from 0.0 to 0.5"),
    (Corners, "trains_on_cell_centres", "not cell centres"),
    (Transposed, "trains_on_the_values_of_its_cells", "other cells"),
    (Misnumbered, "numbers_its_points_by_cell", "other positions than its points have"),
    (Narrow, "numbers_its_points_by_cell", "positions of dtype torch.int32; expected torch.int64"),
    (Peeking, "keeps_training_and_test_points_apart", "on what it tests on"),
    (Flat, "has_an_axis_for_each_coordinate", r"a lattice of \(4, 5\); expected 1 axes"),
    (Wide, "gives_the_same_targets_by_position", r"targets of shape \(20, 2\); expected \(20, 1\)"),
    (Saved, "keeps_data_out_of_the_state_dict", "data in its state dict"),
    (Fixed, "moves_to_another_dtype", r"does not follow .to\(torch.float64\)"),
]


def test_every_check_has_a_signal_that_breaks_its_promise() -> None:
    names = [check.__name__ for check in signal_checks(LatticeSignal)]
    assert names == list(dict.fromkeys(name for _, name, _ in BROKEN))


@pytest.mark.parametrize(("broken", "name", "sentence"), BROKEN)
def test_the_check_names_a_broken_promise(
    broken: type[LatticeSignal], name: str, sentence: str
) -> None:
    check_signal(Broken())
    check_signal(Unnumbered())
    checks = {check.__name__: check for check in signal_checks(broken)}
    with pytest.raises(AssertionError, match=rf"^{broken.__name__} .*({sentence})"):
        checks[name](broken())
    with pytest.raises(AssertionError, match=rf"^{broken.__name__} "):
        check_signal(broken())
