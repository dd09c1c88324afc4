"""Mean squared error."""

from torch import Tensor, nn

from inr.batch import Batch


def mse(field: nn.Module, batch: Batch) -> Tensor:
    r"""Mean of squared errors over points and outputs.

    .. math:: \frac{1}{nc} \sum_{i,o} (f_o(x_i) - y_{io})^2
    """
    return (batch.outputs_of(field) - batch.values).square().mean()
