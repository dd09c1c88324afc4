"""What is not read is rejected: in one line, in time, and before memory is used."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import nibabel
import numpy as np
import pytest
import SimpleITK
import tifffile
import zarr

from inr.signal.volume import is_volume, read_volume, write_volume
from tests.signal.volume.conftest import draw, format_of
from tests.signal.volume.dicom import write_slice

TERA = (10_000, 10_000, 10_000)


def npy_bytes(array: np.ndarray) -> bytes:
    """A NumPy file."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array)
    return buffer.getvalue()


def npy_header(shape: tuple[int, ...], dtype: str = "<u2") -> bytes:
    """The header of a NumPy file that claims anything."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": dtype, "fortran_order": False, "shape": shape}
    )
    return buffer.getvalue()


def zip_bytes(**members: bytes) -> bytes:
    """An archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def nifti_bytes(array: np.ndarray | None = None, dims: tuple[int, ...] | None = None) -> bytes:
    """A NIfTI file, which may claim other dimensions."""
    content = bytearray(
        nibabel.Nifti1Image(draw("i2")[..., 0].T if array is None else array, None).to_bytes()
    )
    if dims is not None:
        struct.pack_into(f"<{len(dims) + 1}h", content, 40, len(dims), *dims)
    return bytes(content)


def tiff_bytes(**options: Any) -> bytes:
    """A TIFF of five pages."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, draw("u2")[..., 0], **options)
    return buffer.getvalue()


def hdf5_bytes(shape: tuple[int, ...] | None = None, **options: Any) -> bytes:
    """An HDF5 file, which may claim any shape without holding its numbers."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        if shape is None:
            file.create_dataset("a", data=draw("u2")[..., 0], **options)
        else:
            file.create_dataset("a", shape, "u2", **options)
    return buffer.getvalue()


class Bomb:
    """Makes a folder when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, ("unpickled",)


@pytest.mark.parametrize(
    ("content", "keyword"),
    [
        (b"", "empty"),
        (b"\x93", "not a volume"),
        (b"just some text\nin two lines", "not a volume"),
        (b"\x89PNG\r\n\x1a\n" + bytes(60), "not a volume"),
        (b"\x93NUMPY\x01\x00" + bytes(4), "NumPy"),
        (b"\x93NUMPY\x07\x00" + bytes(4), "NumPy"),
        (npy_header((5, 6, 7)), "of 548 bytes are there"),
        (npy_header((5, 0, 7)), "no voxels"),
        (npy_header((5, 6, -7)), "no voxels"),
        (npy_header(TERA), r"1,000,000,000,000 voxels .*max_voxels=1000000000000"),
        (npy_header((5, 6, 7), "<c8"), "holds complex64.*magnitude"),
        (npy_header((5, 6, 7), "<U9000"), "holds text or objects"),
        (npy_bytes(np.full((2, 2, 2), 2**60)), r"whole numbers up to 1\.15e\+18"),
        (npy_bytes(np.array([[[-1.7e308, 1.7e308]]])), "a range that a double holds"),
        (npy_bytes(np.zeros((40, 50, 3))), r"image with 3 channels .*axes=yxc or"),
        (npy_bytes(np.zeros((5, 6))), r"has 2 axes \(5 x 6\).*axes=yx"),
        (npy_bytes(np.zeros((9, 5, 6, 7))), r"frame=0 \(to 8\).*axes=czyx"),
        (npy_bytes(np.zeros((2, 9, 5, 6, 7))), r"5 axes.*axes=tczyx frame=0"),
        (zip_bytes(), "holds no array"),
        (zip_bytes(a=npy_bytes(np.zeros(3))), "has 1 axes"),
        (zip_bytes(a=npy_header(TERA)), r"max_voxels="),
        (zip_bytes(a=npy_header((5, 6, 7))), "bytes of a are there"),
        (zip_bytes(a=npy_header((5, 6, 7), "|O")), "holds no array of numbers|text or objects"),
        (nifti_bytes(dims=(3000, 3000, 3000)), r"max_voxels=27000000000"),
        (nifti_bytes(dims=(30, 30, 30)), "cut off or damaged"),
        (nifti_bytes(dims=(7, 6, 0)), "no voxels"),
        (gzip.compress(nifti_bytes(dims=(3000, 3000, 3000))), r"max_voxels="),
        (gzip.compress(nifti_bytes(dims=(30, 30, 30))), "cut off or damaged"),
        (gzip.compress(b"text"), "not a volume"),
        (nifti_bytes(draw("f4")[..., 0].T.astype(np.complex64)), "holds complex64"),
        (b"II*\0" + bytes(4), "no page"),
        (hdf5_bytes(TERA, chunks=(10, 10, 10)), r"max_voxels="),
        (hdf5_bytes((9,)), "holds no dataset"),
        (b"\x89HDF\r\n\x1a\n" + bytes(60), "HDF5"),
        (bytes(128) + b"DICM" + bytes(60), "DICOM"),
    ],
)
def test_content_that_is_no_volume(
    content: bytes, keyword: str, read_bytes: Callable[..., Any], capfd: pytest.CaptureFixture[str]
) -> None:
    tracemalloc.start()
    name = "a.nii.gz" if content[:2] == b"\x1f\x8b" else "a.nii" if len(content) > 540 else "a"
    with pytest.raises(ValueError, match=keyword) as caught:
        read_bytes(content, name)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    message = str(caught.value)
    assert "\n" not in message and "; expected " in message and len(message) < 500
    assert peak < 2**25
    assert capfd.readouterr() == ("", "")


def test_a_pickle_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    array = np.empty((2, 2, 2), object)
    array[:] = Bomb()
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    np.savez(tmp_path / "b.npz", array)
    (tmp_path / "c.npy").write_bytes(pickle.dumps(Bomb()))
    for name in ("a.npy", "b.npz", "c.npy"):
        with pytest.raises(ValueError, match="expected"):
            read_volume(tmp_path / name)
    assert not (tmp_path / "unpickled").exists()


def test_a_zarr_whose_chunks_are_pickles_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = tmp_path / "a.zarr"
    zarr.create_array(
        str(store), data=draw("u2")[..., 0], zarr_format=2, compressors=None, chunks=(5, 6, 7)
    )
    header = json.loads((store / ".zarray").read_text())
    (store / ".zarray").write_text(json.dumps({**header, "filters": [{"id": "pickle"}]}))
    (store / "0.0.0").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ValueError, match="pickle"):
        read_volume(store)
    assert not (tmp_path / "unpickled").exists()


@pytest.mark.parametrize("codec", [{"filters": [{"id": "pickle"}]}, {"codecs": ["x.Pickle"]}])
def test_codecs_that_unpickle_are_rejected_whatever_the_reader_does(codec: dict[str, Any]) -> None:
    from types import SimpleNamespace

    from inr.signal.volume.source import Source
    from inr.signal.volume.zarr import check_codecs

    metadata = SimpleNamespace(to_dict=lambda: {"shape": [3], **codec})
    with pytest.raises(ValueError, match="holds pickled objects"):
        check_codecs(Source(Path("a"), "a"), SimpleNamespace(metadata=metadata))


def test_a_cut_tiff_says_how_much_is_there(read_bytes: Callable[..., Any]) -> None:
    content = tiff_bytes(metadata=None, compression="zlib")
    with tifffile.TiffFile(io.BytesIO(content)) as tiff:
        end = tiff.pages[4].dataoffsets[0] + tiff.pages[4].databytecounts[0]
    with pytest.raises(ValueError, match="4 of 5 pages are there"):
        read_bytes(content[: end - 3], "a.tif")
    content = tiff_bytes(metadata=None)
    with pytest.raises(ValueError, match="1 pages are there, and the next is not"):
        read_bytes(content[:500], "a.tif")


def test_an_archive_that_unpacks_to_much_is_rejected_before(
    read_bytes: Callable[..., Any],
) -> None:
    many = npy_header((1, 4000, 4000), "|u1") + bytes(4000 * 4000)
    content = zip_bytes(a=many)
    assert len(content) < len(many) / 500
    liar = zip_bytes(a=npy_header(TERA, "|u1") + bytes(10**7))
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"max_voxels=16000000"):
        read_bytes(content, max_voxels=10**6)
    # All of it is unpacked, whatever is cropped.
    with pytest.raises(ValueError, match=r"max_voxels=16000000"):
        read_bytes(content, axes="zyx", crop=[0, 0, 0, 2, 2, 1], max_voxels=10**6)
    # A header that is smaller than what follows does not make it read that.
    with pytest.raises(ValueError, match="expected"):
        read_bytes(liar)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**22


@pytest.mark.parametrize(
    "content",
    [
        hdf5_bytes((64, 64, 64), chunks=(64, 64, 64)),
        tiff_bytes(tile=(1024, 1024), compression="zlib"),
    ],
)
def test_a_chunk_that_is_larger_than_allowed_is_rejected(
    content: bytes, read_bytes: Callable[..., Any]
) -> None:
    with pytest.raises(ValueError, match=r"in one (chunk|tile).*max_voxels="):
        read_bytes(content, crop=[0, 0, 0, 2, 2, 2], max_voxels=1000)


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.nii does not exist; expected"):
        read_volume(tmp_path / "none.nii")
    with pytest.raises(ValueError, match="a folder without DICOM slices, and no Zarr store"):
        read_volume(tmp_path)
    with pytest.raises(FileNotFoundError) as caught:
        read_volume("no\nfile.nii")
    assert "\n" not in str(caught.value)
    for name in ("x" * 5000, "null\0byte"):
        with pytest.raises(ValueError, match="cannot be opened"):
            read_volume(name)
        assert not is_volume(name)
    os.mkfifo(tmp_path / "pipe.raw")
    for path in (tmp_path / "pipe.raw", Path("/dev/zero")):
        with pytest.raises(ValueError, match="not a regular file"):
            read_volume(path)
        assert not is_volume(path)


def test_an_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "closed.npy"
    np.save(path, draw("u1"))

    def reject(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", reject)
    with pytest.raises(PermissionError, match=r"closed\.npy is not readable; expected .*chmod"):
        read_volume(path)


@pytest.mark.parametrize(
    ("terms", "error", "sentence"),
    [
        ({"axes": "zyy"}, ValueError, "axes is 'zyy'"),
        ({"axes": "zy"}, ValueError, "axes is 'zy'"),
        ({"axes": 3}, ValueError, "axes is 3"),
        ({"axes": "tzyx"}, ValueError, r"has 3 axes \(5 x 6 x 7\).*as many as axes=tzyx"),
        ({"axes": "tyx"}, ValueError, r"series of 5.*axes=zyx to fit them as slices"),
        ({"frame": 1}, ValueError, "Leave out frame"),
        ({"frame": -1}, ValueError, "frame is -1"),
        ({"frame": 1.5}, TypeError, "frame is 1.5"),
        ({"crop": [0, 0, 0, 8, 6, 5]}, ValueError, "7 wide, 6 high and 5 deep"),
        ({"crop": [0, 0, 0, 7, 6, 6]}, ValueError, "7 wide, 6 high and 5 deep"),
        ({"crop": [3, 0, 0, 3, 6, 5]}, ValueError, "expected .x0, y0, z0, x1, y1, z1. inside"),
        ({"crop": [0, 0, 7, 6]}, TypeError, "crop is .0, 0, 7, 6."),
        ({"crop": 3}, TypeError, "crop is 3"),
        ({"shape": [5, 6.5, 7]}, TypeError, "shape is 6.5"),
        ({"dtype": "voxel"}, ValueError, "dtype is 'voxel'"),
        ({"nonfinite": "keep"}, ValueError, "nonfinite is 'keep'"),
        ({"max_voxels": 0}, ValueError, "max_voxels is 0"),
    ],
)
def test_terms_out_of_range_are_rejected(
    terms: dict[str, Any], error: type[Exception], sentence: str, tmp_path: Path
) -> None:
    np.save(tmp_path / "a.npy", draw("u1")[..., 0])
    with pytest.raises(error, match=sentence):
        read_volume(tmp_path / "a.npy", **terms)


def dicom_bytes(path: Path) -> bytes:
    """A DICOM file of five frames."""
    write_slice(path, draw("u2")[..., 0], 0)
    return path.read_bytes()


def itk_bytes(path: Path) -> bytes:
    """A file that SimpleITK writes, packed unless its name says plain."""
    image = SimpleITK.GetImageFromArray(draw("i2")[..., 0])
    SimpleITK.WriteImage(image, path, "plain" not in path.name)
    return path.read_bytes()


def mgh_bytes(path: Path) -> bytes:
    """A file that nibabel writes."""
    nibabel.save(nibabel.MGHImage(draw("i2")[..., 0].T, np.eye(4)), path)
    return path.read_bytes()


FUZZED: dict[str, Callable[[Path], bytes]] = {
    "a.npy": lambda _: npy_bytes(draw("u2")),
    "a.npz": lambda _: zip_bytes(a=npy_bytes(draw("u2"))),
    "a.nii": lambda _: nifti_bytes(),
    "a.nii.gz": lambda _: gzip.compress(nifti_bytes()),
    "a.tif": lambda _: tiff_bytes(),
    "bare.tif": lambda _: tiff_bytes(metadata=None),
    "big.tif": lambda _: tiff_bytes(metadata=None, bigtiff=True),
    "zlib.tif": lambda _: tiff_bytes(compression="zlib", metadata=None),
    "imagej.tif": lambda _: tiff_bytes(imagej=True, metadata={"spacing": 2.0, "unit": "um"}),
    "a.h5": lambda _: hdf5_bytes(),
    "gzip.h5": lambda _: hdf5_bytes(chunks=(2, 3, 4), compression="gzip"),
    "a.dcm": dicom_bytes,
    "a.nrrd": itk_bytes,
    "plain.nrrd": itk_bytes,
    "a.mha": itk_bytes,
    "plain.mha": itk_bytes,
    "a.mgh": mgh_bytes,
    "a.mgz": mgh_bytes,
}


@pytest.mark.parametrize("name", FUZZED)
def test_damage_ends_as_a_value_error_or_a_volume(
    name: str, tmp_path: Path, read_bytes: Callable[..., Any], capfd: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(sum(map(ord, name)))
    content = FUZZED[name](tmp_path / name)
    whole, rejected = np.array(read_bytes(content, name).voxels), 0
    for trial in range(40):
        damaged = bytearray(content)
        if trial % 2:
            del damaged[random.integers(0, len(content)) :]
        else:
            end = len(content) if trial % 4 else 400
            for place in random.integers(0, min(end, len(content)), 4):
                damaged[place] = random.choice([0, 1, 127, 128, 255])
        try:
            volume = read_bytes(bytes(damaged), name, nonfinite="zero", max_voxels=2**18)
        except ValueError as error:
            rejected += 1
            message = str(error)
            assert "; expected " in message and "\n" not in message and len(message) < 500
        else:
            assert volume.voxels.ndim == 4 and volume.high > volume.low
            if trial % 2:
                # What is cut off was padding: a smaller volume would go unnoticed.
                np.testing.assert_array_equal(volume.voxels, whole)
    assert rejected >= 15
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_damaged_zarr_ends_as_a_value_error_or_a_volume(
    zarr_format: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(zarr_format)
    for trial in range(12):
        store = tmp_path / f"{trial}.zarr"
        voxels = draw("u2")[..., 0]
        zarr.create_array(str(store), data=voxels, zarr_format=zarr_format, chunks=(2, 3, 4))
        files = sorted(path for path in store.rglob("*") if path.is_file())
        chosen = files[random.integers(len(files))] if trial % 3 else files[0]
        content = chosen.read_bytes()
        chosen.write_bytes(content[: random.integers(0, len(content))])
        try:
            volume = read_volume(store)
        except ValueError as error:
            assert "; expected " in str(error) and "\n" not in str(error)
        else:
            np.testing.assert_array_equal(volume.voxels[..., 0], voxels)
    assert capfd.readouterr() == ("", "")


def test_a_missing_chunk_is_remarked(tmp_path: Path) -> None:
    zarr.create_array(str(tmp_path / "a.zarr"), data=draw("u2")[..., 0], chunks=(2, 3, 4))
    next(path for path in (tmp_path / "a.zarr" / "c").rglob("*") if path.is_file()).unlink()
    assert "1 of 12 chunks are not stored" in read_volume(tmp_path / "a.zarr").notes[0]


@pytest.mark.parametrize("package", ["nibabel", "h5py", "zarr", "pydicom", "SimpleITK"])
def test_a_missing_package_names_the_extra(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = {name: tmp_path / f"a{name}" for name in (".nii", ".h5", ".zarr", ".nrrd", ".dcm")}
    np.save(tmp_path / "a.npy", draw("u2"))
    volume_format = format_of(read_volume(tmp_path / "a.npy"))
    for suffix in (".nii", ".h5", ".zarr", ".nrrd"):
        write_volume(paths[suffix], draw("u2"), volume_format)
    write_slice(paths[".dcm"], draw("u2")[0, ..., 0], 0)
    named = {"nibabel": ".nii", "h5py": ".h5", "zarr": ".zarr", "SimpleITK": ".nrrd"}
    suffix = named.get(package, ".dcm")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"the {package} package to read it.*inr\[volume\]"):
        read_volume(paths[suffix])
    assert is_volume(paths[suffix])
    if suffix != ".dcm":
        with pytest.raises(ImportError, match=rf"{package} package to write it.*inr\[volume\]"):
            write_volume(tmp_path / f"b{suffix}", draw("u2"), volume_format)


def test_the_common_formats_need_no_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("nibabel", "h5py", "zarr", "pydicom", "SimpleITK"):
        monkeypatch.setitem(sys.modules, package, None)
    voxels = draw("u2")
    np.save(tmp_path / "a.npy", voxels)
    volume_format = format_of(read_volume(tmp_path / "a.npy"))
    for suffix in (".npy", ".npz", ".tif", ".raw"):
        path = tmp_path / f"b{suffix}"
        write_volume(path, voxels, volume_format)
        terms = {"shape": [5, 6, 7], "dtype": "u2"} if suffix == ".raw" else {}
        assert is_volume(path)
        np.testing.assert_array_equal(read_volume(path, **terms).voxels, voxels)


def test_an_image_is_no_volume(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "rgb.tif", np.zeros((6, 7, 3), np.uint8), photometric="rgb")
    tifffile.imwrite(tmp_path / "grey.tif", np.zeros((6, 7), np.uint8))
    tifffile.imwrite(tmp_path / "stack.tif", np.zeros((5, 6, 7), np.uint8))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(30))
    (tmp_path / "a.zip").write_bytes(zip_bytes())
    np.savez(tmp_path / "points.npz", coords=np.zeros((9, 3)), eigenvalues=np.zeros(9))
    np.save(tmp_path / "series.npy", np.zeros(9))
    found = {path.name for path in tmp_path.iterdir() if is_volume(path)}
    assert found == {"stack.tif"}
    assert not is_volume(tmp_path)


def test_nothing_leaks_into_logs_or_warnings(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(nifti_bytes())
    struct.pack_into("<f", content, 76, -3.0)  # a factor that nibabel logs about
    (tmp_path / "a.nii").write_bytes(content)
    read_volume(tmp_path / "a.nii")
    path = tmp_path / "a.dcm"
    write_slice(path, draw("u2")[0, ..., 0], 0, StudyDate="20200101")
    path.write_bytes(path.read_bytes().replace(b"20200101", b"not date"))
    read_volume(tmp_path / "a.dcm")
    assert capfd.readouterr() == ("", "")


def test_import_is_light() -> None:
    heavy = {"tifffile", "nibabel", "h5py", "zarr", "pydicom", "SimpleITK", "skimage", "PIL"}
    heavy.add("hydra")
    script = f"import sys, inr.signal.volume; print({heavy!r} & set(sys.modules))"
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
