"""DICOM, by pydicom; slices are put in order here, since SimpleITK loses the stored numbers.

``test_stored_numbers_are_kept_where_simpleitk_scales_them`` shows it. A volume is the slices of one
series in a folder, or one file of one or more frames.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from inr.source_file import describe

from .dicom_order import evenness_note, order_slices, place_slices
from .file_format import FileFormat, Stored
from .layout import Index
from .source import Source, join
from .volume_format import Container

TAGS = [
    *("SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "InstanceNumber", "Modality"),
    *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"),
    *("SpacingBetweenSlices", "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel"),
    *("RescaleSlope", "RescaleIntercept", "PhotometricInterpretation"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
]
# What may be told of all frames of a file or of each.
GROUPS = (
    *("PixelMeasuresSequence", "PlaneOrientationSequence", "PlanePositionSequence"),
    "PixelValueTransformationSequence",
)
MOST_LOOKED_AT = 32
REMARKS = {
    "MONOCHROME1": "greater numbers are darker (MONOCHROME1), and are kept as stored",
    "PALETTE COLOR": "palette indices are kept as stored",
}


class Slice(NamedTuple):
    """A frame of a file, and its header, without pixels.

    Attributes:
        path: The file.
        header: What is said of the frame.
        shape: ``(frames, H, W)`` of the file, and channels where there are several.
        frame: Number of the frame in the file.
    """

    path: Path
    header: Any
    shape: tuple[int, ...]
    frame: int = 0

    @property
    def scaling(self) -> tuple[float, float]:
        """Slope and intercept of its physical values."""
        # Without one, and with 0, the numbers are as they stand.
        slope, intercept = (self.header.get(f"Rescale{n}") for n in ("Slope", "Intercept"))
        return float(slope or 1), float(intercept or 0)


class Dicom(FileFormat):
    """A file, or a folder whose slices are read in the order of their positions."""

    name = "DICOM"
    start = rb".{128}DICM"
    suffixes = (".dcm",)
    package = "pydicom"

    def recognizes_folder(self, path: Path) -> bool:
        files = list_files(path)[:MOST_LOOKED_AT]
        return any(is_dicom(file) for file in files if os.access(file, os.R_OK))

    @contextmanager
    def open(self, source: Source) -> Iterator[Stored]:
        grid, notes = find_frames(source)
        number = source.frame or 0
        frame = grid[number if number < len(grid) else 0]
        slice_shape = frame[0].shape[1:]
        shape = (len(frame), *slice_shape)
        axes = "zyxc"[: len(shape)]
        if len(grid) > 1:
            shape, axes = (len(grid), *shape), "t" + axes
        numbers = np.arange(len(grid) * len(frame)).reshape(shape[: -len(slice_shape)])
        slices = [item for frame in grid for item in frame]
        is_scaled = len({item.scaling for item in frame}) > 1

        def read(selection: Index) -> np.ndarray:
            chosen = numbers[selection[: numbers.ndim]]
            source.check_count(frame[0].shape)
            source.check_count((chosen.size, *slice_shape))
            picked = [slices[number] for number in chosen.flat]
            voxels = stack_slices(source, picked, scaled=is_scaled)
            part: np.ndarray = voxels.reshape(*chosen.shape, *slice_shape)[
                (..., *selection[numbers.ndim :])
            ]
            return part

        # Frames that are not described share a header.
        headers = [item.header for item in frame][: 1 if notes else None]
        slope, intercept = (1.0, 0.0) if is_scaled else frame[0].scaling
        placed = place_slices(headers)
        container = Container(".nii.gz", slope=slope, intercept=intercept, **placed)
        remark = REMARKS.get(headers[0].get("PhotometricInterpretation", ""))
        notes = (notes or evenness_note(headers)) + ((remark,) if remark else ())
        yield Stored(shape, None, read, container, axes, notes=notes)


def find_frames(source: Source) -> tuple[list[list[Slice]], tuple[str, ...]]:
    """The slices of each volume of a series in order, and remarks on that order."""
    if source.path.is_dir():
        seen = (path for path in list_files(source.path) if not path.name.startswith("."))
        series = choose_series(source, read_slices(path for path in seen if is_dicom(path)))
    else:
        series = read_slices([source.path])
    if not series:
        raise source.reject("holds no pixels", "a DICOM image", "Name another file.")
    if len(series) > 1:
        check_alike(source, series)
    else:
        (item,) = series
        series = split_frames(item)
        if not series:
            single = "holds a single slice; name its folder to fit a series"
            several = "frames are taken as slices in the order of the file"
            count = item.shape[0]
            frames = [item._replace(frame=number) for number in range(count)]
            return [frames], (several if count > 1 else single,)
    ordered = order_slices(source, [item.header for item in series])
    return [[series[number] for number in frame] for frame in ordered], ()


def check_alike(source: Source, series: Sequence[Slice]) -> None:
    """Rejects slices that are no volume together."""
    shapes = sorted({item.shape for item in series})
    if len(shapes) > 1 or shapes[0][0] != 1:
        listed = ", ".join(join(shape) for shape in shapes[:4])
        raise source.reject(
            f"has slices of several shapes or files of many frames ({listed})",
            "slices of one size",
            "Name one file, or move the others elsewhere.",
        )


def split_frames(item: Slice) -> list[Slice]:
    """The frames of a file that says where each is, each with a header of its own; else none."""
    from pydicom import Dataset

    header, count = item.header, item.shape[0]
    own = header.get("PerFrameFunctionalGroupsSequence") or ()
    if len(own) != count or count < 2:
        return []
    frames = []
    for number, groups in enumerate(own):
        merged = Dataset()
        if "PhotometricInterpretation" in header:
            merged.PhotometricInterpretation = header.PhotometricInterpretation
        for told in (*(header.get("SharedFunctionalGroupsSequence") or ()), groups):
            for name in GROUPS:
                for element in (told.get(name) or ({},))[0]:
                    merged[element.tag] = element
        merged.InstanceNumber = number
        frames.append(item._replace(header=merged, frame=number))
    return frames


def list_files(folder: Path) -> list[Path]:
    """The files of a folder, by name."""
    return sorted(path for path in folder.iterdir() if path.is_file())


def is_dicom(path: Path) -> bool:
    """Whether a file has the mark of DICOM."""
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def read_slices(paths: Iterable[Path]) -> list[Slice]:
    """The headers of files that hold pixels."""
    import pydicom

    slices = []
    for path in paths:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=TAGS)
        if "Rows" in header and "Columns" in header:
            samples = int(header.get("SamplesPerPixel", 1) or 1)
            size = (
                int(header.get("NumberOfFrames", 1) or 1),
                int(header.Rows),
                int(header.Columns),
            )
            slices.append(Slice(path, header, (*size, samples) if samples > 1 else size))
    return slices


def choose_series(source: Source, slices: Sequence[Slice]) -> list[Slice]:
    """The slices of the series that was named by its number or UID, or of the only one."""
    series: dict[str, list[Slice]] = {}
    for item in slices:
        series.setdefault(str(item.header.get("SeriesInstanceUID", "")), []).append(item)
    if source.dataset in series:
        return series[source.dataset]
    first = {uid: items[0].header for uid, items in series.items()}
    numbers = {uid: str(header.get("SeriesNumber", "")) for uid, header in first.items()}
    distinct = len(set(numbers.values())) == len(numbers) and all(numbers.values())
    names = {number if distinct else uid: uid for uid, number in numbers.items()}
    told = {
        name: f"{first[uid].get('SeriesDescription', '')} {len(series[uid]):,} slices".strip()
        for name, uid in names.items()
    }
    return series[names[source.choose(told, "series")]]


def stack_slices(source: Source, slices: Sequence[Slice], *, scaled: bool) -> np.ndarray:
    """The pixels of slices; as physical values where each has a scale of its own."""
    stacked: list[np.ndarray] = []
    path, frames = None, np.empty(0)
    for item in slices:
        if item.path != path:
            path, frames = item.path, read_pixels(source, item)
        pixels, (slope, intercept) = frames[item.frame], item.scaling
        stacked.append((pixels * slope + intercept).astype(np.float32) if scaled else pixels)
    return np.stack(stacked)


def read_pixels(source: Source, item: Slice) -> np.ndarray:
    """The stored numbers of a file, frame by frame."""
    import pydicom

    try:
        pixels: np.ndarray = pydicom.dcmread(item.path).pixel_array
    except (NotImplementedError, RuntimeError) as error:
        raise source.reject(
            f"cannot be decoded ({describe(error)})",
            "pixels without compression, or RLE",
            "Decompress it, as gdcmconv does.",
        ) from None
    except Exception as error:
        raise source.cut(f"{item.path.name}: {describe(error)}") from None
    source.check_dtype(pixels.dtype)
    return pixels.reshape(item.shape)
