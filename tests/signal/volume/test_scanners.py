"""NRRD, MetaImage, MGH and MINC: the same scan from each, and where it was in the world."""

import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK

from inr.raster import PixelFormat
from inr.signal import VolumeSignal, find_kind
from inr.signal.volume import (
    Container,
    Volume,
    VolumeFormat,
    is_volume,
    read_volume,
    write_volume,
)
from inr.source_file import MissingExtraError
from tests.conftest import SHARED_DATA
from tests.signal.volume.conftest import format_of

VOXELS = np.random.default_rng(0).integers(-1000, 2000, (4, 5, 6)).astype(np.int16)
# To millimetres (RAS) from voxel numbers x, y and z: turned, stretched and moved.
TURN = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
SPACING = np.array([1.5, 2.0, 3.0])
AFFINE = np.eye(4)
AFFINE[:3, :3] = TURN * SPACING
AFFINE[:3, 3] = (5.0, -7.0, 11.0)


def write_itk(path: Path) -> None:
    image = SimpleITK.GetImageFromArray(VOXELS)
    image.SetSpacing(SPACING.tolist())
    flip = np.diag([-1.0, -1.0, 1.0])
    image.SetDirection((flip @ TURN).flatten().tolist())
    image.SetOrigin((flip @ AFFINE[:3, 3]).tolist())
    SimpleITK.WriteImage(image, str(path), useCompression=True)


def write_mgh(path: Path) -> None:
    nibabel.save(nibabel.MGHImage(VOXELS.transpose(2, 1, 0), AFFINE), path)


WRITERS = {
    "a.nrrd": write_itk,
    "a.nhdr": write_itk,
    "a.mha": write_itk,
    "a.mhd": write_itk,
    "a.mgh": write_mgh,
    "a.mgz": write_mgh,
}


@pytest.mark.parametrize("name", WRITERS)
def test_voxels_and_their_places_are_those_of_the_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    assert is_volume(path) and find_kind(path) == "volume"
    volume = read_volume(path)
    assert np.array_equal(volume.voxels[..., 0], VOXELS)
    assert volume.voxels.dtype.newbyteorder("=") == np.int16
    # MGH has float32 directions and places.
    assert np.allclose(np.array(volume.container.affine), AFFINE, rtol=1e-6, atol=1e-5)
    assert volume.container.spacing == pytest.approx(SPACING, rel=1e-6)


@pytest.mark.parametrize("name", WRITERS)
def test_a_part_is_that_part(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    part = read_volume(path, crop=[1, 2, 0, 4, 5, 3])
    assert np.array_equal(part.voxels[..., 0], VOXELS[0:3, 2:5, 1:4])
    corner = AFFINE @ [1, 2, 0, 1]
    assert np.allclose(np.array(part.container.affine)[:3, 3], corner[:3], atol=1e-5)


NATIVE = {".nhdr": ".nrrd", ".mhd": ".mha"}


@pytest.mark.parametrize("name", WRITERS)
def test_a_result_is_of_the_same_format_and_in_the_same_place(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    signal = VolumeSignal(path=path)
    description = signal.display.describe(signal)
    suffix = signal.display.native_suffix(description)
    assert suffix == NATIVE.get(path.suffix, path.suffix)

    restored = signal.volume_format.restore(signal.values.view(4, 5, 6, 1).numpy())
    write_volume(tmp_path / f"b{suffix}", restored, signal.volume_format)
    again = read_volume(tmp_path / f"b{suffix}")
    assert np.array_equal(again.voxels[..., 0], VOXELS)
    assert again.voxels.dtype.newbyteorder("=") == np.int16
    assert again.container.axes == "zyx"
    assert np.allclose(np.array(again.container.affine), AFFINE, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("name", ["a.nrrd", "a.mgz"])
def test_a_result_as_nifti_is_in_the_same_place(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / name)
    volume = read_volume(tmp_path / name)
    write_volume(tmp_path / "b.nii.gz", np.array(volume.voxels), format_of(volume))
    written = nibabel.load(tmp_path / "b.nii.gz")
    assert np.array_equal(np.asarray(written.dataobj), VOXELS.transpose(2, 1, 0))
    assert np.allclose(written.affine, AFFINE, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".mgz", ".NRRD", ".MHA", ".MGZ"])
@pytest.mark.parametrize("unit", ["mm", "um", None])
def test_an_affine_that_turns_and_shears_is_written_in_millimetres(
    suffix: str, unit: str | None, tmp_path: Path
) -> None:
    sheared = AFFINE.copy()
    if suffix.lower() != ".mgz":  # which has directions at right angles alone
        sheared[0, 2] = 0.3
    volume = write_and_read(tmp_path / f"b{suffix}", Container(".npy", unit=unit, affine=sheared))
    expected = sheared.copy()
    expected[:3] *= 1e-3 if unit == "um" else 1
    assert np.allclose(np.array(volume.container.affine), expected, rtol=1e-6, atol=1e-5)
    assert volume.container.unit == "mm"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".mgz"])
def test_a_spacing_without_an_affine_is_written(suffix: str, tmp_path: Path) -> None:
    volume = write_and_read(tmp_path / f"b{suffix}", Container(".npy", spacing=(0.5, 0.75, 2.0)))
    assert volume.container.spacing == (0.5, 0.75, 2.0)


def write_and_read(path: Path, container: Container) -> Volume:
    """Writes the voxels in another format than theirs, and reads them."""
    pixels = PixelFormat("int16", 16, -1000.0, 2000.0, (0.0, 1.0))
    write_volume(path, VOXELS[..., None], VolumeFormat(pixels, container))
    volume = read_volume(path)
    assert np.array_equal(volume.voxels[..., 0], VOXELS)
    return volume


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha"])
def test_a_slice_and_a_series_come_back(name: str, tmp_path: Path) -> None:
    for array, frame, axes in ((VOXELS[0], None, "yx"), (np.stack([VOXELS] * 2), 1, "zyx")):
        image = SimpleITK.GetImageFromArray(array, isVector=False)
        SimpleITK.WriteImage(image, str(tmp_path / name))
        volume = read_volume(tmp_path / name, frame=frame)
        assert np.array_equal(volume.voxels[..., 0], array[1] if frame else array[None])
        write_volume(tmp_path / f"b{name}", np.array(volume.voxels), format_of(volume))
        again = read_volume(tmp_path / f"b{name}")
        assert again.container == volume.container and again.container.axes == axes
        assert np.array_equal(again.voxels, volume.voxels)


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha"])
def test_numbers_that_do_not_unpack_are_rejected(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_itk(tmp_path / name)
    content = bytearray((tmp_path / name).read_bytes())
    content[-60:-40] = bytes(20)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=r"cut off or damaged.*; expected a whole"):
        read_volume(tmp_path / name)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_that_is_cut_off_is_rejected_in_one_line(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    for file in tmp_path.iterdir():
        content = file.read_bytes()
        if file != path or len(list(tmp_path.iterdir())) == 1:
            file.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises((ValueError, OSError)) as caught:
        read_volume(path)
    assert "\n" not in str(caught.value) and "expected" in str(caught.value)
    assert capfd.readouterr().err == ""


LINES = {"a.mhd": "ElementDataFile = ", "a.nhdr": "data file: "}


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize(
    "told",
    ["/etc/hostname", "../secret.raw", "LIST\n{inside}\n/etc/hostname", "/etc/host%d.raw 1 3 1"],
)
def test_a_header_does_not_read_what_is_elsewhere(name: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / name
    write_itk(path)
    text = path.read_text()
    line = next(row for row in text.splitlines() if row.startswith(LINES[name]))
    told = told.format(inside=line.removeprefix(LINES[name]))
    for written in (LINES[name] + told, LINES[name].lower().replace(" ", "") + told):
        path.write_text(text.replace(line, written))
        with pytest.raises(ValueError, match=r"takes its numbers from .*expected a file beside it"):
            read_volume(path)
    comments = ("# nothing\n" if name == "a.nhdr" else "Comment = nothing\n") * 2**17
    first, rest = text.split("\n", 1)
    path.write_text(f"{first}\n{comments}{rest.replace(line, LINES[name] + told)}")
    with pytest.raises(ValueError, match="a header of more than 1 MiB"):
        read_volume(path)


def test_more_voxels_than_allowed_are_rejected_by_the_header(tmp_path: Path) -> None:
    for name, write in (("a.nrrd", write_itk), ("a.mgz", write_mgh)):
        write(tmp_path / name)
        with pytest.raises(ValueError, match="max_voxels=120"):
            read_volume(tmp_path / name, max_voxels=119)


def test_a_missing_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_itk(tmp_path / "a.nrrd")
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(MissingExtraError, match=r"SimpleITK.*inr\[volume\]"):
        read_volume(tmp_path / "a.nrrd")


@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="no shared data")
def test_one_scan_in_three_formats_is_one_volume() -> None:
    folder = SHARED_DATA / "containers"
    first, *others = (read_volume(folder / n) for n in ("epi.mgz", "epi.mha", "epi.nhdr"))
    for other in others:
        assert np.array_equal(first.voxels, other.voxels)
        assert np.allclose(first.container.affine, other.container.affine, atol=1e-4)
    minc = read_volume(folder / "small.mnc")
    expected = nibabel.load(folder / "small.mnc")
    assert np.allclose(minc.voxels[..., 0], expected.get_fdata(), rtol=1e-12)
    # nibabel's affine is of (z, y, x) there.
    assert np.allclose(minc.container.affine, expected.affine[:, [2, 1, 0, 3]])
