"""The kinds of signals, and the kind of a file."""

from pathlib import Path

import numpy as np

from inr.signal._signal import Signal
from inr.signal.audio.signal import AudioSignal
from inr.signal.function.signal import FunctionSignal
from inr.signal.image.signal import ImageSignal
from inr.signal.image_set.signal import ImageSetSignal
from inr.signal.point_cloud.signal import PointCloudSignal
from inr.signal.shape.signal import ShapeSignal
from inr.signal.video.signal import VideoSignal
from inr.signal.volume.signal import VolumeSignal

# In the order in which a path is offered to them: a GIF may be a video, a folder a volume.
_CLASSES: tuple[type[Signal], ...] = (
    VideoSignal,
    AudioSignal,
    ShapeSignal,
    PointCloudSignal,
    FunctionSignal,
    VolumeSignal,
    ImageSetSignal,
    ImageSignal,
)
KINDS: dict[str, type[Signal]] = {signal.kind: signal for signal in _CLASSES}

MOST_IMAGE_CHANNELS = 4


def find_kind(path: Path) -> str:
    """The kind of signal that a file, a folder or a pattern is: an image, if it is no other.

    The content decides. Where no kind recognises it the suffix does, so that the reader of that
    kind reports what is wrong.
    """
    for name, signal in KINDS.items():
        if signal.recognizes(path):
            return name
    suffix = Path(path.name.lower().removesuffix(".gz")).suffix
    return next((name for name, signal in KINDS.items() if suffix in signal.suffixes), "image")


def find_array_kind(array: np.ndarray) -> str:
    """The kind of signal that an array is, by its axes.

    One axis is a function, two are an image, three with at most four channels last an image too,
    and other three or four a volume.

    Raises:
        ValueError: The array has no axis, or more than four.
    """
    if array.ndim == 1:
        return "function"
    if array.ndim == 2 or (array.ndim == 3 and array.shape[2] <= MOST_IMAGE_CHANNELS):
        return "image"
    if array.ndim in (3, 4):
        return "volume"
    raise ValueError(f"the array has the shape {array.shape}; expected one to four axes.")
