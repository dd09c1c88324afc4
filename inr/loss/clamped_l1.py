"""Absolute errors of distances, near the surface only."""

from torch import Tensor, nn

from inr.argument import check_positive
from inr.batch import Batch


def clamped_l1(field: nn.Module, batch: Batch, *, delta: float = 0.1) -> Tensor:
    r"""Mean of absolute errors between values that are clipped to ±δ.

    .. math::
        \frac{1}{nc} \sum_{i,o} |c(f_o(x_i)) - c(y_{io})|, \quad
        c(z) = \min(\delta, \max(-\delta, z))

    For signed distances: how far away a surface is matters near it.

    Args:
        field: The field.
        batch: The points.
        delta: δ, in the values' units: of a shape, edges of the unit cube.

    References:
        Park et al. 2019, "DeepSDF", eq. 4.
    """
    check_positive("delta", delta)
    prediction = batch.outputs_of(field).clamp(-delta, delta)
    return (prediction - batch.values.clamp(-delta, delta)).abs().mean()
