"""Many images as one signal."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from inr.raster import write_raster
from inr.signal import ImageSetSignal, ImageSignal
from inr.signal.image_set.signal import distinct_names
from tests.training.images import write_images


def test_each_member_is_the_image_of_its_file(tmp_path: Path) -> None:
    write_images(tmp_path / "in", 3)
    options = {"size": [4, 6], "crop": [1, 0, 5, 8], "value_range": [-1.0, 1.0]}
    found = ImageSetSignal(path=tmp_path / "in", **options)  # type: ignore[arg-type]
    assert found.names == ["0", "1", "2"]
    assert found.lattice == (4, 6)
    assert (found.channels, found.out_features) == (3, 9)
    for number, name in enumerate(found.names):
        alone = ImageSignal(path=tmp_path / "in" / f"{name}.png", **options)  # type: ignore[arg-type]
        member = found.member(number)
        assert torch.equal(member.values, alone.values)
        assert (member.name, member.value_range) == (alone.name, alone.value_range)
        assert member.step == alone.step
        assert found.pixel_formats[number] == alone.pixel_format
        batch = found.train_points(torch.tensor([5, 0, 9]))
        assert torch.equal(found.values_by_image(batch.values)[number], alone.values[[5, 0, 9]])
    assert not torch.equal(found.member(0).values, found.member(1).values)


@pytest.mark.parametrize("holdout", ["alternate", 0.3])
def test_the_same_points_are_held_out_of_each(holdout: str | float, tmp_path: Path) -> None:
    write_images(tmp_path / "in", 2)
    found = ImageSetSignal(path=tmp_path / "in", holdout=holdout, seed=5)
    alone = ImageSignal(path=tmp_path / "in" / "1.png", holdout=holdout, seed=5)
    for part in ("train_index", "test_index"):
        assert torch.equal(getattr(found.member(1), part), getattr(alone, part))
        assert torch.equal(getattr(found, part), getattr(alone, part))


def test_images_are_in_the_order_of_their_names_whatever_their_depth(tmp_path: Path) -> None:
    pixels = np.arange(20, dtype=np.uint16).reshape(4, 5, 1)
    for name, image in {
        "b.tiff": pixels * 100,
        "a.png": pixels.astype(np.uint8) * 10,
        "c.tiff": pixels.astype(np.float32) / 7,
    }.items():
        write_raster(tmp_path / "in" / name, image)
    found = ImageSetSignal(path=tmp_path / "in")
    assert [path.name for path in found.paths] == ["a.png", "b.tiff", "c.tiff"]
    formats = [(pixels.dtype, pixels.bits) for pixels in found.pixel_formats]
    assert formats == [("uint8", 8), ("uint16", 16), ("float32", None)]
    assert [found.member(number).step is None for number in range(3)] == [False, False, True]


def test_a_pattern_chooses_files(tmp_path: Path) -> None:
    write_images(tmp_path / "my photos", 3)
    write_raster(tmp_path / "my photos" / "1.tiff", np.zeros((2, 2, 1), np.uint8))
    assert ImageSetSignal(path=f"{tmp_path}/my photos/*.png").names == ["0", "1", "2"]
    assert ImageSetSignal(path=f"{tmp_path}/my photos/[12].png").names == ["1", "2"]
    assert ImageSetSignal(path=tmp_path / "my photos" / "2.png").names == ["2"]


def test_a_folder_may_look_like_a_pattern(tmp_path: Path) -> None:
    write_images(tmp_path / "old [1]", 2)
    assert ImageSetSignal(path=tmp_path / "old [1]").names == ["0", "1"]


def test_what_is_no_image_is_passed_over_with_one_warning(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "in", 2)
    (folder / "notes.txt").write_text("what I saw")
    (folder / "empty.png").touch()
    (folder / ".hidden").write_text("not shown")
    (folder / "more").mkdir()
    with pytest.warns(UserWarning, match=r"^2 of 4 files in .* are no images") as caught:
        found = ImageSetSignal(path=folder)
    assert len(caught) == 1
    assert found.names == ["0", "1"]


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ((9, 6, 3), r"odd.png is 9x6 .*0.png 9x5; .*Use size=\[9,5\]\.$"),
        ((5, 9, 3), r"odd.png is 5x9 .*0.png 9x5; .*Use size=\[9,5\]\.$"),
        ((9, 5, 1), r"odd.png has 1 channels, and .*0.png 3; "),
    ],
)
def test_other_sizes_and_channels_are_rejected_by_name(
    shape: tuple[int, int, int], sentence: str, tmp_path: Path
) -> None:
    folder = write_images(tmp_path / "in", 2)
    write_raster(folder / "odd.png", np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match=sentence):
        ImageSetSignal(path=folder)


def test_images_of_other_sizes_are_resized(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "in", 1)
    write_raster(folder / "odd.png", np.full((3, 20, 3), 51, np.uint8))
    found = ImageSetSignal(path=folder, size=[9, 5])
    assert torch.allclose(found.member(1).values, torch.tensor(0.2))


def test_where_there_is_no_image_there_is_no_set(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("what I saw")
    with pytest.raises(ValueError, match="holds no image among 1 files"):
        ImageSetSignal(path=tmp_path)
    for path in (tmp_path / "nowhere", tmp_path / "*.png"):
        with pytest.raises(FileNotFoundError, match="expected a folder of images, or a pattern"):
            ImageSetSignal(path=path)


def test_a_broken_image_is_rejected_and_not_passed_over(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "in", 2)
    broken = folder / "1.png"
    broken.write_bytes(broken.read_bytes()[:60])
    with pytest.raises(ValueError, match=r"1\.png is cut off or damaged"):
        ImageSetSignal(path=folder)


def test_files_are_told_apart_by_as_much_of_their_names_as_it_takes(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "in", 2)
    shutil.copy(folder / "0.png", folder / "0.img")
    assert ImageSetSignal(path=folder).names == ["0.img", "0.png", "1"]
    paths = [Path(name) for name in ("x/a.png", "y/a.png", "y/b.png")]
    assert distinct_names(paths) == ["0_a.png", "1_a.png", "b"]


@pytest.mark.parametrize(
    ("watched", "expected"), [(0, []), (2, [0, 1]), (9, [0, 1, 2]), (["2", "0"], [2, 0])]
)
def test_some_images_are_watched(
    watched: int | list[str], expected: list[int], tmp_path: Path
) -> None:
    folder = write_images(tmp_path / "in", 3)
    assert ImageSetSignal(path=folder, watched=watched).watched == expected


@pytest.mark.parametrize(
    ("watched", "error"),
    [(-1, ValueError), (True, TypeError), ("0", TypeError), (["x"], ValueError)],
)
def test_images_that_are_not_there_cannot_be_watched(
    watched: int | list[str], error: type[Exception], tmp_path: Path
) -> None:
    folder = write_images(tmp_path / "in", 2)
    with pytest.raises(error, match="watched"):
        ImageSetSignal(path=folder, watched=watched)
