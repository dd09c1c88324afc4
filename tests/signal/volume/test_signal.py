"""Volumes as signals, from files that are written here."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage

from inr.signal import VolumeSignal
from inr.signal.volume import read_volume, write_volume
from inr.testing import check_signal
from tests.conftest import SHARED_DATA
from tests.tolerance import assert_close

STENT = SHARED_DATA / "volumes" / "stent.npz"


@pytest.fixture
def ramp(tmp_path: Path) -> Path:
    """4 deep, 5 high, 6 wide; channels 10 x, 20 y and 30 z, and a mark in one corner."""
    voxels = np.zeros((4, 5, 6, 4), np.uint8)
    voxels[..., 0] = 10 * np.arange(6)
    voxels[..., 1] = 20 * np.arange(5)[:, None]
    voxels[..., 2] = 30 * np.arange(4)[:, None, None]
    voxels[3, 0, 5, 3] = 200
    np.save(tmp_path / "ramp.npy", voxels)
    return tmp_path / "ramp.npy"


def volume_of(signal: VolumeSignal) -> np.ndarray:
    return signal.values.reshape(*signal.lattice, -1).numpy()


def test_x_is_along_the_width_y_along_the_height_and_z_along_the_depth(ramp: Path) -> None:
    signal = VolumeSignal(path=ramp)
    assert (signal.lattice, signal.in_features, signal.out_features) == ((4, 5, 6), 3, 4)
    assert (signal.name, signal.kind) == ("ramp", "volume")
    coords, values, _ = signal.train_points(None)[:3]
    assert_close(values[:, 0], 10 * (coords[:, 0] * 6 - 0.5) / 200)
    assert_close(values[:, 1], 20 * (coords[:, 1] * 5 - 0.5) / 200)
    assert_close(values[:, 2], 30 * (coords[:, 2] * 4 - 0.5) / 200)
    marked = values[:, 3].argmax()
    assert_close(coords[marked], [5.5 / 6, 0.5 / 5, 3.5 / 4])


@pytest.mark.parametrize("holdout", ["none", "alternate", 0.3])
def test_a_volume_keeps_the_contract(ramp: Path, holdout: str | float) -> None:
    check_signal(VolumeSignal(path=ramp, holdout=holdout, value_range=(-1, 1)))


def test_the_least_and_the_greatest_voxel_have_the_ends_of_the_range(tmp_path: Path) -> None:
    voxels = np.array([-1024, 0, 976], np.int16).reshape(1, 1, 3)
    np.save(tmp_path / "ct.npy", voxels)
    signal = VolumeSignal(path=tmp_path / "ct.npy", value_range=(-1, 3))
    assert_close(signal.values[:, 0], [-1.0, 4 * 1024 / 2000 - 1, 3.0])
    assert (signal.value_range, signal.peak) == ((-1.0, 3.0), 4.0)
    assert signal.step == pytest.approx(4 / 2000)
    assert signal.values.dtype == torch.float32


@pytest.mark.parametrize("dtype", ["bool", "u1", "i2", "u2", "i8", "f2", "f4", "f8"])
def test_voxels_come_back_from_values(dtype: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    voxels = random.integers(0, 2 if dtype == "bool" else 120, (3, 4, 5, 2)).astype(dtype)
    np.save(tmp_path / "a.npy", voxels)
    signal = VolumeSignal(path=tmp_path / "a.npy")
    restored = signal.volume_format.restore(volume_of(signal))
    assert restored.dtype == voxels.dtype
    if voxels.dtype.kind == "f":
        # Half floats have 11 bits.
        np.testing.assert_allclose(restored, voxels, rtol=1e-3 if dtype == "f2" else 1e-6)
    else:
        np.testing.assert_array_equal(restored, voxels)
    write_volume(tmp_path / "b.npy", restored, signal.volume_format)
    assert np.load(tmp_path / "b.npy").dtype == voxels.dtype


def test_a_crop_is_a_box_of_voxels(ramp: Path) -> None:
    voxels = read_volume(ramp).voxels
    signal = VolumeSignal(path=ramp, crop=[2, 1, 1, 5, 5, 3])
    assert signal.lattice == (2, 4, 3)
    expected = voxels[1:3, 1:5, 2:5].astype(np.float64)
    # Its range is its own: the mark is outside.
    assert_close(volume_of(signal), expected / 80)


def smooth(shape: tuple[int, int, int]) -> np.ndarray:
    """Two channels of waves of several voxels, alike under no flip or exchange of axes."""
    z, y, x = np.ogrid[tuple(slice(n) for n in shape)]
    waves = (np.sin(x / 5 + y / 9 - z / 13), np.cos(x / 11 - y / 7 + z / 6))
    return np.stack(waves, axis=-1).astype(np.float32)


@pytest.mark.parametrize("factors", [(4, 2, 1), (1, 3, 4), (2, 2, 2)])
def test_shrinking_by_whole_factors_is_about_the_average_of_each_block(
    factors: tuple[int, int, int], tmp_path: Path
) -> None:
    voxels = smooth((24, 36, 48))
    np.save(tmp_path / "smooth.npy", voxels)
    size = [n // f for n, f in zip(voxels.shape[:3], factors, strict=True)]
    blocks = voxels.reshape(size[0], factors[0], size[1], factors[1], size[2], factors[2], 2)
    signal = VolumeSignal(path=tmp_path / "smooth.npy", size=size)
    resized = signal.volume_format.restore(volume_of(signal))
    assert resized.shape == (*size, 2)
    # A cubic kernel is wider than a block and sharpens: close inside, not equal.
    inside = (slice(1, -1),) * 3
    assert np.abs(resized - blocks.mean(axis=(1, 3, 5)))[inside].max() < 0.03


def test_shrinking_removes_what_the_new_lattice_cannot_hold(tmp_path: Path) -> None:
    checkers = (np.indices((27, 27, 27)).sum(0) % 2).astype(np.float32)
    np.save(tmp_path / "checkers.npy", checkers)
    values = volume_of(VolumeSignal(path=tmp_path / "checkers.npy", size=[9, 9, 9]))
    # New centres are on every third old voxel: without anti-aliasing all are 0 or 1.
    assert np.abs(values - 0.5).max() < 0.1


def test_enlarging_keeps_the_volume_in_place(tmp_path: Path) -> None:
    voxels = smooth((10, 12, 14))
    np.save(tmp_path / "smooth.npy", voxels)
    signal = VolumeSignal(path=tmp_path / "smooth.npy", size=[30, 36, 42])
    enlarged = signal.volume_format.restore(volume_of(signal))
    # Every third voxel has the centre of an old one, and the kernel goes through these.
    inside = (slice(1, -1),) * 3
    assert np.abs(enlarged[1::3, 1::3, 1::3] - voxels)[inside].max() < 1e-5


def test_parts_that_are_resized_one_by_one_are_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "smooth.npy", smooth((10, 12, 14)))
    whole = VolumeSignal(path=tmp_path / "smooth.npy", size=[7, 9, 20]).values
    monkeypatch.setattr("inr.signal.volume.signal.PART", 400)
    monkeypatch.setattr("inr.signal.volume.slabs.SLAB", 400)
    parts = VolumeSignal(path=tmp_path / "smooth.npy", size=[7, 9, 20]).values
    assert_close(parts, whole)


def test_a_resized_volume_is_one_that_a_file_could_hold(tmp_path: Path) -> None:
    labels = ndimage.zoom(np.random.default_rng(0).random((4, 5, 6)), 4) > 0.5
    np.save(tmp_path / "labels.npy", labels)
    signal = VolumeSignal(path=tmp_path / "labels.npy", size=[8, 10, 12])
    assert (signal.pixel_format.bits, signal.volume_format.dtype) == (8, np.uint8)
    levels = 255 * volume_of(signal)
    # 255 levels in float32.
    assert np.abs(levels - np.rint(levels)).max() < 1e-4
    assert len(np.unique(np.rint(levels))) > 20
    assert levels.min() >= 0 and levels.max() <= 255


def test_crop_and_size_move_the_spacing_along(tmp_path: Path) -> None:
    import nibabel

    affine = np.diag([0.5, 1.0, 2.0, 1.0])
    nibabel.Nifti1Image(smooth((8, 10, 12))[..., 0].T, affine).to_filename(tmp_path / "a.nii.gz")
    signal = VolumeSignal(path=tmp_path / "a.nii.gz", crop=[4, 0, 2, 12, 10, 8], size=[3, 20, 8])
    assert signal.name == "a"
    container = signal.volume_format.container
    assert container.spacing == pytest.approx((0.5, 0.5, 4.0))
    # The middle of the first new voxel: cropped by 4 columns and 2 slices.
    place = np.array(container.affine) @ [0, 0, 0, 1]
    np.testing.assert_allclose(place, [0.5 * 4, -0.25, 2.0 * 2.5, 1])


def test_a_holdout_is_of_all_three_axes(ramp: Path) -> None:
    signal = VolumeSignal(path=ramp, holdout="alternate")
    train, test = signal.train_index, signal.test_index
    assert train is not None and test is not None
    assert len(train) == 2 * 3 * 3
    assert len(test) == 2 * 2 * 3
    assert test[0] == 1 * 30 + 1 * 6 + 1


def test_a_raw_file_and_a_series_take_their_options(tmp_path: Path) -> None:
    series = np.arange(2 * 3 * 4 * 5, dtype=">u2").reshape(2, 3, 4, 5)
    (tmp_path / "a.raw").write_bytes(series.tobytes())
    signal = VolumeSignal(
        path=tmp_path / "a.raw", shape=[2, 5, 4, 3], dtype=">u2", axes="txyz", frame=1
    )
    assert signal.lattice == (3, 4, 5)
    expected = series.reshape(2, 5, 4, 3)[1].T
    np.testing.assert_array_equal(signal.volume_format.restore(volume_of(signal))[..., 0], expected)


def test_remarks_are_warnings(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[[0.0, 1.0, np.nan]]]))
    with pytest.warns(UserWarning, match="1 NaN or infinite values are read as 0"):
        signal = VolumeSignal(path=tmp_path / "a.npy", nonfinite="zero")
    assert_close(signal.values[:, 0], [0.0, 1.0, 0.0])


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"value_range": (1.0, 0.0)}, ValueError, "expected the lower first"),
        ({"value_range": (1.0,)}, TypeError, r"value_range is \(1.0,\)"),
        ({"size": [4, 4]}, TypeError, r"size is \[4, 4\]; expected \[D, H, W\]"),
        ({"size": [4, 4, 0]}, ValueError, "size is 0; expected 1 or more"),
        ({"size": [4.5, 4, 4]}, TypeError, "expected a whole number"),
        ({"size": [9, 9, 9], "max_voxels": 500}, ValueError, "at most max_voxels=500"),
        ({"max_voxels": 100}, ValueError, r"claims 480 voxels.*max_voxels=480"),
        ({"crop": [0, 0, 2, 2]}, TypeError, r"expected \[x0, y0, z0, x1, y1, z1\]"),
        ({"holdout": "some"}, ValueError, "expected none, alternate or a fraction"),
    ],
)
def test_options_out_of_range_are_rejected(
    ramp: Path, options: dict[str, Any], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        VolumeSignal(path=ramp, **options)


@pytest.mark.parametrize("size", [None, [60, 64, 62]])
def test_memory_stays_within_three_copies_of_the_values(
    size: list[int] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tracemalloc

    voxels = np.random.default_rng(0).integers(0, 4096, (64, 64, 64), np.uint16)
    np.save(tmp_path / "a.npy", voxels)
    monkeypatch.setattr("inr.signal.volume.signal.PART", 2**12)
    monkeypatch.setattr("inr.signal.volume.slabs.SLAB", 2**12)
    VolumeSignal(path=tmp_path / "a.npy", crop=[0, 0, 0, 2, 2, 2])  # imports are not counted
    tracemalloc.start()
    signal = VolumeSignal(path=tmp_path / "a.npy", size=size)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Of what NumPy holds: the file is mapped, and parts are small.
    assert signal.values.numel() * 4 < peak < 3 * voxels.size * 4
    assert size is not None or peak < 1.3 * voxels.size * 4


@pytest.mark.skipif(not STENT.exists(), reason="shared data are not here")
def test_a_scan_is_read_whole() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        signal = VolumeSignal(path=STENT)
    with np.load(STENT) as archive:
        stored = archive["arr_0"]
    assert signal.lattice == (256, 128, 128)
    np.testing.assert_array_equal(signal.volume_format.restore(volume_of(signal))[..., 0], stored)
