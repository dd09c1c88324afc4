"""Mean absolute error."""

from jaxtyping import Float
from torch import Tensor, nn

from inr.batch import Batch
from inr.loss._targets import compares


@compares("values")
def l1(field: nn.Module, batch: Batch) -> Float[Tensor, ""]:
    r"""Mean of absolute errors over points and outputs.

    .. math:: \frac{1}{nc} \sum_{i,o} |f_o(x_i) - y_{io}|

    Args:
        field: Field to evaluate.
        batch: Points with values.
    """
    return (batch.outputs_of(field) - batch.values).abs().mean()
