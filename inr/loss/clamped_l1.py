"""Absolute errors of distances near a surface."""

from jaxtyping import Float
from torch import Tensor, nn

from inr.argument import check_positive
from inr.batch import Batch
from inr.loss._targets import compares


@compares("values")
def clamped_l1(field: nn.Module, batch: Batch, *, delta: float = 0.1) -> Float[Tensor, ""]:
    r"""Mean of absolute errors of values that are clipped to ±δ.

    .. math::
        \frac{1}{nc} \sum_{i,o} |c(f_o(x_i)) - c(y_{io})|, \quad
        c(z) = \min(\delta, \max(-\delta, z))

    For signed distances, of which only those near the surface matter.

    Args:
        field: Field to evaluate.
        batch: Points with distances.
        delta: δ, in the units of the values. Distances to a shape are in edges of the unit cube.

    References:
        Park et al. 2019, "DeepSDF", eq. 4.
    """
    check_positive("delta", delta)
    prediction = batch.outputs_of(field).clamp(-delta, delta)
    return (prediction - batch.values.clamp(-delta, delta)).abs().mean()
