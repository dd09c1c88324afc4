"""Reading, writing and drawing recordings at the depth of their files."""

from .read import is_recording, read_recording
from .recording import Recording, RecordingFormat
from .spectrogram import draw_spectrograms, find_powers
from .write import native_recording_suffix, write_recording

__all__ = [
    "Recording",
    "RecordingFormat",
    "draw_spectrograms",
    "find_powers",
    "is_recording",
    "native_recording_suffix",
    "read_recording",
    "write_recording",
]
