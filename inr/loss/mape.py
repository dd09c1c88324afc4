"""Absolute errors relative to the targets."""

from torch import Tensor, nn

from inr.argument import check_positive
from inr.batch import Batch


def mape(field: nn.Module, batch: Batch, *, epsilon: float = 0.01) -> Tensor:
    r"""Mean of absolute errors over the size of the true values.

    .. math:: \frac{1}{nc} \sum_{i,o} \frac{|f_o(x_i) - y_{io}|}{|y_{io}| + \epsilon}

    For signed distances: it asks for the same relative accuracy near the surface and far off.

    Args:
        field: The field.
        batch: The points.
        epsilon: ε, in the values' units.

    References:
        Müller et al. 2022, "Instant Neural Graphics Primitives", section 5.2.
    """
    check_positive("epsilon", epsilon)
    errors = (batch.outputs_of(field) - batch.values).abs()
    return (errors / (batch.values.abs() + epsilon)).mean()
