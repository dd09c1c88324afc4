"""Points at which a kernel is probed."""

from typing import NamedTuple

import torch
from torch import Tensor

from inr.lattice import lattice_points, sublattice
from inr.signal import Signal, SurfaceSignal

PLACEMENTS = ("lattice", "random", "surface")


class ProbePoints(NamedTuple):
    """Points and what is known there.

    Attributes:
        coords: ``(n, d)``, in float64.
        targets: ``(n, c)``.
        shape: Shape of the points' own lattice, in array order; None when they have none.
    """

    coords: Tensor
    targets: Tensor
    shape: tuple[int, ...] | None


def check_placement(placement: str, signal: Signal) -> None:
    """Rejects points where nothing is known.

    Args:
        placement: One of ``PLACEMENTS``.
        signal: What is to be learnt.

    Raises:
        ValueError: The signal has no targets there.
    """
    if placement == "surface" and not isinstance(signal, SurfaceSignal):
        raise ValueError("placement is surface, and the signal has none; expected lattice.")
    if placement != "surface" and signal.targets(torch.zeros(1).long()) is None:
        raise ValueError(
            f"placement is {placement}, and the signal is known on its surface only; "
            "expected surface."
        )


def place_probe(signal: Signal, placement: str, num_points: int, seed: int) -> ProbePoints:
    """At most so many points: a regular sub-lattice, random ones of it, or near the surface.

    Args:
        signal: What is to be learnt.
        placement: ``lattice``, ``random`` or ``surface``.
        num_points: The most there may be.
        seed: Seed of points that are drawn.
    """
    if placement == "surface":
        assert isinstance(signal, SurfaceSignal)
        near = signal.near_surface(num_points, seed)
        return ProbePoints(near.coords.double(), near.values, None)
    shape = None
    if placement == "lattice":
        index, shape = sublattice(signal.lattice, num_points)
    else:
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(signal.num_points, generator=generator)
        index = order[:num_points].sort().values
    targets = signal.targets(index.to(signal.device))
    assert targets is not None
    coords = lattice_points(signal.lattice, index, dtype=torch.float64)
    return ProbePoints(coords, targets, shape)
