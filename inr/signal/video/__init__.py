"""Reading and writing videos and animations."""

from .read import is_video, read_video
from .video import Video, VideoFormat
from .write import native_video_suffix, write_video

__all__ = [
    "Video",
    "VideoFormat",
    "is_video",
    "native_video_suffix",
    "read_video",
    "write_video",
]
