"""Every format gives (z, y, x, channel) and writes back what it gave."""

from __future__ import annotations

import errno
import gzip
import json
import os
import tracemalloc
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import h5py
import nibabel
import numpy as np
import pytest
import SimpleITK
import tifffile
import zarr

from inr.raster import PixelFormat
from inr.signal.volume import (
    SUFFIXES,
    Container,
    Volume,
    VolumeFormat,
    is_volume,
    read_volume,
    write_slabs,
    write_volume,
)
from tests.signal.volume.conftest import D, H, W, draw, format_of

DTYPES = ["bool", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"]
TERMS = {".raw": {"shape": [D, H, W]}, ".bin": {"shape": [D, H, W]}}
NO_MGH = [dtype for dtype in DTYPES if dtype not in ("u1", "i2", "i4", "f4")]
LACKING = {suffix: ["bool", "f2"] for suffix in (".nii", ".nii.gz", ".nrrd", ".mha")}
LACKING |= {".mgh": NO_MGH, ".mgz": NO_MGH}
# Where channels are frames that are called so.
CHANNELS = {suffix: {"axes": "xyzc"} for suffix in (".mgh", ".mgz")}


def save(path: Path, array: np.ndarray) -> None:
    """Writes (z, y, x) or (z, y, x, c) with the library of each format, not with ours."""
    suffix = "".join(path.suffixes)
    if suffix == ".npy":
        np.save(path, array)
    elif suffix == ".npz":
        np.savez(path, ct=array, note=np.array("text"), scale=np.ones(3))
    elif suffix in (".nii", ".nii.gz"):
        vector = array.ndim == 4
        moved = array.transpose(2, 1, 0, 3)[:, :, :, None] if vector else array.transpose(2, 1, 0)
        nibabel.Nifti1Image(moved, np.diag([0.5, 0.75, 2.0, 1]), dtype=array.dtype).to_filename(
            path
        )
    elif suffix in (".nrrd", ".mha"):
        image = SimpleITK.GetImageFromArray(array, isVector=array.ndim == 4)
        image.SetSpacing([0.5, 0.75, 2.0])
        SimpleITK.WriteImage(image, str(path))
    elif suffix in (".mgh", ".mgz"):
        moved = array.transpose(2, 1, 0, 3) if array.ndim == 4 else array.T
        nibabel.MGHImage(moved, np.diag([0.5, 0.75, 2.0, 1])).to_filename(path)
    elif suffix in (".tif", ".tiff"):
        with tifffile.TiffWriter(path) as writer:
            for page in array:
                colors = {"planarconfig": "contig", "photometric": "minisblack"}
                writer.write(page, metadata=None, **(colors if page.ndim == 3 else {}))
    elif suffix in (".h5", ".hdf5"):
        with h5py.File(path, "w") as file:
            file["scan/ct"] = array
            file["scan/spacing"] = np.ones(3)
    elif suffix == ".zarr":
        zarr.create_array(str(path), name="scan/ct", data=array)
    else:
        path.write_bytes(array.tobytes())


@pytest.mark.parametrize(
    ("suffix", "dtype"),
    [(s, d) for s in SUFFIXES for d in DTYPES if d not in LACKING.get(s, [])],
)
def test_what_other_programs_write_is_read_and_written_back(
    suffix: str, dtype: str, tmp_path: Path
) -> None:
    voxels = draw(dtype)
    path, back = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    save(path, voxels[..., 0])
    assert is_volume(path)
    terms = {**TERMS[suffix], "dtype": dtype} if suffix in TERMS else {}
    volume = read_volume(path, **terms)
    assert volume.voxels.dtype.newbyteorder("=") == np.dtype(dtype)
    np.testing.assert_array_equal(volume.voxels, voxels)
    assert (volume.low, volume.high) == (float(voxels.min()), float(voxels.max()))
    assert volume.notes == ()
    plain = json.loads(json.dumps(asdict(format_of(volume))))
    volume_format = VolumeFormat.from_plain(plain)
    assert volume_format == format_of(volume)
    write_volume(back, np.asarray(volume.voxels), volume_format)
    again = read_volume(back, **terms)
    np.testing.assert_array_equal(again.voxels, voxels)
    assert again.voxels.dtype.newbyteorder("=") == np.dtype(dtype)
    assert again.container == volume.container


def load(path: Path) -> np.ndarray:
    """Reads the numbers as stored, with the library of each format."""
    suffix = "".join(path.suffixes)
    if suffix == ".npy":
        return np.load(path)
    if suffix == ".npz":
        with np.load(path) as archive:
            (name,) = archive.files
            assert name == "ct"
            return archive[name]
    if suffix in (".nii", ".nii.gz"):
        return np.asarray(nibabel.load(path).dataobj).T
    if suffix in (".mgh", ".mgz"):
        with gzip.open(path) if suffix == ".mgz" else path.open("rb") as opened:
            return np.asarray(nibabel.MGHImage.from_stream(opened).dataobj).T
    if suffix in (".nrrd", ".mha"):
        return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    if suffix in (".tif", ".tiff"):
        return tifffile.imread(path)
    if suffix in (".h5", ".hdf5"):
        with h5py.File(path) as file:
            return file["scan/ct"][:]
    if suffix == ".zarr":
        return zarr.open(str(path), mode="r")["scan/ct"][:]
    return np.fromfile(path, "i2").reshape(D, H, W)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_other_programs_read_what_is_written(suffix: str, tmp_path: Path) -> None:
    voxels = draw("i2")
    save(tmp_path / f"in{suffix}", voxels[..., 0])
    volume = read_volume(
        tmp_path / f"in{suffix}", **({"shape": [D, H, W], "dtype": "i2"} if suffix in TERMS else {})
    )
    write_volume(tmp_path / f"out{suffix}", voxels, format_of(volume))
    stored = load(tmp_path / f"out{suffix}")
    np.testing.assert_array_equal(stored, voxels[..., 0])
    assert stored.dtype.newbyteorder("=") == np.int16


@pytest.mark.parametrize("channels", [2, 3, 4])
@pytest.mark.parametrize("suffix", [s for s in SUFFIXES if s not in TERMS])
def test_vectors_are_channels(suffix: str, channels: int, tmp_path: Path) -> None:
    voxels = draw("f4", channels)
    path, back = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    save(path, voxels)
    volume = read_volume(path, **CHANNELS.get(suffix, {}))
    np.testing.assert_array_equal(volume.voxels, voxels)
    write_volume(back, np.asarray(volume.voxels), format_of(volume))
    again = read_volume(back, **CHANNELS.get(suffix, {}))
    np.testing.assert_array_equal(again.voxels, voxels)
    assert again.container == volume.container


@pytest.mark.parametrize("dtype", ["u1", "i2", "f4", "f8"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("target", SUFFIXES)
def test_a_volume_can_be_written_in_another_format(
    target: str, channels: int, dtype: str, tmp_path: Path
) -> None:
    voxels = draw(dtype, channels)
    source = ".npy" if target.startswith(".nii") else ".nii.gz"
    save(tmp_path / f"in{source}", voxels[..., 0] if channels == 1 else voxels)
    volume = read_volume(tmp_path / f"in{source}")
    if dtype in LACKING.get(target, []):
        with pytest.raises(ValueError, match=r"cannot hold float64; expected .*\.nii\.gz"):
            write_volume(tmp_path / f"out{target}", np.asarray(volume.voxels), format_of(volume))
        return
    write_volume(tmp_path / f"out{target}", np.asarray(volume.voxels), format_of(volume))
    shape = [D, H, W] if channels == 1 else [D, H, W, channels]
    terms = {"shape": shape, "dtype": dtype} if target in TERMS else {}
    terms |= CHANNELS.get(target, {}) if channels > 1 else {}
    again = read_volume(tmp_path / f"out{target}", **terms)
    np.testing.assert_array_equal(again.voxels, voxels)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("axes", ["zyx", "xyz", "yxz", "tzyx", "czyx"])
def test_slabs_give_the_same_file_as_the_whole(suffix: str, axes: str, tmp_path: Path) -> None:
    channels = 2 if "c" in axes else 1
    voxels = draw("u2", channels)
    pixels = draw("u2", channels)
    np.save(tmp_path / "in.npy", pixels)
    volume_format = format_of(read_volume(tmp_path / "in.npy"))
    container = Container(suffix, axes, dataset="a/b" if suffix in (".h5", ".zarr") else None)
    volume_format = VolumeFormat(volume_format.pixel_format, container)
    write_volume(tmp_path / f"whole{suffix}", voxels, volume_format)
    slabs = (voxels[start : start + 2] for start in range(0, D, 2))
    write_slabs(tmp_path / f"slabs{suffix}", (D, H, W, channels), slabs, volume_format)
    whole, slabbed = ((tmp_path / f"{name}{suffix}") for name in ("whole", "slabs"))
    if suffix == ".zarr":
        np.testing.assert_array_equal(zarr.open(str(whole))["a/b"], zarr.open(str(slabbed))["a/b"])
    elif suffix in (".npz", ".h5", ".hdf5"):
        again = read_volume(slabbed, axes=axes, frame=0)
        np.testing.assert_array_equal(again.voxels, voxels)
    else:
        assert whole.read_bytes() == slabbed.read_bytes()


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_are_read_and_kept(order: str, tmp_path: Path) -> None:
    voxels = draw("u2")
    np.save(tmp_path / "a.npy", voxels[..., 0].astype(f"{order}u2"))
    (tmp_path / "a.raw").write_bytes(voxels.astype(f"{order}u2").tobytes())
    header = nibabel.Nifti1Header(endianness=order)
    header.set_data_dtype(np.uint16)
    nibabel.Nifti1Image(voxels[..., 0].T, None, header).to_filename(tmp_path / "a.nii")
    for suffix, terms in (
        (".npy", {}),
        (".nii", {}),
        (".raw", {"shape": [D, H, W], "dtype": f"{order}u2"}),
    ):
        volume = read_volume(tmp_path / f"a{suffix}", **terms)
        np.testing.assert_array_equal(volume.voxels, voxels)
        write_volume(tmp_path / f"b{suffix}", np.asarray(volume.voxels), format_of(volume))
        again = read_volume(tmp_path / f"b{suffix}", **terms)
        np.testing.assert_array_equal(again.voxels, voxels)
        assert again.container.byte_order == volume.container.byte_order == order
        if suffix == ".raw":
            assert (tmp_path / "a.raw").read_bytes() == (tmp_path / "b.raw").read_bytes()


@pytest.mark.parametrize(
    ("axes", "frame"),
    [
        ("zyx", None), ("xyz", None), ("yzx", None), ("czyx", None), ("zcyx", None),
        ("xyzc", None), ("tzyx", 1), ("zyxt", 2), ("tczyx", 0), ("xyzct", 1), ("yx", None),
        ("cyx", None),
    ],
)  # fmt: skip
def test_axes_say_where_each_is(axes: str, frame: int | None, tmp_path: Path) -> None:
    sizes = {"t": 3, "z": D, "y": H, "x": W, "c": 2}
    stored = np.random.default_rng(0).normal(size=[sizes[axis] for axis in axes])
    np.save(tmp_path / "a.npy", stored)
    volume = read_volume(tmp_path / "a.npy", axes=axes, frame=frame)
    assert volume.voxels.shape == tuple(sizes[a] if a in axes else 1 for a in "zyxc")
    for z, y, x, c in [(0, 1, 2, 0), (0, 5, 6, 0), (4, 3, 2, 1), (2, 0, 3, 1)]:
        at = {"z": z, "y": y, "x": x, "c": c, "t": frame}
        if all(at[a] == 0 for a in "zc" if a not in axes):
            assert volume.voxels[z, y, x, c] == stored[tuple(at[a] for a in axes)]
    write_volume(tmp_path / "b.npy", np.asarray(volume.voxels), format_of(volume))
    taken = stored if frame is None else stored.take(frame, axis=axes.index("t"))
    np.testing.assert_array_equal(np.load(tmp_path / "b.npy"), taken)


@pytest.mark.parametrize(
    ("shape", "terms", "expected"),
    [
        ((5, 6, 7), {}, (5, 6, 7, 1)),
        ((5, 6, 7, 3), {}, (5, 6, 7, 3)),
        ((1, 5, 6, 7), {}, (5, 6, 7, 1)),
        ((1, 5, 6, 7, 2), {}, (5, 6, 7, 2)),
        ((1, 2, 5, 6, 7), {}, (5, 6, 7, 2)),
        ((8, 5, 6, 3), {"frame": 2}, (5, 6, 3, 1)),
        ((8, 5, 6, 7), {"frame": 2}, (5, 6, 7, 1)),
        ((8, 5, 6, 7, 2), {"frame": 2}, (5, 6, 7, 2)),
    ],
)
def test_axes_that_are_clear_need_not_be_said(
    shape: tuple[int, ...], terms: dict[str, int], expected: tuple[int, ...], tmp_path: Path
) -> None:
    array = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    np.save(tmp_path / "a.npy", array)
    volume = read_volume(tmp_path / "a.npy", **terms)
    assert volume.voxels.shape == expected
    write_volume(tmp_path / "b.npy", np.asarray(volume.voxels), format_of(volume))
    np.testing.assert_array_equal(np.load(tmp_path / "b.npy"), array[2] if terms else array)


@pytest.mark.parametrize("suffix", [s for s in SUFFIXES if s not in TERMS])
def test_a_crop_is_a_box_of_voxels(suffix: str, tmp_path: Path) -> None:
    voxels = draw("i2")
    save(tmp_path / f"a{suffix}", voxels[..., 0])
    volume = read_volume(tmp_path / f"a{suffix}", crop=[2, 1, 3, 6, 3, 4])
    np.testing.assert_array_equal(volume.voxels, voxels[3:4, 1:3, 2:6])
    assert volume.low == voxels[3:4, 1:3, 2:6].min()


def test_a_crop_comes_before_the_limit_of_voxels(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", draw("i2"))
    box = [2, 1, 3, 6, 3, 4]
    assert read_volume(tmp_path / "a.npy", crop=box, max_voxels=8).voxels.size == 8
    with pytest.raises(ValueError, match=r"8 voxels .*at most 7.*max_voxels=8"):
        read_volume(tmp_path / "a.npy", crop=box, max_voxels=7)


def test_nan_is_rejected_or_read_as_zero(tmp_path: Path) -> None:
    voxels = draw("f4")
    voxels[1, 2, 3], voxels[4, 0, 0] = np.nan, -np.inf
    np.save(tmp_path / "a.npy", voxels)
    with pytest.raises(ValueError, match=r"holds 2 NaN or infinite.*nonfinite=zero"):
        read_volume(tmp_path / "a.npy")
    volume = read_volume(tmp_path / "a.npy", nonfinite="zero")
    np.testing.assert_array_equal(volume.voxels, np.where(np.isfinite(voxels), voxels, 0))
    assert "2 NaN or infinite values are read as 0" in volume.notes[0]
    # Not of what is left out.
    assert read_volume(tmp_path / "a.npy", crop=[0, 0, 0, 7, 6, 1]).notes == ()


def test_a_width_that_has_no_inverse_is_none(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[[0.0, 5e-324]]]))
    volume = read_volume(tmp_path / "a.npy")
    assert (volume.low, volume.high) == (0.0, 1.0)


@pytest.mark.parametrize(("value", "high"), [(0, 1.0), (-3, -2.0), (2**40, 2.0**41)])
def test_a_constant_volume_has_a_range(value: int, high: float, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.full((3, 4, 5), value, np.int64))
    volume = read_volume(tmp_path / "a.npy")
    assert (volume.low, volume.high) == (value, high)


def test_imagej_keeps_its_spacing(tmp_path: Path) -> None:
    voxels = draw("u2", 2)
    stack = voxels.transpose(0, 3, 1, 2)
    for name, array, axes in (("one", stack[:, 0], "ZYX"), ("two", stack, "ZCYX")):
        tifffile.imwrite(
            tmp_path / f"{name}.tif", array, imagej=True, resolution=(4.0, 2.0),
            metadata={"axes": axes, "spacing": 1.5, "unit": "um"},
        )  # fmt: skip
        volume = read_volume(tmp_path / f"{name}.tif")
        expected = voxels if name == "two" else voxels[..., :1]
        np.testing.assert_array_equal(volume.voxels, expected)
        assert (volume.container.spacing, volume.container.unit) == ((0.25, 0.5, 1.5), "um")
        write_volume(tmp_path / "back.tif", np.asarray(volume.voxels), format_of(volume))
        with tifffile.TiffFile(tmp_path / "back.tif") as tiff:
            assert tiff.imagej_metadata is not None
            assert tiff.imagej_metadata["spacing"] == 1.5
            assert tiff.series[0].axes == axes
        again = read_volume(tmp_path / "back.tif")
        np.testing.assert_array_equal(again.voxels, expected)
        assert again.container == volume.container


def test_ome_keeps_its_spacing(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.ome.tif", draw("u2")[..., 0],
        metadata={
            "axes": "ZYX", "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.5, "PhysicalSizeZ": 1.5,
            "PhysicalSizeXUnit": "µm",
        },
    )  # fmt: skip
    volume = read_volume(tmp_path / "a.ome.tif")
    np.testing.assert_array_equal(volume.voxels, draw("u2"))
    assert (volume.container.spacing, volume.container.unit) == ((0.25, 0.5, 1.5), "um")
    write_volume(tmp_path / "back.tif", np.asarray(volume.voxels), format_of(volume))
    assert read_volume(tmp_path / "back.tif").container == volume.container


def check_spacing(path: Path, voxels: np.ndarray, container: Container) -> Volume:
    """Writes a volume with a spacing, and reads it back."""
    np.save(path.parent / "a.npy", voxels)
    source = read_volume(path.parent / "a.npy")
    volume_format = VolumeFormat(format_of(source).pixel_format, container)
    write_volume(path, voxels, volume_format)
    again = read_volume(path)
    np.testing.assert_array_equal(again.voxels, voxels)
    assert again.notes == ()
    return again


@pytest.mark.parametrize("unit", ["um", "mm", None])
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("dtype", DTYPES)
def test_tiff_of_any_dtype_keeps_a_spacing(
    dtype: str, channels: int, unit: str | None, tmp_path: Path
) -> None:
    axes = "zyx" if channels == 1 else "zyxc"
    container = Container(".tif", axes, spacing=(0.25, 0.5, 1.5e-3), unit=unit)
    again = check_spacing(tmp_path / "b.tif", draw(dtype, channels), container)
    assert again.container == container
    is_wider = dtype == "bool" and channels > 1
    assert again.voxels.dtype == np.dtype("u1" if is_wider else dtype)
    before = (tmp_path / "b.tif").read_bytes()
    check_spacing(tmp_path / "b.tif", draw(dtype, channels), container)
    assert (tmp_path / "b.tif").read_bytes() == before


def test_tiff_beyond_the_classic_limit_keeps_its_spacing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inr.signal.volume.tiff.CLASSIC_LIMIT", 0)
    container = Container(".tif", spacing=(0.25, 0.5, 1.5), unit="um")
    assert check_spacing(tmp_path / "b.tif", draw("u2"), container).container == container
    with tifffile.TiffFile(tmp_path / "b.tif") as tiff:
        assert tiff.is_bigtiff and tiff.is_ome
        assert 'PhysicalSizeZ="1.5" PhysicalSizeZUnit="µm"' in (tiff.ome_metadata or "")


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("nm", 1e-3), ("um", 1.0), ("mm", 1e3), ("cm", 1e4), ("m", 1e6), ("inch", None),
        (None, None),
    ],
)  # fmt: skip
def test_hdf5_keeps_a_spacing_in_any_unit(
    unit: str | None, expected: float | None, tmp_path: Path
) -> None:
    container = Container(".h5", spacing=(1.0, 2.0, 3.0), unit=unit)
    again = check_spacing(tmp_path / "b.h5", draw("u1"), container).container
    assert again.unit == (unit if expected is None else "um")
    np.testing.assert_allclose(again.spacing, np.array([1, 2, 3]) * (expected or 1))
    with h5py.File(tmp_path / "b.h5") as file:
        assert ("element_size_um" in file["volume"].attrs) == (expected is not None)


def test_what_hdf5_says_that_is_no_spacing_is_told_of(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["raw"] = draw("u1")[..., 0]
        file["raw"].attrs["element_size_um"] = [0.0, 2.0, 1.0]
    volume = read_volume(tmp_path / "a.h5")
    assert (volume.container.spacing, volume.container.unit) == (None, None)
    assert volume.notes == ("its element_size_um is not three lengths and is left out",)


@pytest.mark.parametrize("unit", ["mm", "um", "furlong", None])
@pytest.mark.parametrize(("axes", "dataset"), [("zyx", None), ("zyxc", "a/b"), ("tczyx", "0")])
def test_zarr_keeps_a_spacing(
    axes: str, dataset: str | None, unit: str | None, tmp_path: Path
) -> None:
    container = Container(".zarr", axes, dataset=dataset, spacing=(0.25, 0.5, 1.5), unit=unit)
    voxels = draw("i2", 2 if "c" in axes else 1)
    again = check_spacing(tmp_path / "b.zarr", voxels, container)
    assert again.container == replace(container, dataset=dataset or "0")
    write_volume(tmp_path / "b.zarr", voxels, format_of(again))
    assert read_volume(tmp_path / "b.zarr").container == again.container


def make_multiscale(path: Path, version: str, **changed: object) -> np.ndarray:
    """A store of two levels of (t, c, z, y, x), as microscopes' programs write it."""
    array = draw("u2", 2).transpose(3, 0, 1, 2)[None]
    is_old = version == "0.4"
    group = zarr.create_group(str(path), zarr_format=2 if is_old else 3)
    group.create_array("s1", data=array[..., ::2, ::2])
    group.create_array("s0", data=array)
    axes = [{"name": "t", "type": "time", "unit": "second"}, {"name": "c", "type": "channel"}]
    axes += [{"name": axis, "type": "space", "unit": "micrometer"} for axis in "zyx"]
    levels = [
        {
            "path": f"s{level}",
            "coordinateTransformations": [
                {"type": "scale", "scale": [1, 1, 1.5, step, step / 2]},
                {"type": "translation", "translation": [0, 0, 0, 0, 0]},
            ],
        }
        for level, step in ((0, 0.5), (1, 1.0))
    ]
    image: dict[str, object] = {"axes": axes, "datasets": levels} | changed
    images = {"multiscales": [image]}
    group.attrs.update(images if is_old else {"ome": {"version": version, **images}})
    return array


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_the_levels_of_ome_zarr_are_read(version: str, tmp_path: Path) -> None:
    whole = {"coordinateTransformations": [{"type": "scale", "scale": [9, 1, 2, 1, 1]}]}
    array = make_multiscale(tmp_path / "a.zarr", version, **whole)
    volume = read_volume(tmp_path / "a.zarr")
    np.testing.assert_array_equal(volume.voxels, array[0].transpose(1, 2, 3, 0))
    container = volume.container
    assert (container.dataset, container.axes, container.unit) == ("s0", "tczyx", "um")
    assert container.spacing == (0.25, 0.5, 3.0)
    coarse = read_volume(tmp_path / "a.zarr", dataset="s1")
    assert coarse.voxels.shape == (D, H // 2, (W + 1) // 2, 2)
    assert coarse.container.spacing == (0.5, 1.0, 3.0)


@pytest.mark.parametrize(
    "changed",
    [
        {"axes": [{"name": "x"}]},
        {"axes": "tczyx"},
        {
            "axes": [{"name": "y"}, {"name": "x"}],
            "datasets": [
                {
                    "path": "s0",
                    "coordinateTransformations": [{"type": "scale", "scale": [2, 3]}],
                }
            ],
        },
        {"datasets": None},
        {"datasets": [{"path": "s0", "coordinateTransformations": [{"type": "scale"}]}]},
    ],
)
def test_a_zarr_store_is_read_whatever_it_says_of_levels(
    changed: dict[str, object], tmp_path: Path
) -> None:
    array = make_multiscale(tmp_path / "a.zarr", "0.5", **changed)
    volume = read_volume(tmp_path / "a.zarr", dataset="s0")
    np.testing.assert_array_equal(volume.voxels, array[0].transpose(1, 2, 3, 0))
    assert volume.container.spacing is None


def test_hdf5_behind_a_header_or_a_link(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
        file["ct"] = draw("u1")[..., 0]
        file["other"] = np.zeros((2, 3, 4))
        file["link"] = h5py.SoftLink("/ct")
    with (tmp_path / "a.mat").open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file")
    assert is_volume(tmp_path / "a.mat")
    for name in ("ct", "/ct", "link"):
        volume = read_volume(tmp_path / "a.mat", dataset=name)
        np.testing.assert_array_equal(volume.voxels, draw("u1"))
    assert volume.container.suffix == ".h5"


def test_hdf5_keeps_its_spacing(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["raw"] = draw("u1")[..., 0]
        file["raw"].attrs["element_size_um"] = [3.0, 2.0, 1.0]
    volume = read_volume(tmp_path / "a.h5", crop=[1, 0, 0, 7, 6, 5])
    assert (volume.container.spacing, volume.container.unit) == ((1.0, 2.0, 3.0), "um")
    write_volume(tmp_path / "b.h5", np.asarray(volume.voxels), format_of(volume))
    with h5py.File(tmp_path / "b.h5") as file:
        np.testing.assert_allclose(file["raw"].attrs["element_size_um"], [3.0, 2.0, 1.0])


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".zarr"])
def test_one_of_several_arrays_is_chosen_by_its_name(suffix: str, tmp_path: Path) -> None:
    first, second = draw("i2")[..., 0], draw("f4")[:3, :, :, 0]
    path = tmp_path / f"a{suffix}"
    if suffix == ".npz":
        np.savez(path, ct=first, dose=second)
    elif suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["ct"], file["dose"] = first, second
    else:
        group = zarr.create_group(str(path))
        group.create_array("ct", data=first)
        group.create_array("dose", data=second)
    with pytest.raises(ValueError, match=r"ct \(5 x 6 x 7\), dose \(3 x 6 x 7\).*dataset=ct"):
        read_volume(path)
    with pytest.raises(ValueError, match=r"has no \w+ 'mr'; expected one of ct"):
        read_volume(path, dataset="mr")
    volume = read_volume(path, dataset="dose")
    np.testing.assert_array_equal(volume.voxels[..., 0], second)
    assert volume.container.dataset == "dose"


def test_zarr_of_version_2_and_of_a_single_array(tmp_path: Path) -> None:
    voxels = draw("u2")[..., 0]
    zarr.create_array(str(tmp_path / "a.zarr"), data=voxels, zarr_format=2, chunks=(2, 3, 4))
    assert is_volume(tmp_path / "a.zarr")
    volume = read_volume(tmp_path / "a.zarr")
    np.testing.assert_array_equal(volume.voxels[..., 0], voxels)
    write_volume(tmp_path / "b.zarr", np.asarray(volume.voxels), format_of(volume))
    np.testing.assert_array_equal(zarr.open(str(tmp_path / "b.zarr"), mode="r"), voxels)


def test_a_raw_file_says_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "bonsai_7x6x5_uint16.raw"
    path.write_bytes(draw("u2").tobytes())
    with pytest.raises(ValueError, match=r"shape=\[5,6,7\] dtype=uint16"):
        read_volume(path)
    np.testing.assert_array_equal(
        read_volume(path, shape=[5, 6, 7], dtype="uint16").voxels, draw("u2")
    )
    with pytest.raises(ValueError, match=r"has 420 bytes; expected 210 for 5 x 6 x 7 .*uint8"):
        read_volume(path, shape=[5, 6, 7], dtype="uint8")


def test_writing_is_all_or_nothing(tmp_path: Path) -> None:
    voxels = draw("u2")
    np.save(tmp_path / "a.npy", voxels)
    volume_format = format_of(read_volume(tmp_path / "a.npy"))

    def fail() -> object:
        yield voxels[:2]
        raise RuntimeError("no more")

    for suffix in SUFFIXES:
        path = tmp_path / "out" / f"x{suffix}"
        write_volume(path, voxels, volume_format)
        before = (
            path.read_bytes() if path.is_file() else zarr.open(str(path), mode="r")[:].tobytes()
        )
        with pytest.raises(RuntimeError, match="no more"):
            write_slabs(path, (D, H, W, 1), fail(), volume_format)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="got 2 slices or more; expected 5"):
            write_slabs(path, (D, H, W, 1), [voxels[:2]], volume_format)
        with pytest.raises(ValueError, match="expected 5"):
            write_slabs(path, (D, H, W, 1), [voxels, voxels], volume_format)
        after = path.read_bytes() if path.is_file() else zarr.open(str(path), mode="r")[:].tobytes()
        assert before == after
    assert len(list((tmp_path / "out").iterdir())) == len(SUFFIXES)


# SimpleITK wants the whole, and NumPy writes archives by way of 16 MiB.
@pytest.mark.parametrize("suffix", sorted({*SUFFIXES} - {".nrrd", ".mha", ".npz"}))
@pytest.mark.parametrize("axes", ["zyx", "xyz"])
def test_memory_for_writing_does_not_grow_with_the_volume(
    suffix: str, axes: str, tmp_path: Path
) -> None:
    slab = np.random.default_rng(0).integers(0, 200, (4, 128, 128, 1), np.int32)
    pixels = PixelFormat("int32", 32, 0.0, 200.0, (0.0, 1.0))
    form = VolumeFormat(pixels, Container(suffix, axes))
    write_slabs(tmp_path / f"warm{suffix}", slab.shape, [slab], form)
    peaks = []
    for depth in (64, 256):
        slabs = (slab for _ in range(depth // 4))
        tracemalloc.start()
        write_slabs(tmp_path / f"a{suffix}", (depth, 128, 128, 1), slabs, form)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # 16 MiB in all.
    assert peaks[1] - peaks[0] < 2**22


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="files grow as they are written")
def test_a_full_disk_is_an_error_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    np.save(tmp_path / "a.npy", draw("u2"))
    volume = read_volume(tmp_path / "a.npy")
    before = (tmp_path / "a.npy").read_bytes()
    monkeypatch.setattr("os.posix_fallocate", fill)
    with pytest.raises(OSError, match="No space left"):
        write_volume(tmp_path / "a.npy", draw("u2"), format_of(volume))
    assert (tmp_path / "a.npy").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_what_cannot_be_written_is_rejected(tmp_path: Path) -> None:
    voxels = draw("u2")
    np.save(tmp_path / "a.npy", voxels)
    volume_format = format_of(read_volume(tmp_path / "a.npy"))
    with pytest.raises(ValueError, match=r"'\.vtk'; expected \.npy"):
        write_volume(tmp_path / "b.vtk", voxels, volume_format)
    with pytest.raises(ValueError, match="float64; expected uint16"):
        write_volume(tmp_path / "b.npy", voxels / 2, volume_format)
    with pytest.raises(ValueError, match=r"expected \(D, H, W, C\)"):
        write_volume(tmp_path / "b.npy", voxels[0], volume_format)
    (tmp_path / "b.zarr").mkdir()
    (tmp_path / "b.zarr" / "thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="is no Zarr store"):
        write_volume(tmp_path / "b.zarr", voxels, volume_format)
    assert (tmp_path / "b.zarr" / "thesis.txt").read_text() == "mine"


def test_a_container_moves_with_its_lattice() -> None:
    rotation = np.array([[0.0, -0.75, 0.0], [0.5, 0.0, 0.0], [0.0, 0.0, 2.0]])
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = rotation, [10, 20, 30]
    container = Container(
        ".nii", spacing=(0.5, 0.75, 2.0), unit="mm", affine=tuple(map(tuple, affine.tolist()))
    )
    shape, size = (8, 12, 20), (2, 12, 10)
    moved = container.resampled(shape, size, (0.25, 0.5, 0.0), (0.75, 1.0, 0.5))
    assert moved.spacing == pytest.approx((0.5, 0.375, 4.0))
    for corner in np.ndindex(2, 2, 2):
        # The same point of the unit cube, as a voxel of either lattice.
        lower, upper = np.array([0.25, 0.5, 0.0]), np.array([0.75, 1.0, 0.5])
        new = np.array(corner) * (np.array(size[::-1]) - 1)
        point = lower + (upper - lower) * (new + 0.5) / size[::-1]
        old = point * shape[::-1] - 0.5
        np.testing.assert_allclose(
            np.array(moved.affine) @ [*new, 1], affine @ [*old, 1], atol=1e-12
        )


@pytest.mark.parametrize(
    "break_it",
    [
        lambda plain: plain.pop("container"),
        lambda plain: plain["pixel_format"].pop("value_range"),
        lambda plain: plain["container"].update(color="red"),
        lambda plain: plain["container"].update(affine=[[1, 2], [3, 4]]),
        lambda plain: plain["container"].update(spacing=[1, 2]),
        lambda plain: plain["container"].update(axes="zyxw"),
    ],
)
def test_plain_data_of_another_kind_are_rejected(
    break_it: Callable[[dict[str, object]], object], tmp_path: Path
) -> None:
    np.save(tmp_path / "a.npy", draw("u2"))
    plain = json.loads(json.dumps(asdict(format_of(read_volume(tmp_path / "a.npy")))))
    break_it(plain)
    with pytest.raises((KeyError, TypeError, ValueError)):
        VolumeFormat.from_plain(plain)
