"""The signal of a function: one of a formula, or a column of a table."""

import os
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import torch

from inr.argument import check_choice, check_count, check_range
from inr.raster import PixelFormat, find_range
from inr.signal._lattice_signal import LatticeSignal
from inr.signal.function.axis import Axis, read_axis
from inr.signal.function.display import FunctionDisplay
from inr.signal.function.formula import FORMULAS, make_function
from inr.signal.function.read import Column, is_table, read_column


class FunctionSignal(LatticeSignal):
    r"""A function of one or two coordinates with one value.

    It is made from a seed, or a column of a table; its least and greatest value become the ends of
    ``value_range``.

    Args:
        kind: ``power_law``: random phases, and a power that falls with the frequency as
            :math:`|f|^{-\alpha}`; ``sines``: waves of chosen frequencies and amplitudes with random
            phases; ``chirp``: a wave whose frequency grows along a line, or from the centre of a
            plane; ``steps``: constant on random pieces; ``file``: the column of a table.
        size: ``[N]`` points of a line, or ``[H, W]`` of a plane; 1024 points when None. A table
            has its own.
        exponent: Exponent α of a power law.
        max_frequency: Highest frequency of a power law, in cycles per unit; what the points can
            tell when None.
        frequencies: Frequencies in cycles per unit: of sines, each a number on a line and
            ``[fx, fy]`` on a plane, when None 1, 4 and 16 along x; of a chirp its first and last,
            when None 1 and an eighth of the points along x. Whole ones make sines periodic.
        amplitudes: Amplitudes of sines; 1 each when None.
        pieces: Number of pieces of steps.
        path: File of the table: CSV, which may be compressed, NPY or NPZ.
        column: Name of the table's column, or its number from 0; may be None where there is only
            one.
        x: Name or number of the column with the positions of the rows. It has to increase in even
            steps, up to rounding, and results are written with its numbers. When None, rows count
            as evenly spaced, and results have positions on [0, 1].
        holdout: ``none``, ``alternate`` (train on even points, test on odd ones) or a fraction of
            the points, drawn at random: what training never sees.
        value_range: Values of the least and the greatest number.
        nonfinite: ``reject``, or ``zero`` to replace NaN, infinity and missing numbers of a table.
        max_points: Most points; larger functions are rejected. Float32 tells no more than 16
            million points of an axis apart.
        seed: Seed of phases and pieces, and of the fraction held out at random.

    Attributes:
        value_format: The numbers that normalised values stand for.
        column: Name of the table's column; None for a formula.
        x: The unit interval in the numbers of the column ``x``; None without one.

    Raises:
        OSError: The table cannot be read.
        ValueError: The file is no table, or an argument is out of range.
    """

    kind = "function"
    display = FunctionDisplay()
    suffixes = (".csv", ".npz", ".txt")
    file_options = MappingProxyType({"kind": "file"})

    @classmethod
    def recognizes(cls, path: Path) -> bool:
        return is_table(path)

    @classmethod
    def write_array(cls, array: np.ndarray, folder: Path, rate: int | None = None) -> Path:
        """Writes ``(n,)`` numbers, or ``(n, c)`` of which a column is chosen."""
        path = folder / "array.npy"
        np.save(path, array)
        return path

    def __init__(
        self,
        *,
        kind: Literal["power_law", "sines", "chirp", "steps", "file"] = "power_law",
        size: Sequence[int] | None = None,
        exponent: float = 1.0,
        max_frequency: float | None = None,
        frequencies: Sequence[Any] | None = None,
        amplitudes: Sequence[float] | None = None,
        pieces: int = 16,
        path: str | os.PathLike[str] | None = None,
        column: int | str | None = None,
        x: int | str | None = None,
        holdout: str | float = "none",
        value_range: Sequence[float] = (-1.0, 1.0),
        nonfinite: Literal["reject", "zero"] = "reject",
        max_points: int = 16_000_000,
        seed: int = 0,
    ) -> None:
        check_choice("kind", kind, (*FORMULAS, "file"))
        check_count("max_points", max_points)
        value_limits = check_range("value_range", value_range)
        found: Column | None = None
        axis: Axis | None = None
        if kind == "file":
            found, axis = _read_file(path, column, x, size, nonfinite, max_points)
            name, numbers = Path(str(path)).stem, found.numbers
        else:
            for option, given in (("path", path), ("x", x)):
                if given is not None:
                    raise ValueError(f"{option} is {given} and kind {kind}; expected kind=file.")
            name = kind
            numbers = make_function(
                kind,
                size=size,
                exponent=exponent,
                max_frequency=max_frequency,
                frequencies=frequencies,
                amplitudes=amplitudes,
                pieces=pieces,
                max_points=max_points,
                seed=seed,
            ).numpy()
        low, high = find_range(numbers, None)
        value_format = PixelFormat("float64", None, low, high, value_limits)
        super().__init__(
            torch.from_numpy(value_format.normalize(numbers))[..., None],
            value_range=value_format.value_range,
            name=name,
            holdout=holdout,
            seed=seed,
        )
        self.value_format = value_format
        self.column = None if found is None else found.name
        self.x = axis


def _read_file(
    path: str | os.PathLike[str] | None,
    column: int | str | None,
    x: int | str | None,
    size: Sequence[int] | None,
    nonfinite: Literal["reject", "zero"],
    max_points: int,
) -> tuple[Column, Axis | None]:
    """A column, and the positions of its rows if another column has them."""
    if path is None:
        raise ValueError(
            "kind is file and path is missing; expected that of a CSV, NPY or NPZ file."
        )
    if size is not None:
        raise ValueError(f"size is {list(size)}; expected none: a table has its own.")
    found = read_column(path, column=column, nonfinite=nonfinite, max_points=max_points)
    if x is None:
        return found, None
    axis = read_axis(path, column=x, rows=len(found.numbers), max_points=max_points)
    if axis.name == found.name:
        raise ValueError(f"x and column are both {axis.name}; expected two columns of the table.")
    return found, axis
