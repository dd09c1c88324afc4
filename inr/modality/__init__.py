"""Modalities: how fields are measured, shown and written, by the kind of what they fit."""

from inr.modality._exhibit import Exhibit, Film, Picture, Solid, Sound, magnified
from inr.modality._gradient_file import write_gradient
from inr.modality._level_set import write_level_set
from inr.modality._modality import Modality, Reading
from inr.modality._slice_file import native_slice_suffix, write_slice
from inr.modality._units import GradientScale
from inr.modality.audio import AudioModality
from inr.modality.function import FunctionModality
from inr.modality.image import ImageModality
from inr.modality.point_cloud import PointCloudModality
from inr.modality.shape import ShapeModality
from inr.modality.video import VideoModality
from inr.modality.volume import VolumeModality

MODALITIES: dict[str, Modality] = {
    "audio": AudioModality(),
    "function": FunctionModality(),
    "image": ImageModality(),
    "image_set": ImageModality(),
    "point_cloud": PointCloudModality(),
    "shape": ShapeModality(),
    "video": VideoModality(),
    "volume": VolumeModality(),
}

__all__ = [
    "MODALITIES",
    "AudioModality",
    "Exhibit",
    "Film",
    "FunctionModality",
    "GradientScale",
    "ImageModality",
    "Modality",
    "Picture",
    "PointCloudModality",
    "Reading",
    "ShapeModality",
    "Solid",
    "Sound",
    "VideoModality",
    "VolumeModality",
    "magnified",
    "native_slice_suffix",
    "write_gradient",
    "write_level_set",
    "write_slice",
]
