"""An image file, its decoded pixels, and the errors that reject it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inr.source_file import RejectedError, SourceFile


class CutError(RejectedError):
    """A file whose end is missing: what is there can still be read with padding."""


@dataclass(frozen=True)
class Decoded:
    """Pixels straight from a decoder.

    Attributes:
        pixels: (H, W) or (H, W, C) array as stored.
        bits: Significant bits of integers; None takes the dtype's.
        notes: Warnings for the user.
        orientation: EXIF orientation, 1 to 8, still to be applied.
    """

    pixels: np.ndarray
    bits: int | None = None
    notes: tuple[str, ...] = ()
    orientation: int = 1


@dataclass(frozen=True)
class Source(SourceFile):
    """An image file of a known format, and the limits within which it is decoded.

    Attributes:
        kind: Name of the format, such as `PNG`.
        frame: Frame or page to read; None is the first.
        pad: Whether to fill in what a cut-off file lacks with zeros.
        max_pixels: Most pixels that may be decoded.
        fillable: Whether the decoder can fill in what a cut-off file lacks.
    """

    kind: str = "image"
    frame: int | None = None
    pad: bool = False
    max_pixels: int = 2**28
    fillable: bool = True

    def broken(self, detail: str = "") -> RejectedError:
        """The error for a file that is wrong from its start.

        Args:
            detail: Words on the header, with parentheses.
        """
        return self.reject(
            f"has a broken header{detail}", f"a {self.kind} file", "Re-save it from its original."
        )

    def cut(self, there: str) -> CutError:
        """The error for a file that ends too early.

        Args:
            there: Detail for the parentheses of the message, such as how much is there.
        """
        way = ", or fit what is there with truncated=pad" if self.fillable else ""
        return CutError(
            f"{self.name} is cut off or damaged ({there}); expected a whole {self.kind} file. "
            f"Re-save it{way}."
        )

    def check_size(self, width: int, height: int) -> None:
        """Reject an image without pixels, or with more than allowed, before it is decoded."""
        if width <= 0 or height <= 0:
            raise self.reject(
                f"has no pixels ({width} x {height})",
                "a width and a height of 1 or more",
                "Re-save it from its original.",
            )
        self.check_count(width * height, f" ({width:,} x {height:,})")

    def check_count(self, pixels: int, shape: str = "") -> None:
        """Reject more pixels than allowed."""
        if pixels > self.max_pixels:
            raise self.reject(
                f"claims {pixels:,} pixels{shape}",
                f"at most {self.max_pixels:,}",
                f"If it is meant to be so large, use max_pixels={pixels}.",
            )

    def pick(self, count: int, unit: str = "frames") -> tuple[int, tuple[str, ...]]:
        """Choose the frame to read.

        Args:
            count: Number of frames in the file.
            unit: Name of a frame in this format, in the plural.

        Returns:
            The index, and a warning where the choice was left open and there are several.
        """
        if self.frame is None:
            note = f"first of {count:,} {unit} is read; frame=K chooses another"
            return 0, (note,) if count > 1 else ()
        if not 0 <= self.frame < count:
            raise self.reject(
                f"has no frame {self.frame}: it holds {count:,} {unit}",
                f"a frame from 0 to {count - 1}",
                f"Use frame={min(max(self.frame, 0), count - 1)}.",
            )
        return self.frame, ()
