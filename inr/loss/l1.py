"""Mean absolute error."""

from torch import Tensor, nn

from inr.batch import Batch


def l1(field: nn.Module, batch: Batch) -> Tensor:
    r"""Mean of absolute errors over points and outputs.

    .. math:: \frac{1}{nc} \sum_{i,o} |f_o(x_i) - y_{io}|
    """
    return (batch.outputs_of(field) - batch.values).abs().mean()
