"""Functions by the name of their formula, with checked parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from inr.argument import check_count, check_list, check_numbers, check_positive

from .synthesis import draw_power_law, draw_sines, draw_steps, make_chirp

FORMULAS = ("power_law", "sines", "chirp", "steps")
DEFAULT_SIZE = (1024,)


def make_function(
    formula: str,
    *,
    size: Sequence[int] | None,
    exponent: float,
    max_frequency: float | None,
    frequencies: Sequence[Any] | None,
    amplitudes: Sequence[float] | None,
    pieces: int,
    max_points: int,
    seed: int,
) -> Tensor:
    """A function on a lattice, in float64; :class:`FunctionSignal` has the arguments.

    Raises:
        TypeError: An argument has another type.
        ValueError: An argument is out of range.
    """
    lattice = _check_size(size, max_points)
    generator = torch.Generator().manual_seed(check_count("seed", seed, minimum=0))
    if formula == "power_law":
        if max_frequency is not None:
            check_positive("max_frequency", max_frequency)
        return draw_power_law(lattice, _check_exponent(exponent), max_frequency, generator)
    if formula == "sines":
        return draw_sines(lattice, *_check_waves(frequencies, amplitudes, len(lattice)), generator)
    if formula == "chirp":
        return make_chirp(lattice, *_check_ends(frequencies, lattice))
    return draw_steps(lattice, check_count("pieces", pieces), generator)


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
