"""The images of a folder."""

import glob
import os
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from inr.argument import check_count, check_list
from inr.raster import PixelFormat
from inr.raster.read import find_format
from inr.signal._image_display import ImageDisplay
from inr.signal._image_pixels import load_image
from inr.signal._lattice_signal import LatticeSignal
from inr.source_file import RejectedError, find_file


class ImageSetSignal(LatticeSignal):
    """Images of one size, each fitted by a field of its own, all at the same points.

    As a signal it has the channels of all images: those of the first, then those of the next.

    Args:
        path: A folder, or a pattern such as ``photos/*.png``. What is no image is passed over.
        watched: Number of images that are probed while they train, from the first; or a list of
            their names.
        size: ``[H, W]`` to resize each to, with anti-aliasing; None keeps their own.
        crop: ``[x0, y0, x1, y1]`` in pixels, upright, cut out of each before resizing.
        holdout: ``none``, ``alternate`` (train on even rows and columns, test on odd ones) or a
            fraction of the pixels, drawn at random, the same of each image.
        value_range: What a field sees for the darkest and the brightest pixel there can be (for
            float images: that there is in its own).
        frame: Frame of files with several; None is the first, with a warning.
        truncated: ``reject``, or ``pad`` to fit what is there of files that are cut off.
        nonfinite: ``reject``, or ``zero`` to replace NaN and infinity.
        max_pixels: Most pixels; larger images are rejected before they are decoded.
        seed: Seed of the random fraction held out.

    Attributes:
        paths: Files of the images, in the order of their names.
        names: Distinct names of the images: those of their files, without suffix where that
            suffices.
        watched: Numbers of the images that are probed.
        channels: Channels of each image.
        pixel_formats: Meaning of values as pixels, of each image.

    Raises:
        OSError: The folder does not exist, or a file cannot be read.
        ValueError: No file is an image, one is damaged, or two differ in size or channels.
    """

    kind = "image_set"
    display = ImageDisplay()

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        return path.is_dir() or (not path.exists() and glob.has_magic(str(path)))

    def __init__(
        self,
        *,
        path: str | os.PathLike[str],
        watched: int | Sequence[str] = 4,
        size: Sequence[int] | None = None,
        crop: Sequence[int] | None = None,
        holdout: str | float = "none",
        value_range: Sequence[float] = (0.0, 1.0),
        frame: int | None = None,
        truncated: Literal["reject", "pad"] = "reject",
        nonfinite: Literal["reject", "zero"] = "reject",
        max_pixels: int = 268_435_456,
        seed: int = 0,
    ) -> None:
        paths = find_images(path)
        names = distinct_names(paths)
        numbers = _find_watched(watched, names)
        images = []
        for file in paths:
            pixels, pixel_format = load_image(
                file,
                size=size,
                crop=crop,
                value_range=value_range,
                frame=frame,
                truncated=truncated,
                nonfinite=nonfinite,
                max_pixels=max_pixels,
            )
            images.append(_Image(file, pixels, pixel_format))
            _check_alike(images[0], images[-1])
        super().__init__(
            torch.from_numpy(np.concatenate([image.pixels for image in images], axis=2)),
            value_range=images[0].pixel_format.value_range,
            name=Path(path).name,
            holdout=holdout,
            seed=seed,
        )
        self.paths = paths
        self.names = names
        self.watched = numbers
        self.channels = images[0].pixels.shape[2]
        self.pixel_formats = [image.pixel_format for image in images]

    def member(self, number: int) -> LatticeSignal:
        """One image by itself, with the same points held out."""
        start = number * self.channels
        values = self.values[:, start : start + self.channels].contiguous()
        image = LatticeSignal(
            values.view(*self.lattice, -1), value_range=self.value_range, name=self.names[number]
        )
        image.kind, image.display = "image", self.display
        image.train_index, image.test_index = self.train_index, self.test_index
        image.step = self.pixel_formats[number].step
        return image

    def values_by_image(self, values: Tensor) -> Tensor:
        """``(n, F·c)`` values of all images as ``(F, n, c)``."""
        return values.unflatten(-1, (-1, self.channels)).movedim(-2, 0)


def find_images(path: str | os.PathLike[str]) -> list[Path]:
    """The images of a folder, or those that a pattern fits, in the order of their names.

    Hidden files are passed over, and with a warning what else is no image.

    Raises:
        OSError: The folder or file does not exist.
        ValueError: None of the files is an image.
    """
    if Path(path).is_dir():
        found = [child for child in Path(path).iterdir() if not child.name.startswith(".")]
    elif Path(path).exists():
        found = [Path(path)]
    else:
        found = [Path(name) for name in glob.glob(os.fspath(path))]  # noqa: PTH207
        if not found:
            raise FileNotFoundError(
                f"{path} is nowhere; expected a folder of images, or a pattern in quotes that fits "
                "some, such as 'photos/*.png'."
            )
    files = sorted(child for child in found if child.is_file())
    images = [file for file in files if _is_image(file)]
    if not images:
        raise ValueError(
            f"{path} holds no image among {len(files)} files; expected some, such as PNG. Check "
            "the path."
        )
    if len(images) < len(files):
        warnings.warn(
            f"{len(files) - len(images)} of {len(files)} files in {path} are no images, and are "
            "passed over.",
            stacklevel=3,
        )
    return images


def _is_image(path: Path) -> bool:
    try:
        find_format(find_file(path, "an image file"))
    except RejectedError:
        return False
    return True


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """A name for each file, fit for a folder: its stem, if need be with suffix, or a number too."""
    names = [path.stem for path in paths]
    for longer in (
        [path.name for path in paths],
        [f"{number}_{path.name}" for number, path in enumerate(paths)],
    ):
        counts = Counter(names)
        names = [
            more if counts[name] > 1 else name for name, more in zip(names, longer, strict=True)
        ]
    return names


def _find_watched(watched: int | Sequence[str], names: Sequence[str]) -> list[int]:
    if isinstance(watched, int):
        return list(range(len(names)))[: check_count("watched", watched, minimum=0)]
    for name in check_list("watched (or how many)", watched):
        if name not in names:
            raise ValueError(f"watched has {name!r}; expected some of {', '.join(names)}.")
    return [names.index(name) for name in watched]


class _Image(NamedTuple):
    """An image of the set.

    Attributes:
        path: Its file.
        pixels: ``(H, W, C)`` values.
        pixel_format: What values mean as pixels.
    """

    path: Path
    pixels: np.ndarray
    pixel_format: PixelFormat


def _check_alike(first: _Image, image: _Image) -> None:
    """Rejects an image of another size, or with other channels, than the first."""
    if image.pixels.shape[:2] != first.pixels.shape[:2]:
        found, expected = ("x".join(map(str, each.pixels.shape[:2])) for each in (image, first))
        height, width = first.pixels.shape[:2]
        raise ValueError(
            f"{image.path} is {found} pixels high and wide, and {first.path} {expected}; expected "
            f"images of one size. Use size=[{height},{width}]."
        )
    if image.pixels.shape[2] != first.pixels.shape[2]:
        raise ValueError(
            f"{image.path} has {image.pixels.shape[2]} channels, and {first.path} "
            f"{first.pixels.shape[2]}; expected as many in each. Leave it out, or convert it."
        )
