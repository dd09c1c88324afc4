"""A file or folder of a volume."""

import math
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from inr.argument import check_count, check_numbers, check_range
from inr.raster import PixelFormat
from inr.signal._lattice_signal import LatticeSignal
from inr.signal.volume.display import VolumeDisplay
from inr.signal.volume.formats import FORMATS, is_volume
from inr.signal.volume.read import read_volume
from inr.signal.volume.volume_format import VolumeFormat

PART = 2**22  # numbers that are resized at once


class VolumeSignal(LatticeSignal):
    """A volume of any dtype, as its file has it.

    Each axis runs over [0, 1], whatever the spacing of the voxels: a coordinate (x, y, z) counts
    the columns, rows and slices of the stored array. The spacing is kept for what is exported.

    Args:
        path: File, or folder of a Zarr store or of DICOM slices, in one of ``formats.FORMATS``:
            its content shows which.
        dataset: The array of a file with several (NPZ, HDF5, Zarr), or the series (its number or
            UID) of a folder with several.
        frame: Number of the volume of a series, from 0.
        axes: Axes of the stored array, a letter each of ``x``, ``y``, ``z``, ``c`` (channels) and
            ``t`` (frames), in the order that the usual reader of the format gives them (NIfTI:
            ``xyz``; NumPy: mostly ``zyx``). None asks the format; where that does not say, three
            axes are ``zyx``, and a fourth of at most 4 is channels.
        shape: Shape of the numbers in a raw file, such as ``[D, H, W]``.
        dtype: Dtype of the numbers in a raw file, such as ``uint16``, or ``>u2`` with high bytes
            first.
        size: ``[D, H, W]`` to resize to, with anti-aliasing; None keeps the volume's own.
        crop: ``[x0, y0, z0, x1, y1, z1]`` in voxels, cut out before resizing.
        holdout: ``none``, ``alternate`` (train on even positions along each axis, test on odd ones)
            or a fraction of the voxels, drawn at random: what training never sees.
        value_range: What the field sees for the least and the greatest voxel there is.
        nonfinite: ``reject``, or ``zero`` to replace NaN and infinity.
        max_voxels: Larger volumes are rejected before they are read, by their header alone.
        seed: Seed of the random fraction held out.

    Attributes:
        volume_format: What it takes to write values as a file like the one that was read.
        pixel_format: The map between values and stored numbers.

    Raises:
        OSError: The file cannot be read.
        ImportError: Its format needs an optional package.
        ValueError: The file is no volume, damaged or too large, or an argument is out of range.
    """

    kind = "volume"
    display = VolumeDisplay()
    suffixes = tuple(suffix for form in FORMATS for suffix in form.suffixes)
    sample = "sample_volume.npz"

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        return is_volume(path)

    @classmethod
    def write_array(cls, array: np.ndarray, folder: Path, rate: int | None = None) -> Path:
        """Writes ``(D, H, W)`` or ``(D, H, W, c)`` voxels."""
        path = folder / "array.npy"
        np.save(path, array)
        return path

    def __init__(
        self,
        *,
        path: str | os.PathLike[str],
        dataset: str | None = None,
        frame: int | None = None,
        axes: str | None = None,
        shape: Sequence[int] | None = None,
        dtype: str | None = None,
        size: Sequence[int] | None = None,
        crop: Sequence[int] | None = None,
        holdout: str | float = "none",
        value_range: Sequence[float] = (0.0, 1.0),
        nonfinite: Literal["reject", "zero"] = "reject",
        max_voxels: int = 1_073_741_824,
        seed: int = 0,
    ) -> None:
        value_limits = check_range("value_range", value_range)
        depth_height_width = None if size is None else check_size(size, max_voxels)
        volume = read_volume(
            path,
            dataset=dataset,
            frame=frame,
            axes=axes,
            crop=crop,
            shape=shape,
            dtype=dtype,
            nonfinite=nonfinite,
            max_voxels=max_voxels,
        )
        for note in volume.notes:
            warnings.warn(note, stacklevel=2)
        voxels = volume.voxels
        pixel_format = PixelFormat(
            voxels.dtype.newbyteorder("=").name,
            volume.bits,
            volume.low,
            volume.high,
            value_limits,
        )
        volume_format = VolumeFormat(pixel_format, volume.container)
        values = volume_format.normalize(voxels)
        if depth_height_width is not None:
            lattice = voxels.shape[:3]
            values = resize_values(values, depth_height_width)
            if pixel_format.bits == 1:
                pixel_format = pixel_format.as_displayable()
            container = volume.container.resampled(lattice, depth_height_width)
            volume_format = VolumeFormat(pixel_format, container)
            # Through the voxels' own depth: the resized volume is one that a file could hold.
            values = volume_format.normalize(volume_format.restore(values))
        del volume, voxels
        super().__init__(
            torch.from_numpy(values),
            value_range=pixel_format.value_range,
            name=name_of(Path(path)),
            holdout=holdout,
            seed=seed,
        )
        self.pixel_format = pixel_format
        self.volume_format = volume_format
        self.step = pixel_format.step


def check_size(size: Sequence[int], max_voxels: int) -> tuple[int, int, int]:
    """Rejects a size that is not three whole numbers, or too large."""
    check_numbers("size", size, "[D, H, W]")
    depth, height, width = (check_count("size", n) for n in size)
    if math.prod(size) > max_voxels:
        raise ValueError(f"size is {list(size)}; expected at most max_voxels={max_voxels}.")
    return depth, height, width


def name_of(path: Path) -> str:
    """A name for folders and titles: ``brain`` of ``brain.nii.gz``."""
    return Path(path.stem).stem if path.name.lower().endswith(".nii.gz") else path.stem


def resize_values(values: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """``(D, H, W, C)`` float values at another size, by tricubic interpolation with anti-aliasing.

    The kernel is that of images, one axis at a time: first each slice, then along z.
    """
    depth, height, width = size
    channels = values.shape[-1]
    slices = np.empty((len(values), height, width, channels), np.float32)
    most = max(1, PART // math.prod(values.shape[1:]))
    for start in range(0, len(values), most):
        part = torch.from_numpy(values[start : start + most]).permute(0, 3, 1, 2)
        slices[start : start + most] = interpolate(part, (height, width)).permute(0, 2, 3, 1)
    columns = torch.from_numpy(slices.reshape(len(values), -1))
    resized = np.empty((depth, columns.shape[1]), np.float32)
    most = max(1, PART // max(depth, len(values)))
    for start in range(0, columns.shape[1], most):
        part = columns[None, None, :, start : start + most]
        resized[:, start : start + most] = interpolate(part, (depth, part.shape[-1]))[0, 0]
    return resized.reshape(depth, height, width, channels)


def interpolate(images: Tensor, size: tuple[int, int]) -> Tensor:
    """``(n, c, H, W)`` images at another size."""
    if tuple(images.shape[-2:]) == size:
        return images
    return functional.interpolate(images, size, mode="bicubic", antialias=True, align_corners=False)
