"""The surface of a fitted field, as a mesh."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from rich.progress import Progress
from torch import Tensor, nn

from inr.field.rendering import placement
from inr.mesh import Mesh, extract_surface
from inr.progress import make_bar

Inside = Literal["above", "below"]


class SurfaceLevel(NamedTuple):
    """A level set of a field's outputs.

    Attributes:
        value: The outputs' value on the surface.
        inside: The side of it that is inside.
    """

    value: float
    inside: Inside


def extract_field(
    field: nn.Module,
    shape: tuple[int, int, int],
    level: float,
    inside: Inside,
    *,
    progress: bool = False,
) -> Mesh:
    """The surface where a field has a value, in the unit cube.

    Args:
        field: ``(n, 3) -> (n, 1)``; its device and dtype are used.
        shape: Cells per axis ``(D, H, W)`` from which it is made.
        level: The value.
        inside: Which side of it is inside.
        progress: Whether to show a bar on stderr.

    Raises:
        ValueError: The field has that value nowhere.
    """
    evaluate = _as_function(field)
    with make_bar(shown=progress) as bar:
        return extract_surface(
            _counted(evaluate, bar, int(np.prod(shape))),
            shape,
            level,
            inside=inside,
            refine=evaluate,
        )


def extract_lattice(values: Tensor, level: float, inside: Inside, field: nn.Module) -> Mesh:
    """The surface where a field whose values on a lattice are known has one of them.

    Args:
        values: ``(D, H, W, 1)``.
        level: The value.
        inside: Which side of it is inside.
        field: ``(n, 3) -> (n, 1)``, which tells where between the lattice's points it is.

    Raises:
        ValueError: The values do not reach the level.
    """
    lattice = values[..., 0].float().cpu().numpy()
    sizes = np.array(lattice.shape[::-1])

    def look_up(coords: np.ndarray) -> np.ndarray:
        x, y, z = (coords * sizes).astype(np.int64).T
        return lattice[z, y, x]

    return extract_surface(look_up, lattice.shape, level, inside=inside, refine=_as_function(field))


def _as_function(field: nn.Module) -> Callable[[np.ndarray], np.ndarray]:
    """A field as a function of arrays, on its own device and in its own dtype."""
    device, dtype = placement(field)

    @torch.no_grad()
    def evaluate(coords: np.ndarray) -> np.ndarray:
        values: Tensor = field(torch.from_numpy(coords).to(device, dtype))
        return values.float().cpu().numpy()

    return evaluate


def _counted(
    evaluate: Callable[[np.ndarray], np.ndarray], bar: Progress, total: int
) -> Callable[[np.ndarray], Any]:
    """An evaluation that moves a bar."""
    task = bar.add_task("surface", total=total)

    def count(coords: np.ndarray) -> np.ndarray:
        values = evaluate(coords)
        bar.advance(task, len(coords))
        return values

    return count
