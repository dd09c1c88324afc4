"""An array as the file of a signal."""

from pathlib import Path
from typing import Any

import numpy as np

IMAGE_CHANNELS = 4
DEFAULT_RATE = 44_100


def as_array(source: Any) -> np.ndarray:
    """A NumPy array of what holds numbers: NumPy, PyTorch, Pillow, xarray, or nested lists.

    Raises:
        ValueError: The numbers are complex, text or objects.
    """
    if hasattr(source, "detach"):
        source = source.detach().cpu()
        source = source.float() if str(source.dtype) == "torch.bfloat16" else source
    array = np.asarray(source)
    if array.dtype.kind not in "buif":
        raise ValueError(
            f"the array holds {array.dtype}; expected booleans, integers or real numbers."
        )
    return array


def guess_kind(array: np.ndarray) -> str:
    """The kind of signal that an array is, by its axes.

    One axis is a function, two are an image, three with at most four channels last an image too,
    and other three or four a volume.

    Raises:
        ValueError: The array has no axis, or more than four.
    """
    if array.ndim == 1:
        return "function"
    if array.ndim == 2 or (array.ndim == 3 and array.shape[2] <= IMAGE_CHANNELS):
        return "image"
    if array.ndim in (3, 4):
        return "volume"
    raise ValueError(f"the array has the shape {array.shape}; expected one to four axes.")


def write_array(array: np.ndarray, kind: str, folder: Path, *, rate: int | None = None) -> Path:
    """Writes an array without loss as a file that the reader of a kind takes.

    Args:
        array: ``(n,)`` of a function; ``(n,)`` or ``(n, c)`` of audio; ``(H, W)`` or ``(H, W, c)``
            of an image; ``(D, H, W)`` or ``(D, H, W, c)`` of a volume; ``(T, H, W, 3)`` bytes of a
            video.
        kind: Kind of signal.
        folder: Folder of the file.
        rate: Samples or frames per second, of audio and video.

    Raises:
        ValueError: The kind is not one that arrays are of, or cannot hold this one.
    """
    if kind == "image":
        from inr.raster import native_suffix, write_raster

        array = _narrow(array)
        channels = 1 if array.ndim == 2 else array.shape[-1]
        path = folder / f"array{native_suffix(array.dtype, None, channels)}"
        write_raster(path, array)
        return path
    if kind == "audio":
        return _write_audio(array, folder, rate or DEFAULT_RATE)
    if kind == "video":
        from inr.signal.video import write_video

        path = folder / "array.gif"
        write_video(path, iter(array), rate or 25)
        return path
    if kind not in ("function", "volume"):
        raise ValueError(
            f"signal is {kind!r}; expected function, audio, image, volume or video for an array."
        )
    path = folder / "array.npy"
    np.save(path, array)
    return path


def _narrow(array: np.ndarray) -> np.ndarray:
    """Whole numbers of 64 bits in 32, where they fit: images have no more."""
    if array.dtype.kind not in "ui" or array.dtype.itemsize < 8:
        return array.astype(np.uint8) if array.dtype.kind == "b" else array
    narrow = np.dtype("u4" if array.min(initial=0) >= 0 else "i4")
    if array.max(initial=0) > np.iinfo(narrow).max or array.min(initial=0) < np.iinfo(narrow).min:
        raise ValueError("the array holds whole numbers beyond 32 bits; expected floats.")
    return array.astype(narrow)


def _write_audio(array: np.ndarray, folder: Path, rate: int) -> Path:
    from inr.signal.audio import SoundFormat, write_sound

    samples = array[:, None] if array.ndim == 1 else array
    names = {"i2": "PCM_16", "i4": "PCM_32", "f4": "FLOAT", "f8": "DOUBLE"}
    stored = names.get(samples.dtype.str[1:])
    if stored is None:
        raise ValueError(
            f"the array holds {array.dtype} samples; expected int16, int32, float32 or float64."
        )
    scale = 1.0 if samples.dtype.kind == "f" else float(2 ** (8 * samples.dtype.itemsize - 1))
    path = folder / "array.wav"
    write_sound(path, samples, SoundFormat("WAV", stored, rate, scale, (-1.0, 1.0)))
    return path
