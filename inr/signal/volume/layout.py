"""The axes of a stored array, and the part of it to read."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inr.source_file import RejectedError

from .source import Source, join
from .volume_format import Shape

Index = tuple[slice | int, ...]
MOST_CHANNELS = 16
FEW = 4  # an axis of so many may be channels without being called so


@dataclass(frozen=True)
class Layout:
    """The part of a stored array to read.

    Attributes:
        axes: Axes of the stored array, a letter each.
        shape: Shape of the stored array.
        selection: Index of the part: a position along ``t``, a slice along each other axis.
    """

    axes: str
    shape: tuple[int, ...]
    selection: Index

    @property
    def selected_shape(self) -> tuple[int, ...]:
        """Shape of the part."""
        parts = zip(self.shape, self.selection, strict=True)
        return tuple(len(range(n)[part]) for n, part in parts if isinstance(part, slice))

    @property
    def written_axes(self) -> str:
        """Axes of the array to write: a frame of several becomes a volume, a single one stays."""
        several = "t" in self.axes and self.shape[self.axes.index("t")] > 1
        return self.axes.replace("t", "") if several else self.axes

    def with_channels(self, count: int) -> "Layout":
        """The layout of an array with one more axis at its end."""
        return Layout(self.axes + "c", (*self.shape, count), (*self.selection, slice(None)))


def complete_axes(axes: str, shape: Shape) -> str:
    """Adds the axes that ``(D, H, W, C)`` voxels need to those of an array."""
    if shape[0] > 1 and "z" not in axes:
        axes = "z" + axes
    return axes + "c" if shape[3] > 1 and "c" not in axes else axes


def reorder(array: np.ndarray, axes: str, wanted: str) -> np.ndarray:
    """A view of an array with other axes; an axis that only one of both has is of one cell."""
    lacking = "".join(axis for axis in wanted if axis not in axes)
    needless = "".join(axis for axis in axes if axis not in wanted)
    array = array.reshape(*array.shape, *[1] * len(lacking))
    ordered = array.transpose([(axes + lacking).index(axis) for axis in wanted + needless])
    return ordered.reshape(ordered.shape[: len(wanted)])


def plan_layout(source: Source, shape: Sequence[int], native: str | None) -> Layout:
    """Decides what to read of an array, and rejects what is too large before it is read.

    Args:
        source: The file and the terms on which to read it.
        shape: Shape of the stored array.
        native: Axes of the array by its format; None when the format does not say.
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
    chosen: dict[str, slice | int] = {"t": choose_frame(source, axes, shape)}
    if source.crop is not None:
        chosen |= choose_box(source, source.crop, sizes)
    layout = Layout(axes, shape, tuple(chosen.get(axis, slice(None)) for axis in axes))
    source.check_count(layout.selected_shape)
    return layout


def guess_axes(source: Source, shape: tuple[int, ...]) -> str:
    """Axes of an array that does not say them: (z, y, x), and then few channels."""
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
    advice = {
        2: "If it is one slice, use axes=yx.",
        4: f"Use frame=0 (to {shape[0] - 1 if shape else 0}) for one volume of a series, or say "
        "what its axes are, such as axes=czyx.",
    }
    raise source.reject(
        f"has {len(shape)} axes ({join(shape)})",
        f"3, or 4 with up to {FEW} channels last",
        advice.get(len(shape), "Say what its axes are, such as axes=tczyx frame=0."),
    )


def choose_frame(source: Source, axes: str, shape: tuple[int, ...]) -> int:
    """The position along ``t``, where there is such an axis."""
    count = shape[axes.index("t")] if "t" in axes else 1
    if "t" not in axes and source.frame:
        raise source.reject(
            f"is a single volume ({join(shape)}), without frames",
            "none to be asked for",
            "Leave out frame.",
        )
    if source.frame is None and count > 1:
        letter = "z" if "z" not in axes else "c" if "c" not in axes else ""
        few = letter == "z" or count <= MOST_CHANNELS
        role = {"z": "slices", "c": "channels"}.get(letter)
        other = f", or axes={axes.replace('t', letter)} to fit them as {role}"
        raise source.reject(
            f"is a series of {count:,} volumes ({join(shape)}, axes {axes})",
            "the number of one",
            f"Choose it with frame=0 (to {count - 1}){other if role and few else ''}.",
        )
    frame = source.frame or 0
    if frame >= count:
        raise source.reject(
            f"has no frame {frame}: it holds {count:,}",
            f"a frame from 0 to {count - 1}",
            f"Use frame={count - 1}.",
        )
    return frame


def choose_box(source: Source, crop: tuple[int, ...], sizes: dict[str, int]) -> dict[str, slice]:
    """The ranges of x, y and z to read."""
    lower, upper = crop[:3], crop[3:]
    width, height, depth = most = [sizes.get(axis, 1) for axis in "xyz"]
    if not all(0 <= a < b <= n for a, b, n in zip(lower, upper, most, strict=True)):
        raise RejectedError(
            f"crop is {list(crop)}; expected [x0, y0, z0, x1, y1, z1] inside {source.name}, "
            f"{width} wide, {height} high and {depth} deep."
        )
    return {axis: slice(a, b) for axis, a, b in zip("xyz", lower, upper, strict=True)}
