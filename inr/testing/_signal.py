"""Promises of signals."""

import copy
import math
from collections.abc import Callable

import torch
from torch import Tensor

from inr.batch import Batch
from inr.signal import FiniteSignal, LatticeSignal, Signal
from inr.testing._require import require


def signal_checks(kind: type[Signal] = Signal) -> tuple[Callable[..., None], ...]:
    """Checks of what every signal of a class promises.

    Each takes a signal of that class, on the CPU.

    Args:
        kind: Class of the signals. Signals with numbered points, and those on lattices, promise
            more than others.
    """
    of_all = (
        has_an_axis_for_each_coordinate,
        gives_the_same_targets_by_position,
        keeps_data_out_of_the_state_dict,
        moves_to_another_dtype,
    )
    of_points = (
        gives_points_of_its_sizes,
        gives_points_of_the_unit_cube,
        gives_the_same_points_by_position,
        moves_its_points_to_another_dtype,
    )
    of_lattices = (
        has_values_on_its_lattice,
        has_values_in_its_range,
        trains_on_cell_centres,
        trains_on_the_values_of_its_cells,
        numbers_its_points_by_cell,
        keeps_training_and_test_points_apart,
    )
    return (
        *(of_points if issubclass(kind, FiniteSignal) else ()),
        *(of_lattices if issubclass(kind, LatticeSignal) else ()),
        *of_all,
    )


def check_signal(signal: Signal) -> None:
    """Runs :func:`signal_checks` on a signal.

    Args:
        signal: Signal on the CPU.

    Raises:
        AssertionError: The signal breaks a promise.
    """
    for check in signal_checks(type(signal)):
        check(signal)


def gives_points_of_its_sizes(signal: FiniteSignal) -> None:
    """Coordinates and values have the stated numbers of rows and columns."""
    every = signal.train_points(None)
    shapes = tuple(every.coords.shape), tuple(every.values.shape)
    expected = (signal.num_train, signal.in_features), (signal.num_train, signal.out_features)
    require(
        shapes == expected,
        signal,
        f"gives all coordinates and values in shapes {shapes}; expected {expected}",
    )


def gives_points_of_the_unit_cube(signal: FiniteSignal) -> None:
    """Coordinates are between 0 and 1."""
    coords = signal.train_points(None).coords
    require(
        bool(((coords >= 0) & (coords <= 1)).all()),
        signal,
        "has coordinates outside of the unit cube",
    )


def gives_the_same_points_by_position(signal: FiniteSignal) -> None:
    """Points, values and numbers by position are those of all points at once."""
    every = signal.train_points(None)
    for positions in (torch.arange(signal.num_train), torch.arange(signal.num_train).flip(0)[:5]):
        some = signal.train_points(positions)
        require(
            torch.equal(some.coords, every.coords[positions])
            and torch.equal(some.values, every.values[positions]),
            signal,
            "gives other training points by position than as a whole",
        )
        if every.index is not None:
            require(
                some.index is not None and torch.equal(some.index, every.index[positions]),
                signal,
                "gives other positions by position than as a whole",
            )


def moves_its_points_to_another_dtype(signal: FiniteSignal) -> None:
    """A signal that is moved to float64 gives points in it."""
    moved = copy.deepcopy(signal).to(torch.float64).train_points(None)
    require(
        moved.coords.dtype == moved.values.dtype == torch.float64,
        signal,
        "does not follow .to(torch.float64)",
    )


def has_values_on_its_lattice(signal: LatticeSignal) -> None:
    """There is a value for each cell."""
    sizes = len(signal.lattice), (math.prod(signal.lattice), signal.out_features)
    require(
        sizes == (signal.in_features, tuple(signal.values.shape)),
        signal,
        f"has values of shape {tuple(signal.values.shape)} on a lattice of {signal.lattice}",
    )


def has_values_in_its_range(signal: LatticeSignal) -> None:
    """No value is outside of ``value_range``."""
    low, high = signal.value_range
    require(
        bool(((signal.values >= low) & (signal.values <= high)).all()),
        signal,
        f"has values outside of its range from {low} to {high}",
    )


def trains_on_cell_centres(signal: LatticeSignal) -> None:
    """Coordinates are ``(i + 0.5) / n``."""
    coords = signal.train_points(None).coords
    sizes = torch.tensor(signal.lattice[::-1])
    centres = (_cells(signal, coords) + 0.5) / sizes
    require(
        torch.allclose(coords, centres.to(coords), rtol=0, atol=1e-6),
        signal,
        "has training points that are not cell centres (i + 0.5) / n",
    )


def trains_on_the_values_of_its_cells(signal: LatticeSignal) -> None:
    """A point has the value of its cell, with x along the last axis of the lattice."""
    batch = signal.train_points(None)
    require(
        torch.equal(batch.values, signal.values[_flat_positions(signal, batch)]),
        signal,
        "has its values at other cells; expected C order with x along the last lattice axis",
    )


def numbers_its_points_by_cell(signal: LatticeSignal) -> None:
    """Numbers, where points have them, are flat positions in C order."""
    batch = signal.train_points(None)
    flat = _flat_positions(signal, batch)
    if batch.index is not None:
        require(
            batch.index.dtype == torch.int64,
            signal,
            f"gives positions of dtype {batch.index.dtype}; expected torch.int64",
        )
        require(
            torch.equal(batch.index, flat), signal, "gives other positions than its points have"
        )
    if signal.train_index is not None:
        require(torch.equal(flat, signal.train_index), signal, "trains on points held out")


def keeps_training_and_test_points_apart(signal: LatticeSignal) -> None:
    """No point is trained on twice, or both trained and tested on."""
    indices = [index for index in (signal.train_index, signal.test_index) if index is not None]
    joint = torch.cat([torch.empty(0, dtype=torch.int64), *indices])
    require(
        len(joint.unique()) == len(joint), signal, "trains on points twice or on what it tests on"
    )


def has_an_axis_for_each_coordinate(signal: Signal) -> None:
    """The lattice has the dimension of the signal."""
    require(
        len(signal.lattice) == signal.in_features,
        signal,
        f"has a lattice of {signal.lattice}; expected {signal.in_features} axes",
    )


def gives_the_same_targets_by_position(signal: Signal) -> None:
    """Targets, where they are known, have the stated sizes and are the same in parts."""
    targets, some = signal.targets(), torch.arange(signal.num_points).flip(0)[:5]
    if targets is None:
        return
    sizes, part = (signal.num_points, signal.out_features), signal.targets(some)
    require(
        tuple(targets.shape) == sizes and part is not None and torch.equal(targets[some], part),
        signal,
        f"has targets of shape {tuple(targets.shape)}; expected {sizes}, and the same in parts",
    )


def keeps_data_out_of_the_state_dict(signal: Signal) -> None:
    """Checkpoints do not contain the data."""
    require(not signal.state_dict(), signal, "keeps data in its state dict; expected none")


def moves_to_another_dtype(signal: Signal) -> None:
    """A signal that is moved to float64 says so."""
    moved = copy.deepcopy(signal).to(torch.float64)
    require(moved.dtype == torch.float64, signal, "does not follow .to(torch.float64)")


def _cells(signal: LatticeSignal, coords: Tensor) -> Tensor:
    """Cells of points, ``(n, d)``, in coordinate order."""
    return (coords * torch.tensor(signal.lattice[::-1])).floor().long()


def _flat_positions(signal: LatticeSignal, batch: Batch) -> Tensor:
    """Positions of the points in the lattice, ``(n,)``, in C order."""
    cells = _cells(signal, batch.coords)
    flat = torch.zeros(len(cells), dtype=torch.int64)
    for n, cell in zip(signal.lattice, cells.flip(-1).unbind(-1), strict=True):
        flat = flat * n + cell
    return flat
