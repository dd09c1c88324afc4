"""The axes of a stored array, and the part of it to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inr.source_file import RejectedError

from .source import Source, join
from .volume_format import Container

MOST_CHANNELS = 16
FEW = 4  # axes of so many may be channels without being called so


@dataclass(frozen=True)
class Layout:
    """The part of a stored array to read.

    Attributes:
        axes: Axes of the stored array, a letter each.
        shape: Shape of the stored array.
        frame: Position along ``t``; None where there is no such axis.
        selection: What to index the stored array with.
    """

    axes: str
    shape: tuple[int, ...]
    frame: int | None
    selection: tuple[slice | int, ...]

    @property
    def selected_axes(self) -> str:
        """Of the array after indexing."""
        return self.axes.replace("t", "")

    @property
    def written_axes(self) -> str:
        """Of the array to write: a frame of several becomes a volume, a single one stays."""
        several = "t" in self.axes and self.shape[self.axes.index("t")] > 1
        return self.selected_axes if several else self.axes

    def with_channels(self, count: int) -> Layout:
        """The same of an array with one more axis at its end."""
        shape, selection = (*self.shape, count), (*self.selection, slice(None))
        return Layout(self.axes + "c", shape, self.frame, selection)

    def extent(self, axis: str) -> tuple[int, int, int]:
        """First selected cell of x, y or z, the one after the last, and the number of all."""
        if axis not in self.axes:
            return 0, 1, 1
        number = self.axes.index(axis)
        part, count = self.selection[number], self.shape[number]
        assert isinstance(part, slice)
        start, end, _ = part.indices(count)
        return start, end, count

    def place(self, container: Container) -> Container:
        """The container of the part that is read, given that of the whole lattice."""
        extents = [self.extent(axis) for axis in "xyz"]
        shape = [count for _, _, count in reversed(extents)]
        size = [end - start for start, end, _ in reversed(extents)]
        lower = [start / count for start, _, count in extents]
        upper = [end / count for _, end, count in extents]
        return container if size == shape else container.resampled(shape, size, lower, upper)

    def check_selected(self, selected: np.ndarray) -> None:
        """Rejects an array of another shape than its header led to expect.

        Raises:
            ValueError: The array has another number of axes.
        """
        parts = zip(self.shape, self.selection, strict=True)
        expected = tuple(len(range(n)[part]) for n, part in parts if isinstance(part, slice))
        if selected.shape != expected:
            raise ValueError(f"it holds {join(selected.shape)} numbers, not {join(expected)}")

    def arrange(self, selected: np.ndarray) -> np.ndarray:
        """A view of the array after indexing, as ``(D, H, W, C)``."""
        axes = self.selected_axes
        ordered = selected.transpose([axes.index(axis) for axis in "zyxc" if axis in axes])
        if "z" not in axes:
            ordered = ordered[None]
        return ordered if "c" in axes else ordered[..., None]


def stored(voxels: np.ndarray, axes: str) -> np.ndarray:
    """A view of ``(D, H, W, C)`` voxels with the axes of a stored array.

    Raises:
        ValueError: The array has no axis for something of which there is more than one.
    """
    for axis, name in ((0, "z"), (3, "c")):
        if name not in axes and voxels.shape[axis] > 1:
            raise ValueError(
                f"an array of axes {axes} cannot hold {voxels.shape[axis]} along {name}; expected "
                f"1. Name the axis {name} too."
            )
    kept = "".join(axis for axis in "zyxc" if axis in axes)
    array = voxels[(slice(None) if "z" in axes else 0, ..., slice(None) if "c" in axes else 0)]
    array = array.transpose([kept.index(axis) for axis in axes if axis != "t"])
    return np.expand_dims(array, axes.index("t")) if "t" in axes else array


def plan_layout(source: Source, shape: Sequence[int], native: str | None = None) -> Layout:
    """Decides what to read of an array, and rejects what is too large before it is read.

    Args:
        source: The file and what was asked of it.
        shape: Shape of the stored array.
        native: What the format says the axes are; None when it says nothing.
    """
    shape = tuple(map(int, shape))
    axes = source.axes or native or guess_axes(source, shape)
    if len(axes) != len(shape):
        raise source.reject(
            f"has {len(shape)} axes ({join(shape)})",
            f"as many as axes={axes} has letters",
            "Name each axis by one of t, z, y, x, c.",
        )
    if min(shape, default=0) < 1:
        raise source.reject(f"has no voxels ({join(shape)})", "1 or more per axis", "Check it.")
    sizes = dict(zip(axes, shape, strict=True))
    if sizes.get("c", 1) > MOST_CHANNELS:
        raise source.reject(
            f"has {sizes['c']:,} channels ({join(shape)}, axes {axes})",
            f"at most {MOST_CHANNELS}",
            "Say what its axes are with axes, or split it.",
        )
    frame = choose_frame(source, axes, shape)
    ranges = choose_box(source, sizes)
    selection = tuple(
        frame if axis == "t" and frame is not None else ranges.get(axis, slice(None))
        for axis in axes
    )
    source.check_count(
        [len(range(n)[s]) for n, s in zip(shape, selection, strict=True) if isinstance(s, slice)]
    )
    return Layout(axes, shape, frame, selection)


def guess_axes(source: Source, shape: tuple[int, ...]) -> str:
    """What the axes of an array are that does not say: (z, y, x), and then few channels."""
    framed = source.frame is not None or shape[:1] == (1,)
    few = shape[-1] <= FEW if shape else False
    if len(shape) == 3 and 1 < shape[-1] <= FEW and min(shape) == shape[-1] < min(shape[:2]) / FEW:
        raise source.reject(
            f"has the shape of an image with {shape[-1]} channels ({join(shape)})",
            "a volume",
            "Say which it is: axes=yxc or, for one so narrow, axes=zyx.",
        )
    if len(shape) == 3:
        return "zyx"
    if len(shape) == 4 and few and source.frame is None:
        return "zyxc"
    if len(shape) == 4 and framed:
        return "tzyx"
    if len(shape) == 5 and framed and (few or shape[1] <= FEW):
        return "tzyxc" if few else "tczyx"
    raise source.reject(
        f"has {len(shape)} axes ({join(shape)})",
        f"3, or 4 with up to {FEW} channels last",
        advise(shape),
    )


def advise(shape: tuple[int, ...]) -> str:
    """What to type for an array whose axes are not clear."""
    if len(shape) == 2:
        return "If it is one slice, use axes=yx."
    if len(shape) == 4:
        return (
            f"Use frame=0 (to {shape[0] - 1}) for one volume of a series, or say what its "
            "axes are, such as axes=czyx."
        )
    return "Say what its axes are, such as axes=tczyx frame=0."


def choose_frame(source: Source, axes: str, shape: tuple[int, ...]) -> int | None:
    """The position along ``t``."""
    if "t" not in axes:
        if source.frame:
            raise source.reject(
                f"is a single volume ({join(shape)}), without frames",
                "none to be asked for",
                "Leave out frame.",
            )
        return None
    count = shape[axes.index("t")]
    if source.frame is None:
        if count == 1:
            return 0
        letter = "z" if "z" not in axes else "c" if "c" not in axes else ""
        role = {"z": "slices", "c": "channels"}.get(letter, "")
        few = letter == "z" or count <= MOST_CHANNELS
        typed = f"axes={axes.replace('t', letter)}"
        other = f", or {typed} to fit them as {role}" if letter and few else ""
        raise source.reject(
            f"is a series of {count:,} volumes ({join(shape)}, axes {axes})",
            "the number of one",
            f"Choose it with frame=0 (to {count - 1}){other}.",
        )
    if not 0 <= source.frame < count:
        raise source.reject(
            f"has no frame {source.frame}: it holds {count:,}",
            f"a frame from 0 to {count - 1}",
            f"Use frame={min(max(source.frame, 0), count - 1)}.",
        )
    return source.frame


def choose_box(source: Source, sizes: dict[str, int]) -> dict[str, slice]:
    """The ranges of x, y and z to read."""
    if source.crop is None:
        return {}
    lower, upper = source.crop[:3], source.crop[3:]
    most = [sizes.get(axis, 1) for axis in "xyz"]
    if not all(0 <= a < b <= n for a, b, n in zip(lower, upper, most, strict=True)):
        raise crop_error(source, most)
    return {axis: slice(a, b) for axis, a, b in zip("xyz", lower, upper, strict=True)}


def crop_error(source: Source, most: Sequence[int]) -> RejectedError:
    """The error for a box that is empty or reaches beyond the volume."""
    width, height, depth = most
    return RejectedError(
        f"crop is {list(source.crop or ())}; expected [x0, y0, z0, x1, y1, z1] inside "
        f"{source.name}, {width} wide, {height} high and {depth} deep."
    )


@dataclass(frozen=True)
class Decoded:
    """What a decoder gives back.

    Attributes:
        selected: The part of the stored array that its layout selects; maybe a view of the file.
        layout: What its axes are.
        container: How the file holds the whole lattice.
        notes: Remarks for the user.
    """

    selected: np.ndarray
    layout: Layout
    container: Container
    notes: tuple[str, ...] = ()
