"""Promises of samplers."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from inr.sampler import Sampler
from inr.signal import FiniteSignal, LatticeSignal, Signal
from inr.testing._require import require, require_rejection

MakeSampler = Callable[..., Sampler]

BATCH_SIZE = 7


def sampler_checks(kind: type[Signal] = FiniteSignal) -> tuple[Callable[..., None], ...]:
    """Checks of what every sampler promises.

    Each takes a function that makes a sampler, with the options ``batch_size`` and ``seed``, and a
    small signal, of some 20 points or more.

    Args:
        kind: Class of the signals that are drawn from. Samplers of numbered points promise more
            than others.
    """
    of_all = (
        draws_batches_of_its_size,
        draws_points_of_the_unit_cube,
        draws_by_its_seed_and_the_number,
        ignores_the_draws_before,
        draws_differently_by_seed_and_number,
        leaves_the_global_seed_alone,
        rejects_empty_batches,
        rejects_negative_seeds,
    )
    of_points = (draws_training_points, draws_all_training_points, ignores_signals_seen_before)
    return (*of_all, *of_points) if issubclass(kind, FiniteSignal) else of_all


def draws_batches_of_its_size(make: MakeSampler, signal: Signal) -> None:
    """A batch has ``batch_size`` points."""
    for number in range(9):
        count = len(_draw(make, signal, number).coords)
        require(
            count == BATCH_SIZE, make, f"draws {count} points; expected batch_size={BATCH_SIZE}"
        )


def draws_points_of_the_unit_cube(make: MakeSampler, signal: Signal) -> None:
    """Coordinates are between 0 and 1, in as many columns as the signal has."""
    coords = _draw(make, signal, 0).coords
    require(
        coords.shape[1] == signal.in_features and bool(((coords >= 0) & (coords <= 1)).all()),
        make,
        f"draws points outside of the unit cube in {signal.in_features} dimensions",
    )


def draws_by_its_seed_and_the_number(make: MakeSampler, signal: Signal) -> None:
    """A new sampler of the same seed draws the same, whatever the global seed."""
    expected = [_draw(make, signal, number, seed=3) for number in range(9)]
    for number in (8, 2, 5, 2, 0, 7):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(number)
            drawn = _draw(make, signal, number, seed=3)
        require(
            _are_equal(drawn, expected[number]),
            make,
            "draws otherwise with the same seed and number; expected a function of these two",
        )


def ignores_the_draws_before(make: MakeSampler, signal: Signal) -> None:
    """A draw is the same after others in any order."""
    sampler = make(batch_size=BATCH_SIZE, seed=3)
    for number in (8, 2, 5, 2, 0, 7):
        require(
            _are_equal(sampler.draw(signal, number), _draw(make, signal, number, seed=3)),
            make,
            "draws otherwise after other draws; expected a function of the seed and the number",
        )


def draws_differently_by_seed_and_number(make: MakeSampler, signal: Signal) -> None:
    """Different seeds and numbers give different draws."""
    draws = {
        tuple(_draw(make, signal, number, seed=seed).coords.flatten().tolist())
        for seed in range(4)
        for number in range(4)
    }
    require(
        len(draws) == 16,
        make,
        f"draws {len(draws)} batches for 16 pairs of seed and number; expected 16",
    )


def leaves_the_global_seed_alone(make: MakeSampler, signal: Signal) -> None:
    """A draw takes no numbers from PyTorch's global generator."""
    before = torch.random.get_rng_state()
    _draw(make, signal, 0)
    require(
        torch.equal(torch.random.get_rng_state(), before),
        make,
        "draws from the global generator; expected one of its own",
    )


def rejects_empty_batches(make: MakeSampler, signal: Signal) -> None:
    """Batches of no points, or fewer, raise ``ValueError``."""
    for batch_size in (0, -1):
        require_rejection(make, partial(make, batch_size=batch_size), "batch_size", batch_size)


def rejects_negative_seeds(make: MakeSampler, signal: Signal) -> None:
    """A negative seed raises ``ValueError``."""
    require_rejection(make, partial(make, batch_size=BATCH_SIZE, seed=-1), "seed", -1)


def draws_training_points(make: MakeSampler, signal: FiniteSignal) -> None:
    """Points have the coordinates, the values and the numbers that they have in the signal."""
    every = signal.train_points(None)
    known = {point: position for position, point in enumerate(_points(every))}
    for number in range(9):
        batch = _draw(make, signal, number)
        positions = [known.get(point) for point in _points(batch)]
        require(None not in positions, make, "draws other points than the signal trains on")
        if every.index is not None:
            require(
                batch.index is not None and torch.equal(batch.index, every.index[positions]),
                make,
                "draws points with numbers of others",
            )


def draws_all_training_points(make: MakeSampler, signal: FiniteSignal) -> None:
    """After many draws, every training point has been drawn."""
    sampler = make(batch_size=BATCH_SIZE, seed=0)
    draws = [sampler.draw(signal, n).coords for n in range(1 + 16 * signal.num_train // BATCH_SIZE)]
    count, expected = (
        len(coords.unique(dim=0)) for coords in (torch.cat(draws), signal.train_points(None).coords)
    )
    require(
        count == expected,
        make,
        f"draws {count} of {expected} training points in {len(draws)} batches; expected all",
    )


def ignores_signals_seen_before(make: MakeSampler, signal: FiniteSignal) -> None:
    """A draw is the same after draws from a smaller and from a larger signal."""
    expected = _draw(make, signal, 0)
    for others in (3, 2 * signal.num_train):
        sampler = make(batch_size=BATCH_SIZE, seed=0)
        other = LatticeSignal(torch.zeros(others, 1), value_range=(0.0, 1.0), name="other")
        sampler.draw(other, 0)
        require(
            _are_equal(sampler.draw(signal, 0), expected),
            make,
            "draws otherwise after draws from another signal; expected the same",
        )


def _draw(make: MakeSampler, signal: Signal, number: int, seed: int = 0) -> Any:
    return make(batch_size=BATCH_SIZE, seed=seed).draw(signal, number)


def _are_equal(batch: Any, other: Any) -> bool:
    pairs = zip(batch, other, strict=True)
    return all(a is b is None or torch.equal(a, b) for a, b in pairs)


def _points(batch: Any) -> list[tuple[float, ...]]:
    """Coordinates and values of each point."""
    return [tuple(row) for row in torch.cat([batch.coords, batch.values], dim=1).tolist()]
