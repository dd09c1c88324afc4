"""Videos as signals, from files that are written here."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from inr.signal import LatticeSignal, VideoSignal
from inr.signal._image_pixels import resize_values
from inr.signal.video.signal import resize_bytes
from tests.tolerance import assert_close


@pytest.fixture
def ramp(tmp_path: Path) -> Path:
    """3 frames, 4 high, 6 wide; red is 10 x, green 20 y, blue 50 t."""
    frames = np.zeros((3, 4, 6, 3), np.uint8)
    frames[..., 0] = 10 * np.arange(6)
    frames[..., 1] = 20 * np.arange(4)[:, None]
    frames[..., 2] = 50 * np.arange(3)[:, None, None]
    images = [Image.fromarray(frame) for frame in frames]
    images[0].save(tmp_path / "ramp.png", save_all=True, append_images=images[1:], duration=50)
    return tmp_path / "ramp.png"


def test_coordinates_are_x_y_and_time(ramp: Path) -> None:
    signal = VideoSignal(path=ramp)
    assert (signal.lattice, signal.in_features, signal.out_features) == ((3, 4, 6), 3, 3)
    assert (signal.name, signal.kind, signal.video_format.rate) == ("ramp", "video", (20, 1))
    coords, values = signal.train_points(None)[:2]
    for axis, (n, factor) in enumerate(zip((6, 4, 3), (10, 20, 50), strict=True)):
        assert_close(values[:, axis], factor * (coords[:, axis] * n - 0.5) / 255, looser=10)


def test_pixels_are_bytes_until_they_are_drawn(ramp: Path) -> None:
    signal = VideoSignal(path=ramp, value_range=[-1, 1])
    sizes = {name: buffer.nbytes for name, buffer in signal.named_buffers() if buffer is not None}
    assert sum(sizes.values()) == 3 * 4 * 6 * 3 + 256 * 4
    drawn = signal.train_points(torch.tensor([71, 0]))
    assert drawn.values.dtype == signal.dtype == torch.float32
    expected = 2 * torch.tensor([[50.0, 60, 100], [0, 0, 0]]) / 255 - 1
    assert_close(drawn.values, expected)
    assert signal.to(torch.float64).train_points(torch.tensor([3])).values.dtype == torch.float64


def test_bytes_and_floats_make_the_same_signal(ramp: Path) -> None:
    signal = VideoSignal(path=ramp, holdout=0.25, seed=2)
    floats = LatticeSignal(
        signal.values.view(3, 4, 6, 3), value_range=(0, 1), name="f", holdout=0.25, seed=2
    )
    positions = torch.tensor([5, 1, 30])
    batch, expected = signal.train_points(positions), floats.train_points(positions)
    assert torch.equal(batch.coords, expected.coords)
    assert torch.equal(batch.values, expected.values)
    assert batch.index is not None and expected.index is not None
    assert torch.equal(batch.index, expected.index)
    assert torch.equal(signal.targets(positions), floats.targets(positions))
    assert torch.equal(signal.train_points(None).values, floats.train_points(None).values)
    assert (signal.device, signal.dtype, signal.peak) == (floats.device, floats.dtype, floats.peak)


def test_a_step_is_a_byte(ramp: Path) -> None:
    signal = VideoSignal(path=ramp, value_range=[-1, 1])
    assert signal.step == 2 / 255
    pixels = signal.video_format.restore(signal.values.numpy()).reshape(3, 4, 6, 3)
    assert pixels[2, 3, 5].tolist() == [50, 60, 100]


def test_a_part_is_cut_out_of_space_and_time(ramp: Path) -> None:
    whole = VideoSignal(path=ramp).values.view(3, 4, 6, 3)
    part = VideoSignal(path=ramp, crop=[1, 2, 6, 4], start=0.05, frames=1)
    assert part.lattice == (1, 2, 5)
    assert torch.equal(part.values.view(2, 5, 3), whole[1, 2:, 1:])
    assert VideoSignal(path=ramp, every=2).lattice == (2, 4, 6)


def test_frames_are_resized_as_images_are(ramp: Path) -> None:
    signal = VideoSignal(path=ramp, size=[2, 9])
    assert signal.lattice == (3, 2, 9)
    frame = VideoSignal(path=ramp).values.view(3, 4, 6, 3)[1]
    expected = resize_values(frame.numpy(), [2, 9])
    # Rounded to bytes, once in each direction.
    assert np.abs(signal.values.view(3, 2, 9, 3)[1].numpy() - expected).max() < 1.5 / 255
    grey = resize_bytes(np.full((4, 6, 1), 7, np.uint8), 2, 3)
    assert (grey.shape, grey.min(), grey.max()) == ((2, 3, 1), 7, 7)


def test_every_other_point_of_each_axis_is_held_out(ramp: Path) -> None:
    signal = VideoSignal(path=ramp, holdout="alternate")
    test = signal.test_index
    assert test is not None
    assert test.tolist() == [24 + 7, 24 + 9, 24 + 11, 24 + 19, 24 + 21, 24 + 23]


def test_what_the_reader_decided_is_a_warning(tmp_path: Path) -> None:
    images = [Image.new("RGB", (4, 3), color) for color in ("red", "blue", "lime")]
    images[0].save(
        tmp_path / "a.gif", save_all=True, append_images=images[1:], duration=[20, 90, 9]
    )
    with pytest.warns(UserWarning, match="frames are shown for 20 to 90 ms"):
        VideoSignal(path=tmp_path / "a.gif")


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"value_range": (1.0, 0.0)}, ValueError, "expected the lower first"),
        ({"size": [4]}, TypeError, r"size is \[4\]; expected \[H, W\]"),
        ({"size": [0, 4]}, ValueError, "size is 0"),
        ({"crop": [0, 0, 7, 4]}, ValueError, r"^crop is \[0, 0, 7, 4\]; .* inside an image 6 wide"),
        ({"max_pixels": 71}, ValueError, "72 pixels; expected at most 71"),
        ({"every": 1.5}, TypeError, "every is 1.5"),
    ],
)
def test_options_out_of_range_are_rejected(
    ramp: Path, options: dict[str, object], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        VideoSignal(path=ramp, **options)  # type: ignore[arg-type]
