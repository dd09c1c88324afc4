"""Absolute errors relative to the targets."""

from jaxtyping import Float
from torch import Tensor, nn

from inr.argument import check_positive
from inr.batch import Batch
from inr.loss._targets import compares


@compares("values")
def mape(field: nn.Module, batch: Batch, *, epsilon: float = 0.01) -> Float[Tensor, ""]:
    r"""Mean of absolute errors as shares of the targets.

    .. math:: \frac{1}{nc} \sum_{i,o} \frac{|f_o(x_i) - y_{io}|}{|y_{io}| + \epsilon}

    For signed distances: it demands the same relative accuracy near the surface and far from it.

    Args:
        field: Field to evaluate.
        batch: Points with values.
        epsilon: ε, in the units of the values.

    References:
        Müller et al. 2022, "Instant Neural Graphics Primitives", section 5.2.
    """
    check_positive("epsilon", epsilon)
    errors = (batch.outputs_of(field) - batch.values).abs()
    return (errors / (batch.values.abs() + epsilon)).mean()
