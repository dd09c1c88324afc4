"""DICOM files for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

SERIES = generate_uid(entropy_srcs=["one"])
OTHER_SERIES = generate_uid(entropy_srcs=["two"])


def write_slice(path: Path, pixels: np.ndarray, number: int, **tags: Any) -> None:
    """Writes ``(H, W)`` or ``(frames, H, W)`` 16-bit pixels; tags come last; None removes one."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID = CTImageStorage
    data.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    data.SeriesInstanceUID, data.SeriesNumber, data.InstanceNumber = SERIES, 3, number
    data.Modality, data.SeriesDescription = "CT", "thorax"
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = pixels.shape[-2:]
    if pixels.ndim == 3:
        data.NumberOfFrames = len(pixels)
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
    data.PixelRepresentation = int(pixels.dtype.kind == "i")
    data.PixelSpacing = [0.5, 0.75]
    data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    data.ImagePositionPatient = [-10, -20, 2.5 * number]
    data.RescaleSlope, data.RescaleIntercept = 2, -1024
    for name, value in tags.items():
        if value is None:
            delattr(data, name)
        else:
            setattr(data, name, value)
    data.PixelData = np.ascontiguousarray(pixels).tobytes()
    pydicom.dcmwrite(path, data, enforce_file_format=True)


def write_series(folder: Path, voxels: np.ndarray, **tags: Any) -> None:
    """Writes ``(D, H, W)`` voxels as slices whose names are in another order than their places."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, pixels in enumerate(voxels):
        write_slice(folder / f"{(7 * number + 3) % 11:02}.dcm", pixels, number, **tags)
