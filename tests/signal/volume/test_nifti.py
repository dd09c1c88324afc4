"""NIfTI: array order (x, y, z), scaling, affine and header."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from inr.signal.volume import VolumeFormat, read_volume, write_volume
from tests.signal.volume.conftest import D, H, W, draw, format_of

AFFINE = np.array(
    [[0.0, -2.0, 0.0, 90.0], [0.5, 0.0, 0.0, -60.0], [0.0, 0.0, 3.0, 5.0], [0, 0, 0, 1]]
)


def make_image(array: np.ndarray, kind: Any = nibabel.Nifti1Image) -> Any:
    """An image of (x, y, z) with two affines, units, scaling and a description."""
    image = kind(array, AFFINE)
    image.header.set_xyzt_units("mm", "sec")
    image.header["descrip"] = b"a phantom"
    image.set_sform(AFFINE, 4)
    moved = AFFINE.copy()
    moved[:3, 3] += 7
    image.set_qform(moved, 1)
    return image


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_the_header_comes_back(kind: Any, suffix: str, tmp_path: Path) -> None:
    image = make_image(draw("i2")[..., 0].T, kind)
    image.header.set_slope_inter(0.25, -1000)
    image.to_filename(tmp_path / f"a{suffix}")
    volume = read_volume(tmp_path / f"a{suffix}")
    write_volume(tmp_path / f"b{suffix}", np.asarray(volume.voxels), format_of(volume))
    before, after = (nibabel.load(tmp_path / f"{name}{suffix}") for name in "ab")
    assert type(after) is type(before)
    assert after.header == before.header
    assert (after.dataobj.slope, after.dataobj.inter) == (0.25, -1000)
    np.testing.assert_array_equal(after.get_fdata(), before.get_fdata())
    np.testing.assert_array_equal(after.affine, AFFINE)
    np.testing.assert_array_equal(after.get_qform(coded=True)[0], before.get_qform(coded=True)[0])


def test_stored_numbers_are_kept_and_their_scaling_told(tmp_path: Path) -> None:
    stored = draw("i2")
    image = make_image(stored[..., 0].T)
    image.header.set_slope_inter(0.25, -1000)
    image.to_filename(tmp_path / "a.nii.gz")
    physical = nibabel.load(tmp_path / "a.nii.gz").get_fdata().T
    volume = read_volume(tmp_path / "a.nii.gz")
    scaled = volume.voxels[..., 0] * volume.container.slope + volume.container.intercept
    np.testing.assert_array_equal(scaled, physical)
    assert volume.voxels.dtype == np.int16
    assert (volume.container.spacing, volume.container.unit) == ((0.5, 2.0, 3.0), "mm")
    # A format that has no place for a scale is given the physical values.
    write_volume(tmp_path / "b.npy", np.asarray(volume.voxels), format_of(volume))
    np.testing.assert_array_equal(np.load(tmp_path / "b.npy"), physical.astype(np.float32))


def test_a_voxel_of_a_crop_is_where_it_was(tmp_path: Path) -> None:
    make_image(draw("f4")[..., 0].T).to_filename(tmp_path / "a.nii")
    volume = read_volume(tmp_path / "a.nii", crop=[2, 1, 3, 6, 5, 5])
    write_volume(tmp_path / "b.nii", np.asarray(volume.voxels), format_of(volume))
    before, after = nibabel.load(tmp_path / "a.nii"), nibabel.load(tmp_path / "b.nii")
    for get in ("get_sform", "get_qform"):
        old, new = getattr(before, get)(), getattr(after, get)()
        # The header is in float32.
        np.testing.assert_allclose(new @ [1, 2, 0, 1], old @ [3, 3, 3, 1], rtol=1e-5)
    np.testing.assert_array_equal(after.dataobj[1, 2, 0], before.dataobj[3, 3, 3])
    assert after.header["descrip"] == before.header["descrip"]


def test_a_resized_volume_covers_the_same_place(tmp_path: Path) -> None:
    make_image(draw("f4")[..., 0].T).to_filename(tmp_path / "a.nii")
    volume = read_volume(tmp_path / "a.nii")
    container = volume.container.resampled((D, H, W), (10, 3, 14))
    plan = replace(format_of(volume), container=container)
    write_volume(tmp_path / "b.nii", np.zeros((10, 3, 14, 1), np.float32), plan)
    before, after = nibabel.load(tmp_path / "a.nii"), nibabel.load(tmp_path / "b.nii")
    np.testing.assert_allclose(after.header.get_zooms(), (0.25, 4.0, 1.5))
    for corner in np.ndindex(2, 2, 2):
        old, new = (
            image.affine @ [*(np.array(corner) * image.shape - 0.5), 1] for image in (before, after)
        )
        np.testing.assert_allclose(new, old, rtol=1e-5)


def test_a_series_of_volumes_asks_which(tmp_path: Path) -> None:
    series = np.stack([draw("i2")[..., 0].T + t for t in range(3)], axis=-1)
    make_image(series).to_filename(tmp_path / "a.nii.gz")
    with pytest.raises(ValueError, match=r"series of 3 volumes.*frame=0 \(to 2\), or axes=xyzc"):
        read_volume(tmp_path / "a.nii.gz")
    with pytest.raises(ValueError, match=r"no frame 3: it holds 3.*frame=2"):
        read_volume(tmp_path / "a.nii.gz", frame=3)
    volume = read_volume(tmp_path / "a.nii.gz", frame=2)
    np.testing.assert_array_equal(volume.voxels[..., 0].T, series[..., 2])
    write_volume(tmp_path / "b.nii.gz", np.asarray(volume.voxels), format_of(volume))
    back = nibabel.load(tmp_path / "b.nii.gz")
    np.testing.assert_array_equal(np.asarray(back.dataobj), series[..., 2])
    np.testing.assert_array_equal(back.affine, AFFINE)
    # Only the frame that is read has to fit.
    assert (
        read_volume(tmp_path / "a.nii.gz", frame=1, max_voxels=D * H * W).voxels.size == D * H * W
    )
    channels = read_volume(tmp_path / "a.nii.gz", axes="xyzc")
    np.testing.assert_array_equal(channels.voxels.transpose(2, 1, 0, 3), series)
    write_volume(tmp_path / "c.nii.gz", np.asarray(channels.voxels), format_of(channels))
    np.testing.assert_array_equal(np.asarray(nibabel.load(tmp_path / "c.nii.gz").dataobj), series)


def test_colours_are_channels(tmp_path: Path) -> None:
    voxels = draw("u1", 3)
    colors = np.zeros((W, H, D), [(name, "u1") for name in "RGB"])
    for number, name in enumerate("RGB"):
        colors[name] = voxels[..., number].T
    nibabel.Nifti1Image(colors, AFFINE).to_filename(tmp_path / "a.nii")
    volume = read_volume(tmp_path / "a.nii")
    np.testing.assert_array_equal(volume.voxels, voxels)
    write_volume(tmp_path / "b.nii", np.asarray(volume.voxels), format_of(volume))
    assert (tmp_path / "a.nii").read_bytes() == (tmp_path / "b.nii").read_bytes()
    with pytest.raises(ValueError, match=r"has 3 colours beside its axes, yxc .*axes without c"):
        read_volume(tmp_path / "a.nii", axes="yxc")


def test_a_pair_of_files_is_read(tmp_path: Path) -> None:
    voxels = draw("i2")
    nibabel.Nifti1Pair(voxels[..., 0].T, AFFINE).to_filename(tmp_path / "a.hdr")
    volume = read_volume(tmp_path / "a.hdr")
    np.testing.assert_array_equal(volume.voxels, voxels)
    assert volume.container.suffix == ".nii"
    write_volume(tmp_path / "b.nii", voxels, format_of(volume))
    np.testing.assert_array_equal(read_volume(tmp_path / "b.nii").voxels, voxels)


def test_the_same_volume_is_the_same_file_at_any_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_image(draw("i2")[..., 0].T).to_filename(tmp_path / "a.nii.gz")
    volume = read_volume(tmp_path / "a.nii.gz")
    for name, seconds in (("b", 1e9), ("c", 2e9)):
        with monkeypatch.context() as then:
            then.setattr("time.time", lambda seconds=seconds: seconds)
            write_volume(tmp_path / f"{name}.nii.gz", np.asarray(volume.voxels), format_of(volume))
    assert (tmp_path / "b.nii.gz").read_bytes() == (tmp_path / "c.nii.gz").read_bytes()


def test_a_header_that_is_none_is_an_error(tmp_path: Path) -> None:
    make_image(draw("i2")[..., 0].T).to_filename(tmp_path / "a.nii")
    volume_format = format_of(read_volume(tmp_path / "a.nii"))
    for header in ("AAAA", "no base 64!"):
        broken = VolumeFormat(
            volume_format.pixel_format, replace(volume_format.container, header=header)
        )
        with pytest.raises(ValueError, match="the NIfTI header that was kept is broken"):
            write_volume(tmp_path / "b.nii", draw("i2"), broken)
    assert not (tmp_path / "b.nii").exists()


@pytest.mark.parametrize("place", [0.5, -6])
def test_a_packed_file_whose_sum_is_another_is_rejected(place: float, tmp_path: Path) -> None:
    voxels = np.arange(480, dtype="i2").reshape(10, 8, 6)
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), tmp_path / "a.nii")
    content = bytearray(gzip.compress((tmp_path / "a.nii").read_bytes(), 0))
    read_from = tmp_path / "b.nii.gz"
    read_from.write_bytes(content)
    assert read_volume(read_from).voxels.shape == (6, 8, 10, 1)
    content[int(place * len(content)) if place > 0 else int(place)] ^= 255
    read_from.write_bytes(content)
    with pytest.raises(ValueError, match=r"cut off or damaged.*; expected"):
        read_volume(read_from)


def test_a_nifti_of_one_axis_is_rejected(tmp_path: Path) -> None:
    header = nibabel.Nifti1Header()
    header.set_data_dtype("i2")
    header.set_data_shape((10,))
    header["magic"], header["vox_offset"] = b"n+1", 352
    path = tmp_path / "a.nii"
    path.write_bytes(header.binaryblock + bytes(4) + np.arange(10, dtype="i2").tobytes())
    with pytest.raises(ValueError, match=r"has shape \(10,\); expected two axes or more"):
        read_volume(path)
