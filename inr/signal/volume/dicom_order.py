"""Positions of DICOM slices in space, and their order there."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .source import Source

SAME = 1e-3  # mm: slices closer than this are at one position
EVEN = 0.01  # of the spacing: distances that differ by more are not even
TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # DICOM's x and y point to the left and to the back


def order_slices(source: Source, headers: Sequence[Any]) -> list[list[int]]:
    """The numbers of slices by frame, and in each by position.

    Slices without a position are ordered by their number in the series. Several at every position
    are frames, in the order of these numbers.
    """
    instances = [int(header.get("InstanceNumber") or 0) for header in headers]
    heights = find_heights(source, headers)
    if heights is None:
        return [sorted(range(len(headers)), key=lambda n: instances[n])]
    places: list[list[int]] = []
    for number in sorted(range(len(headers)), key=lambda n: (heights[n], instances[n])):
        if places and heights[number] - heights[places[-1][0]] < SAME:
            places[-1].append(number)
        else:
            places.append([number])
    counts = {len(place) for place in places}
    if len(counts) > 1:
        raise source.reject(
            f"has from {min(counts)} to {max(counts)} slices at one position",
            "as many at each",
            "Move those that do not belong to the volume elsewhere.",
        )
    by_instance = [sorted(place, key=lambda n: instances[n]) for place in places]
    return [list(frame) for frame in zip(*by_instance, strict=True)]


def find_heights(source: Source, headers: Sequence[Any]) -> np.ndarray | None:
    """Positions along the normal of the slices, in mm; None where one has none."""
    if any(read_pose(header) is None for header in headers):
        return None
    poses = [pose for header in headers if (pose := read_pose(header)) is not None]
    axes = np.array([pose[1] for pose in poses])
    if np.abs(axes - axes[0]).max() > 1e-3:
        raise source.reject(
            "has slices that are not parallel", "one orientation", "Move the others elsewhere."
        )
    normal = np.cross(axes[0, 0], axes[0, 1])
    heights: np.ndarray = np.array([pose[0] for pose in poses]) @ normal
    return heights


def read_pose(header: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """The position ``(3,)`` of the first pixel, and the directions ``(2, 3)`` of x and y."""
    position = header.get("ImagePositionPatient")
    orientation = header.get("ImageOrientationPatient")
    if position is None or orientation is None or len(position) != 3 or len(orientation) != 6:
        return None
    return np.array(position, float), np.array(orientation, float).reshape(2, 3)


def place_slices(headers: Sequence[Any]) -> dict[str, Any]:
    """The spacing (x, y, z), unit and affine of slices in order, as far as they are told."""
    first, last = headers[0], headers[-1]
    pixel = first.get("PixelSpacing")
    if pixel is None or len(pixel) != 2:
        return {}
    down, across = (float(number) for number in pixel)
    thick = first.get("SpacingBetweenSlices") or first.get("SliceThickness") or across
    begin, end = read_pose(first), read_pose(last)
    if begin is None or end is None:
        return {"spacing": (across, down, abs(float(thick))), "unit": "mm"}
    (origin, (along_x, along_y)), count = begin, len(headers)
    if count > 1:
        along_z = (end[0] - origin) / (count - 1)
    else:
        along_z = np.cross(along_x, along_y) * abs(float(thick))
    matrix = np.eye(4)
    matrix[:3] = np.column_stack([along_x * across, along_y * down, along_z, origin])
    spacing = (across, down, np.linalg.norm(along_z))
    return {"spacing": spacing, "unit": "mm", "affine": TO_RAS @ matrix}


def evenness_note(headers: Sequence[Any]) -> tuple[str, ...]:
    """A remark where the slices of a volume are at odd distances: one may be missing."""
    poses = [pose for header in headers if (pose := read_pose(header)) is not None]
    if len(poses) < max(3, len(headers)):
        return () if poses else ("slices have no position and are ordered by their number",)
    gaps = np.linalg.norm(np.diff([position for position, _ in poses], axis=0), axis=1)
    if gaps.max() - gaps.min() <= EVEN * np.median(gaps):
        return ()
    return (
        f"slices are from {gaps.min():.3g} to {gaps.max():.3g} mm apart; they are read as evenly "
        "spaced",
    )
