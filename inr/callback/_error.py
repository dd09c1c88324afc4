"""The error of a field over the whole lattice."""

from collections.abc import Callable

from torch import Tensor

from inr.frequency import OctaveBands
from inr.training import FieldTraining


def error_bands(training: FieldTraining) -> OctaveBands:
    """The octaves of the signal's lattice, where they can be transformed."""
    device = training.signal.device
    # Other devices than these may have no Fourier transform.
    return OctaveBands(training.signal.lattice, device if device.type == "cuda" else "cpu")


def error_energies(training: FieldTraining, select: Callable[[Tensor], Tensor]) -> Tensor:
    """Energy of the error in each octave, the mean over outputs: ``(num_bands,)`` in float64.

    Args:
        training: Its field is rendered, once for all who record at a step.
        select: ``(N, c)`` errors to those that count.
    """
    bands = error_bands(training)
    values = training.signal.targets()
    assert values is not None
    error = select(training.render().flatten(0, -2) - values).to(bands.index.device)
    return bands.energies(error.view(*bands.shape, -1)).double()
