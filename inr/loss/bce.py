"""Cross-entropy of labels."""

from torch import Tensor, nn
from torch.nn import functional

from inr.batch import Batch
from inr.loss._suits import LABELS, suits


@suits(LABELS)
def bce(field: nn.Module, batch: Batch) -> Tensor:
    r"""Mean cross-entropy of labels, of which the field gives the log odds.

    .. math::
        -\frac{1}{nc} \sum_{i,o} y_{io} \log s(f_o(x_i)) + (1 - y_{io}) \log (1 - s(f_o(x_i))),
        \quad s(z) = 1 / (1 + e^{-z})

    Its gradient in the outputs is that of a squared error of probabilities: s(f(x)) − y.

    Args:
        field: The field.
        batch: The points, with values from 0 to 1.

    References:
        Tancik et al. 2020, "Fourier Features Let Networks Learn High Frequency Functions", the
        loss of 3D shapes; their network ends in the sigmoid that is here part of the loss.
    """
    return functional.binary_cross_entropy_with_logits(batch.outputs_of(field), batch.values)
