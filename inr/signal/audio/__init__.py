"""Reading, writing and drawing recordings at the depth of their files."""

from .read import is_sound, read_sound
from .sound import Sound, SoundFormat
from .spectrogram import draw_spectrograms, find_powers
from .write import native_sound_suffix, write_sound

__all__ = [
    "Sound",
    "SoundFormat",
    "draw_spectrograms",
    "find_powers",
    "is_sound",
    "native_sound_suffix",
    "read_sound",
    "write_sound",
]
