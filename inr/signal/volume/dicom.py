"""DICOM: the slices of one series in a folder, or one file of one or more frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .dicom_order import evenness_note, order_slices, place_slices
from .layout import Decoded, plan_layout
from .source import Source, join
from .volume_format import Container, Matrix, Triple

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
MARK_AT, MARK = 128, b"DICM"


class Slice(NamedTuple):
    """A file, or a frame of it, and its header, without pixels."""

    path: Path
    header: Any
    frame: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """``(frames, H, W)``, and channels where there are several."""
        header = self.header
        samples = int(header.get("SamplesPerPixel", 1) or 1)
        size = (int(header.get("NumberOfFrames", 1) or 1), int(header.Rows), int(header.Columns))
        return (*size, samples) if samples > 1 else size

    @property
    def scaling(self) -> tuple[float, float]:
        """Slope and intercept of its physical values."""
        # Without one, and with 0, the numbers are as they stand.
        return float(self.header.get("RescaleSlope") or 1), float(
            self.header.get("RescaleIntercept") or 0
        )


Reader = Callable[[Source, Slice], np.ndarray]


def decode(source: Source) -> Decoded:
    """Reads a file, or the slices of a series in the order of their positions."""
    try:
        import pydicom  # noqa: F401
    except ImportError:
        raise source.needs("pydicom") from None
    if not source.path.is_dir():
        series = read_slices([source.path])
        if not series:
            raise source.reject("holds no pixels", "a DICOM image", "Name another file.")
    else:
        series = choose_series(source, read_slices(list_files(source.path)))
    if len(series) > 1:
        return decode_slices(source, series, read_pixels)
    frames = split_frames(series[0])
    if not frames:
        return decode_plain_frames(source, series[0])
    source.check_count(series[0].shape)
    pixels = read_pixels(source, series[0])
    return decode_slices(source, frames, lambda _, item: pixels[item.frame])


def split_frames(item: Slice) -> list[Slice]:
    """The frames of a file that says where each is, each with a header of its own; else none."""
    from pydicom import Dataset

    header, frames = item.header, []
    own = header.get("PerFrameFunctionalGroupsSequence") or ()
    if len(own) != item.shape[0] or len(own) < 2:
        return []
    for number, groups in enumerate(own):
        merged = Dataset()
        for name in ("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation"):
            if name in header:
                merged[name] = header[name]
        for told in (*(header.get("SharedFunctionalGroupsSequence") or ()), groups):
            for name in GROUPS:
                for element in (told.get(name) or ({},))[0]:
                    merged[element.tag] = element
        merged.InstanceNumber = number
        frames.append(Slice(item.path, merged, number))
    return frames


def is_dicom(path: Path) -> bool:
    """Whether a file has the mark of DICOM."""
    with path.open("rb") as file:
        return file.read(MARK_AT + len(MARK))[MARK_AT:] == MARK


def list_files(folder: Path) -> list[Path]:
    """The DICOM files of a folder, by name."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return [path for path in files if not path.name.startswith(".") and is_dicom(path)]


def read_slices(paths: Sequence[Path]) -> list[Slice]:
    """The headers of files that hold pixels."""
    import pydicom

    slices = [
        Slice(path, pydicom.dcmread(path, stop_before_pixels=True, specific_tags=TAGS))
        for path in paths
    ]
    return [item for item in slices if "Rows" in item.header and "Columns" in item.header]


def choose_series(source: Source, slices: Sequence[Slice]) -> list[Slice]:
    """The slices of the series that was named by its number or UID, or of the only one."""
    series: dict[str, list[Slice]] = {}
    for item in slices:
        series.setdefault(str(item.header.get("SeriesInstanceUID", "")), []).append(item)
    numbers = {uid: str(items[0].header.get("SeriesNumber", "")) for uid, items in series.items()}
    distinct = len(set(numbers.values())) == len(numbers) and all(numbers.values())
    if source.dataset in series:
        return series[source.dataset]
    names = {number if distinct else uid: uid for uid, number in numbers.items()}
    told = [
        f"{series[uid][0].header.get('SeriesDescription', '')} {len(series[uid]):,} slices".strip()
        for uid in names.values()
    ]
    return series[names[source.choose(list(names), "series", told)]]


def decode_plain_frames(source: Source, item: Slice) -> Decoded:
    """Reads one file that does not say where its frames are: they are the slices."""
    shape, header = item.shape, item.header
    layout = plan_layout(source, shape, "zyxc"[: len(shape)])
    source.check_count(shape)
    pixels = read_pixels(source, item).reshape(shape)
    spacing, affine = place_slices([header])
    slope, intercept = item.scaling
    container = describe(layout.written_axes, spacing, affine, slope, intercept)
    single = ("holds a single slice; name its folder to fit a series",) if shape[0] == 1 else ()
    frames = ("frames are taken as slices in the order of the file",) if shape[0] > 1 else ()
    return Decoded(pixels[layout.selection], layout, container, single + frames + remark(header))


def decode_slices(source: Source, series: Sequence[Slice], read: Reader) -> Decoded:
    """Reads slices of one shape, in the order of their positions."""
    shapes = sorted({item.shape for item in series})
    if len(shapes) > 1 or shapes[0][0] != 1:
        listed = ", ".join(join(shape) for shape in shapes[:4])
        raise source.reject(
            f"has slices of several shapes or files of many frames ({listed})",
            "slices of one size",
            "Name one file, or move the others elsewhere.",
        )
    ordered = order_slices(source, [item.header for item in series])
    grid = [[series[number] for number in frame] for frame in ordered]
    slice_shape = shapes[0][1:]
    full = (len(grid[0]), *slice_shape)
    axes = "zyxc"[: len(full)]
    full, axes = ((len(grid), *full), "t" + axes) if len(grid) > 1 else (full, axes)
    layout = plan_layout(source, full, axes)
    frame = grid[layout.frame or 0]
    headers = [item.header for item in frame]
    spacing, affine = place_slices(headers)
    along_z, *in_plane = (part for part in layout.selection if isinstance(part, slice))
    chosen = frame[along_z]
    source.check_count((len(chosen), *slice_shape))
    scalings = {item.scaling for item in frame}
    voxels = stack_slices(source, chosen, read, scaled=len(scalings) > 1)
    slope, intercept = scalings.pop() if len(scalings) == 1 else (1.0, 0.0)
    container = describe(layout.written_axes, spacing, affine, slope, intercept)
    notes = evenness_note(headers) + remark(headers[0])
    return Decoded(voxels[(slice(None), *in_plane)], layout, container, notes)


def stack_slices(
    source: Source, slices: Sequence[Slice], read: Reader, *, scaled: bool
) -> np.ndarray:
    """The pixels of slices; as physical values where each has a scale of its own."""
    voxels: np.ndarray | None = None
    for number, item in enumerate(slices):
        pixels = read(source, item).reshape(item.shape[1:])
        if scaled:
            slope, intercept = item.scaling
            pixels = (pixels * slope + intercept).astype(np.float32)
        if voxels is None:
            voxels = np.empty((len(slices), *pixels.shape), pixels.dtype)
        if not np.can_cast(pixels.dtype, voxels.dtype):
            voxels = voxels.astype(np.promote_types(pixels.dtype, voxels.dtype))
        voxels[number] = pixels
    assert voxels is not None
    return voxels


def read_pixels(source: Source, item: Slice) -> np.ndarray:
    """The stored numbers of a file."""
    import pydicom

    try:
        pixels: np.ndarray = pydicom.dcmread(item.path).pixel_array
    except (NotImplementedError, RuntimeError) as error:
        raise source.reject(
            f"cannot be decoded ({' '.join(str(error).split())[:100]})",
            "pixels without compression, or RLE",
            "Decompress it, with gdcmconv --raw.",
        ) from None
    except Exception as error:
        there = " ".join(str(error).split())[:100] or type(error).__name__
        raise source.cut(f"{item.path.name}: {there}") from None
    source.check_dtype(pixels.dtype)
    return pixels


def describe(
    axes: str,
    spacing: Triple | None,
    affine: Matrix | None,
    slope: float,
    intercept: float,
) -> Container:
    """DICOM is not written: the nearest that holds the same is NIfTI."""
    return Container(
        ".nii.gz",
        axes,
        slope=slope,
        intercept=intercept,
        spacing=spacing,
        unit=None if spacing is None else "mm",
        affine=affine,
    )


def remark(header: Any) -> tuple[str, ...]:
    """Remarks on what the numbers mean."""
    photometric = header.get("PhotometricInterpretation", "")
    if photometric == "MONOCHROME1":
        return ("greater numbers are darker (MONOCHROME1), and are kept as stored",)
    if photometric == "PALETTE COLOR":
        return ("palette indices are kept as stored",)
    return ()
