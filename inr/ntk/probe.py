"""One look at a field's tangent kernel."""

import copy
from typing import NamedTuple

import torch
from torch import Tensor, nn

from inr.lattice import lattice_points, sublattice_index
from inr.ntk.empirical import empirical_ntk
from inr.ntk.spectrum import condition_number, effective_rank, eigenvalues


class Probe(NamedTuple):
    """A kernel's spectrum on some points, on the CPU.

    Attributes:
        eigenvalues: ``(n,)``, descending, in float64.
        coords: ``(n, d)`` points.
        scalars: ``lambda_max``, ``trace``, ``condition_number`` and ``effective_rank``.
    """

    eigenvalues: Tensor
    coords: Tensor
    scalars: dict[str, float]


def probe_lattice(field: nn.Module, lattice: tuple[int, ...], num_points: int) -> Probe:
    """Spectrum of the exact kernel, the mean over outputs, on a regular sub-lattice.

    The field is left as it is: a copy of it is evaluated in float64, since the small eigenvalues
    drown in float32's rounding.

    Args:
        field: ``(n, d) -> (n, c)``.
        lattice: Cells per axis, in array order.
        num_points: Points, at most.
    """
    device = next(field.parameters()).device
    if device.type == "mps":  # It has no float64.
        device = torch.device("cpu")
    double = copy.deepcopy(field).to(device).double()
    index = sublattice_index(lattice, num_points).to(device)
    coords = lattice_points(lattice, index, dtype=torch.float64)
    values = eigenvalues(empirical_ntk(double, coords, outputs="mean")).cpu()
    scalars = {
        "lambda_max": values[0].item(),
        "trace": values.sum().item(),
        "condition_number": condition_number(values),
        "effective_rank": effective_rank(values),
    }
    return Probe(values, coords.cpu(), scalars)
