"""DICOM: slices in the order of their places, with scaling and geometry."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from inr.signal.volume import is_volume, read_volume, write_volume
from tests.conftest import SHARED_DATA
from tests.signal.volume.conftest import draw, format_of
from tests.signal.volume.dicom import OTHER_SERIES, write_series, write_slice

CT_SMALL = SHARED_DATA / "volumes" / "CT_small.dcm"


def test_a_series_is_in_the_order_of_positions(tmp_path: Path) -> None:
    voxels = draw("i2")
    write_series(tmp_path / "ct", voxels[..., 0])
    (tmp_path / "ct" / "README.txt").write_text("scanned on a Monday")
    assert is_volume(tmp_path / "ct")
    volume = read_volume(tmp_path / "ct")
    np.testing.assert_array_equal(volume.voxels, voxels)
    assert volume.notes == ()
    container = volume.container
    assert (container.spacing, container.unit) == ((0.75, 0.5, 2.5), "mm")
    assert (container.slope, container.intercept, container.suffix) == (2, -1024, ".nii.gz")


def test_the_order_of_instance_numbers_does_not_count(tmp_path: Path) -> None:
    voxels = draw("u2")[..., 0]
    for number, pixels in enumerate(voxels):
        place = [0, 0, 2.5 * number]
        write_slice(tmp_path / f"{number}.dcm", pixels, 100 - number, ImagePositionPatient=place)
    np.testing.assert_array_equal(read_volume(tmp_path).voxels[..., 0], voxels)


def test_a_series_is_written_as_nifti_in_the_same_place(tmp_path: Path) -> None:
    voxels = draw("i2")
    # Sagittal: x of the picture runs to the back, y down the body.
    turned = [0, 1, 0, 0, 0, -1]
    for number, pixels in enumerate(voxels[..., 0]):
        place = [30 - 2.0 * number, -20, 70]
        write_slice(
            tmp_path / f"{number}.dcm", pixels, number,
            ImageOrientationPatient=turned, ImagePositionPatient=place,
        )  # fmt: skip
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.voxels, voxels)
    write_volume(tmp_path / "out.nii.gz", np.asarray(volume.voxels), format_of(volume))
    image = nibabel.load(tmp_path / "out.nii.gz")
    z, y, x = 3, 2, 5
    # DICOM counts to the left and to the back, NIfTI to the right and to the front.
    left, back, up = 30 - 2.0 * z, -20 + 0.75 * x, 70 - 0.5 * y
    np.testing.assert_allclose(image.affine @ [x, y, z, 1], [-left, -back, up, 1], rtol=1e-6)
    assert image.dataobj[x, y, z] == 2.0 * voxels[z, y, x, 0] - 1024
    assert image.header.get_zooms() == (0.75, 0.5, 2.0)
    assert image.header.get_xyzt_units()[0] == "mm"


def test_several_series_are_told_by_number(tmp_path: Path) -> None:
    voxels = draw("i2")[..., 0]
    write_series(tmp_path, voxels)
    other = {"SeriesInstanceUID": OTHER_SERIES, "SeriesNumber": 8, "SeriesDescription": "scout"}
    write_slice(tmp_path / "scout0.dcm", voxels[0, :4], 0, **other)
    write_slice(tmp_path / "scout1.dcm", voxels[1, :4], 1, **other)
    with pytest.raises(ValueError, match=r"3 \(thorax 5 slices\), 8 \(scout 2 slices\)") as caught:
        read_volume(tmp_path)
    assert "dataset=" in str(caught.value)
    np.testing.assert_array_equal(read_volume(tmp_path, dataset="3").voxels[..., 0], voxels)
    scout = read_volume(tmp_path, dataset=str(OTHER_SERIES))
    np.testing.assert_array_equal(scout.voxels[..., 0], voxels[:2, :4])


def test_several_slices_at_each_place_are_frames(tmp_path: Path) -> None:
    voxels = draw("i2")[..., 0]
    for frame in range(2):
        for number, pixels in enumerate(voxels + frame):
            write_slice(
                tmp_path / f"{frame}_{number}.dcm", pixels, 5 * frame + number,
                ImagePositionPatient=[0, 0, 2.0 * number],
            )  # fmt: skip
    with pytest.raises(ValueError, match=r"series of 2 volumes.*frame=0 \(to 1\)"):
        read_volume(tmp_path)
    np.testing.assert_array_equal(read_volume(tmp_path, frame=1).voxels[..., 0], voxels + 1)
    channels = read_volume(tmp_path, axes="czyx").voxels
    np.testing.assert_array_equal(channels, np.stack([voxels, voxels + 1], axis=-1))
    (tmp_path / "1_3.dcm").unlink()
    with pytest.raises(ValueError, match="from 1 to 2 slices at one position"):
        read_volume(tmp_path, frame=1)


def test_a_missing_slice_is_noticed(tmp_path: Path) -> None:
    voxels = draw("i2")[..., 0]
    for number in (0, 1, 2, 4):
        write_slice(tmp_path / f"{number}.dcm", voxels[number], number)
    volume = read_volume(tmp_path)
    assert "slices are from 2.5 to 5 mm apart" in volume.notes[0]


def test_slices_without_a_position_go_by_their_numbers(tmp_path: Path) -> None:
    voxels = draw("i2")[..., 0]
    write_series(tmp_path, voxels, ImagePositionPatient=None)
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.voxels[..., 0], voxels)
    assert "ordered by their number" in volume.notes[0]
    assert volume.container.affine is None


def test_a_scale_for_each_slice_gives_physical_values(tmp_path: Path) -> None:
    voxels = draw("u2")[..., 0]
    for number, pixels in enumerate(voxels):
        write_slice(tmp_path / f"{number}.dcm", pixels, number, RescaleSlope=0.5 + number)
    volume = read_volume(tmp_path)
    slopes = 0.5 + np.arange(5)[:, None, None]
    np.testing.assert_array_equal(volume.voxels[..., 0], voxels * slopes - 1024)
    assert volume.voxels.dtype == np.float32
    assert (volume.container.slope, volume.container.intercept) == (1, 0)


def test_stored_numbers_are_kept_where_simpleitk_scales_them(tmp_path: Path) -> None:
    import SimpleITK

    voxels = draw("u2")[..., 0] >> 4
    write_series(tmp_path, voxels, RescaleSlope=0.1, RescaleIntercept=-1)
    volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.voxels[..., 0], voxels)
    assert volume.voxels.dtype == np.uint16
    assert (volume.container.slope, volume.container.intercept) == (0.1, -1)

    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path)))
    image = SimpleITK.GetArrayFromImage(reader.Execute())
    assert image.dtype == np.float64 and not np.array_equal(image, voxels)


def test_a_slope_of_zero_is_none(tmp_path: Path) -> None:
    for number, pixels in enumerate(draw("i2")[..., 0]):
        write_slice(tmp_path / f"{number}.dcm", pixels, number, RescaleSlope=0)
    assert read_volume(tmp_path).container.slope == 1


def test_a_crop_reads_only_its_slices(tmp_path: Path) -> None:
    voxels = draw("i2")
    write_series(tmp_path, voxels[..., 0])
    volume = read_volume(tmp_path, crop=[2, 1, 3, 6, 3, 5], max_voxels=2 * 6 * 7)
    np.testing.assert_array_equal(volume.voxels, voxels[3:5, 1:3, 2:6])
    assert volume.container.affine is not None
    np.testing.assert_allclose(
        np.array(volume.container.affine) @ [0, 0, 0, 1], [10 - 1.5, 20 - 0.5, 7.5, 1]
    )


def test_frames_of_one_file_are_slices(tmp_path: Path) -> None:
    voxels = draw("u2")
    write_slice(tmp_path / "a.dcm", voxels[..., 0], 0)
    volume = read_volume(tmp_path / "a.dcm")
    np.testing.assert_array_equal(volume.voxels, voxels)
    assert "frames are taken as slices" in volume.notes[0]


def test_frames_of_one_file_that_say_where_they_are(tmp_path: Path) -> None:
    from pydicom.dataset import Dataset

    def nest(**groups: dict[str, object]) -> Dataset:
        """A group of sequences of one item each."""
        outer = Dataset()
        for name, tags in groups.items():
            item = Dataset()
            for tag, value in tags.items():
                setattr(item, tag, value)
            setattr(outer, name, [item])
        return outer

    voxels = draw("u2")
    order = [3, 0, 4, 1, 2]
    shared = nest(
        PixelMeasuresSequence={"PixelSpacing": [0.5, 0.75]},
        PlaneOrientationSequence={"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]},
        PixelValueTransformationSequence={"RescaleSlope": 3, "RescaleIntercept": -5},
    )
    places = [nest(PlanePositionSequence={"ImagePositionPatient": [0, 0, 4 * z]}) for z in order]
    write_slice(
        tmp_path / "a.dcm", voxels[order, ..., 0], 0,
        SharedFunctionalGroupsSequence=[shared], PerFrameFunctionalGroupsSequence=places,
        PixelSpacing=None, ImageOrientationPatient=None, ImagePositionPatient=None,
        RescaleSlope=None, RescaleIntercept=None,
    )  # fmt: skip
    volume = read_volume(tmp_path / "a.dcm")
    np.testing.assert_array_equal(volume.voxels, voxels)
    assert volume.container.spacing == (0.75, 0.5, 4.0)
    assert (volume.container.slope, volume.container.intercept) == (3, -5)
    assert volume.notes == ()


def test_a_compression_without_a_decoder_is_rejected(tmp_path: Path) -> None:
    import pydicom
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEGLSLossless

    path = tmp_path / "a.dcm"
    write_slice(path, draw("u2")[0, ..., 0], 0)
    data = pydicom.dcmread(path)
    data.file_meta.TransferSyntaxUID = JPEGLSLossless
    data.PixelData = encapsulate([bytes(100)])
    data.save_as(path)
    with pytest.raises(ValueError, match="expected") as caught:
        read_volume(path)
    assert "\n" not in str(caught.value)


def test_slices_that_do_not_belong_together_are_rejected(tmp_path: Path) -> None:
    voxels = draw("i2")[..., 0]
    write_series(tmp_path / "sizes", voxels)
    write_slice(tmp_path / "sizes" / "x.dcm", voxels[0, :3], 9)
    with pytest.raises(ValueError, match="several shapes"):
        read_volume(tmp_path / "sizes")
    write_series(tmp_path / "turned", voxels)
    write_slice(
        tmp_path / "turned" / "x.dcm", voxels[0], 9, ImageOrientationPatient=[0, 1, 0, 0, 0, -1]
    )
    with pytest.raises(ValueError, match="not parallel"):
        read_volume(tmp_path / "turned")


def test_a_cut_slice_is_named(tmp_path: Path) -> None:
    write_series(tmp_path, draw("i2")[..., 0])
    path = tmp_path / "03.dcm"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ValueError, match=r"cut off or damaged \(03\.dcm: ") as caught:
        read_volume(tmp_path)
    assert "\n" not in str(caught.value)


def test_what_comes_before_the_mark_may_be_the_start_of_a_tiff(tmp_path: Path) -> None:
    write_slice(tmp_path / "a.dcm", draw("u2")[0, ..., 0], 0)
    content = (tmp_path / "a.dcm").read_bytes()
    (tmp_path / "a.dcm").write_bytes(b"II*\0" + bytes(124) + content[128:])
    assert is_volume(tmp_path / "a.dcm")
    np.testing.assert_array_equal(read_volume(tmp_path / "a.dcm").voxels, draw("u2")[:1])


@pytest.mark.skipif(not CT_SMALL.exists(), reason="shared data are not here")
def test_a_single_slice_has_depth_1() -> None:
    import pydicom

    assert is_volume(CT_SMALL)
    volume = read_volume(CT_SMALL)
    expected = pydicom.dcmread(CT_SMALL).pixel_array
    np.testing.assert_array_equal(volume.voxels[0, ..., 0], expected)
    assert volume.voxels.shape == (1, 128, 128, 1)
    assert (volume.container.slope, volume.container.intercept) == (1, -1024)
    assert "single slice" in volume.notes[0]
