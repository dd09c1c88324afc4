"""Functions of known content, and columns of tables."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from inr.argument import (
    check_choice,
    check_count,
    check_list,
    check_numbers,
    check_positive,
    check_range,
)
from inr.raster import PixelFormat, find_range
from inr.signal._lattice_signal import LatticeSignal
from inr.signal.function.axis import Axis, read_axis
from inr.signal.function.display import FunctionDisplay
from inr.signal.function.read import Column, is_table, read_column
from inr.signal.function.synthesis import draw_power_law, draw_sines, draw_steps, make_chirp

KINDS = ("power_law", "sines", "chirp", "steps", "file")
DEFAULT_SIZE = (1024,)


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
        exponent: α of a power law.
        max_frequency: Of a power law, in cycles per unit; what the points can tell when None.
        frequencies: In cycles per unit. Of sines, each a number on a line and ``[fx, fy]`` on a
            plane, when None 1, 4 and 16 along x; of a chirp its first and last, when None 1 and an
            eighth of the points along x. Whole ones make sines periodic.
        amplitudes: Of sines; all alike when None.
        pieces: Of steps.
        path: The table: CSV, NPY or NPZ.
        column: Of the table, by name or by number from 0; may be None where there is only one.
        x: The column that says where the rows are, likewise. It has to increase in even steps, up
            to rounding, and what is written has its numbers. When None rows count as evenly spaced,
            and what is written has their position on [0, 1].
        holdout: ``none``, ``alternate`` (train on even points, test on odd ones) or a fraction of
            the points, drawn at random: what training never sees.
        value_range: What the field sees for the least and the greatest value.
        nonfinite: Of a table: ``reject``, or ``zero`` to replace NaN, infinity and what is missing.
        max_points: Larger functions are rejected. Float32 tells no more than 16 million points of
            an axis apart.
        seed: Of phases and pieces, and of the random fraction held out.

    Attributes:
        value_format: What normalised values mean as numbers.
        column: The name of the table's column; None of a formula.
        x: What the unit interval is in the numbers of the column ``x``; None without one.

    Raises:
        OSError: The table cannot be read.
        ValueError: It is no table, or an argument is out of range.
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
        check_choice("kind", kind, KINDS)
        check_count("max_points", max_points)
        value_limits = check_range("value_range", value_range)
        found, axis = None, None
        if kind == "file":
            found, axis = _read(path, column, x, size, nonfinite, max_points)
            numbers, name = torch.from_numpy(found.numbers), Path(str(path)).stem
        else:
            for option, given in (("path", path), ("x", x)):
                if given is not None:
                    raise ValueError(f"{option} is {given} and kind {kind}; expected kind=file.")
            lattice = _check_size(size, max_points)
            generator = torch.Generator().manual_seed(check_count("seed", seed, minimum=0))
            name = kind
            if kind == "power_law":
                limit = max_frequency
                if limit is not None:
                    check_positive("max_frequency", limit)
                numbers = draw_power_law(lattice, _check_exponent(exponent), limit, generator)
            elif kind == "sines":
                waves = _check_waves(frequencies, amplitudes, len(lattice))
                numbers = draw_sines(lattice, *waves, generator)
            elif kind == "chirp":
                numbers = make_chirp(lattice, *_check_ends(frequencies, lattice))
            else:
                numbers = draw_steps(lattice, check_count("pieces", pieces), generator)
        low, high = find_range(numbers.numpy(), None)
        value_format = PixelFormat("float64", None, low, high, value_limits)
        super().__init__(
            torch.from_numpy(value_format.normalize(numbers.numpy()))[..., None],
            value_range=value_format.value_range,
            name=name,
            holdout=holdout,
            seed=seed,
        )
        self.value_format = value_format
        self.column = None if found is None else found.name
        self.x = axis


def _read(
    path: str | os.PathLike[str] | None,
    column: int | str | None,
    x: int | str | None,
    size: Sequence[int] | None,
    nonfinite: Literal["reject", "zero"],
    max_points: int,
) -> tuple[Column, Axis | None]:
    """A column, and where its rows are if another says so."""
    if path is None:
        raise ValueError("path is null; expected that of a CSV, NPY or NPZ file: path=FILE.")
    if size is not None:
        raise ValueError(f"size is {list(size)}; expected null: a table has its own.")
    found = read_column(path, column=column, nonfinite=nonfinite, max_points=max_points)
    if x is None:
        return found, None
    axis = read_axis(path, column=x, rows=len(found.numbers), max_points=max_points)
    if axis.name == found.name:
        raise ValueError(f"x and column are both {axis.name}; expected two columns of the table.")
    return found, axis


def _check_size(size: Sequence[int] | None, max_points: int) -> tuple[int, ...]:
    if size is None:
        return DEFAULT_SIZE
    axes = check_list("size", size)
    if len(axes) not in (1, 2):
        raise ValueError(f"size is {axes}; expected [N] or [H, W].")
    lattice = tuple(check_count("size", n) for n in axes)
    if math.prod(lattice) > max_points:
        raise ValueError(f"size is {axes}; expected at most max_points={max_points}.")
    return lattice


def _check_exponent(exponent: float) -> float:
    if isinstance(exponent, bool) or not isinstance(exponent, int | float):
        raise TypeError(f"exponent is {exponent!r}; expected a number.")
    if not math.isfinite(exponent):
        raise ValueError(f"exponent is {exponent}; expected a finite number.")
    return float(exponent)


def _check_waves(
    frequencies: Sequence[Any] | None, amplitudes: Sequence[float] | None, dimension: int
) -> tuple[Tensor, Tensor]:
    """Frequencies ``(m, d)`` and amplitudes ``(m,)`` of sines."""
    if frequencies is None:
        waves = [[f] + [0.0] * (dimension - 1) for f in (1.0, 4.0, 16.0)]
    elif dimension == 1:
        listed = check_list("frequencies", frequencies)
        waves = [check_numbers("one of frequencies", [f], "a number") for f in listed]
    else:
        listed = check_list("frequencies", frequencies)
        waves = [check_numbers("one of frequencies", f, "[fx, fy] on a plane") for f in listed]
    sizes = [1.0] * len(waves) if amplitudes is None else check_list("amplitudes", amplitudes)
    sizes = [check_numbers("one of amplitudes", [a], "a number")[0] for a in sizes]
    if not waves or len(sizes) != len(waves):
        raise ValueError(
            f"there are {len(waves)} frequencies and {len(sizes)} amplitudes; expected as many "
            "of these as of those."
        )
    return torch.tensor(waves, dtype=torch.float64), torch.tensor(sizes, dtype=torch.float64)


def _check_ends(
    frequencies: Sequence[float] | None, lattice: tuple[int, ...]
) -> tuple[float, float]:
    """First and last frequency of a chirp."""
    if frequencies is None:
        return 1.0, lattice[-1] / 8
    first, last = check_numbers("frequencies", frequencies, "[first, last] of a chirp")
    return float(first), float(last)
