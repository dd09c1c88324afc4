"""Videos through PyAV itself: imageio's reader gives no times, rotation and damage of frames.

``test_uneven_times_are_told_of``, ``test_a_phone_held_upright_films_upright`` and
``test_a_cut_off_video_is_rejected_and_what_is_there_can_be_read`` need them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from inr.source_file import SourceFile, describe

from .video import DamagedError, Frame, Stream

# Demuxers that tell how many frames there should be, and how long they should last.
COUNTS, LASTS = ("avi",), ("matroska",)


@contextmanager
def open_stream(
    file: SourceFile, demuxer: str, *, start: float, max_pixels: int
) -> Iterator[Stream]:
    """Opens a file to decode its first track of pictures.

    Args:
        file: The file.
        demuxer: FFmpeg's name for the container. No other is tried: some kinds of file name others.
        start: Seconds before which frames may be left out.
        max_pixels: Most pixels of a frame; larger ones are rejected before they are decoded.

    Raises:
        MissingExtraError: PyAV is not installed.
        RejectedError: The file has no pictures, or too large ones.
    """
    try:
        import av
    except ImportError:
        raise file.need("av", "video") from None
    # FFmpeg takes some names for addresses, unless it is told that they are files.
    with av.open(f"file:{file.path.absolute()}", format=demuxer) as container:
        track = _find_track(file, container)
        context = track.codec_context
        if context.width * context.height > max_pixels:
            raise file.reject(
                f"claims frames of {context.width:,} x {context.height:,} pixels",
                f"at most {max_pixels:,} of all frames",
                "If they are meant to be so large, raise max_pixels.",
            )
        # Decoding several frames at once hides the errors of damaged ones.
        track.thread_type = "SLICE"
        stream = Stream(_find_rate(track), _find_count(track), iter(()))
        stream.frames = _decode(container, track, demuxer, start, stream.notes)
        yield stream


def _find_track(file: SourceFile, container: Any) -> Any:
    """The first track of pictures that is not the cover of an album."""
    import av

    for track in container.streams.video:
        if not track.disposition & av.stream.Disposition.attached_pic:
            return track
    what = "sound" if container.streams.audio else "neither pictures nor sound"
    fix = "Fit its sound with signal=audio." if container.streams.audio else "Check the file."
    raise file.reject(f"holds {what} and no video", "a video", fix)


def _find_rate(track: Any) -> Fraction | None:
    rate = track.average_rate or track.guessed_rate
    return Fraction(rate) if rate else None


def _find_count(track: Any) -> int | None:
    """Frames that the file claims, if only roughly."""
    seconds, rate = _find_seconds(track), _find_rate(track)
    if track.frames:
        return int(track.frames)
    return round(seconds * rate) if seconds is not None and rate else None


def _find_seconds(track: Any) -> float | None:
    if track.duration is not None:
        return float(track.duration * track.time_base)
    # Matroska has it as text.
    found = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", track.metadata.get("DURATION", ""))
    if not found:
        return None
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])


def _decode(
    container: Any, track: Any, demuxer: str, start: float, notes: list[str]
) -> Iterator[Frame]:
    """Frames with their times from the track's first frame."""
    origin = None if track.start_time is None else float(track.start_time * track.time_base)
    is_whole = True
    if start > 1 and origin is not None:
        is_whole = not _seek(container, track, origin + start)
    count, end = 0, 0.0
    frames = container.decode(track)
    while True:
        try:
            frame = next(frames, None)
        except Exception as error:
            raise DamagedError(describe(error)) from error
        if frame is None:
            break
        time = count / float(_find_rate(track) or 1) if frame.time is None else frame.time
        origin = time if origin is None else origin
        count, end = count + 1, time - origin
        if frame.is_corrupt and end >= start:
            raise DamagedError(f"a frame at {end:.3f} seconds is damaged")
        if not notes:
            notes.extend(_remark(frame))
        yield Frame(end, partial(_draw, frame))
    _check_end(track, demuxer, count if is_whole else None, end)


def _seek(container: Any, track: Any, time: float) -> bool:
    """Goes to the last key frame before a time, if that works."""
    container.seek(int(time / track.time_base), stream=track)
    found = next(container.decode(track), None)
    is_before = found is not None and found.time is not None and found.time <= time
    # To the same place again, or else to the beginning.
    goal = int(time / track.time_base) if is_before else track.start_time
    container.seek(goal, stream=track)
    return is_before


def _check_end(track: Any, demuxer: str, count: int | None, end: float) -> None:
    """Rejects a file that ends before it should, as far as that can be known."""
    if demuxer in COUNTS and count is not None and count < track.frames:
        raise DamagedError(f"{count:,} of {track.frames:,} frames are there")
    seconds, rate = _find_seconds(track), _find_rate(track)
    if demuxer in LASTS and seconds is not None and rate and end + 1.5 / rate < seconds:
        raise DamagedError(f"{end:.3f} of {seconds:.3f} seconds are there")


def _remark(frame: Any) -> list[str]:
    """Warnings about parts of a frame that are not kept."""
    notes = []
    bits = max(component.bits for component in frame.format.components)
    if bits > 8:
        notes.append(f"colours of {bits} bits are rounded to 8")
    if any(component.is_alpha for component in frame.format.components):
        notes.append("transparency is left out")
    if frame.rotation % 90:
        notes.append(f"rotation of {frame.rotation} degrees is not by quarters and is ignored")
    return notes


def _draw(frame: Any) -> np.ndarray:
    is_grey = len(frame.format.components) == 1 and frame.format.name.startswith("gray")
    pixels = frame.to_ndarray(format="gray" if is_grey else "rgb24")
    pixels = pixels[..., None] if is_grey else pixels
    turns = 0 if frame.rotation % 90 else frame.rotation // 90
    return np.ascontiguousarray(np.rot90(pixels, turns))
