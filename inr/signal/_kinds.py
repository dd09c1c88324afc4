"""The kinds of signals, and the kind of a file."""

from pathlib import Path

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
