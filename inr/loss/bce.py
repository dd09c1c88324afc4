"""Cross-entropy with labels."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from inr.batch import Batch
from inr.loss._targets import compares


@compares("labels")
def bce(field: nn.Module, batch: Batch) -> Float[Tensor, ""]:
    r"""Mean cross-entropy with labels, whose log odds the field gives.

    .. math::
        -\frac{1}{nc} \sum_{i,o} y_{io} \log s(f_o(x_i)) + (1 - y_{io}) \log (1 - s(f_o(x_i))),
        \quad s(z) = 1 / (1 + e^{-z})

    Its gradient in the outputs is the error of the probabilities: s(f(x)) − y.

    Args:
        field: Field to evaluate.
        batch: Points with values from 0 to 1.

    References:
        Tancik et al. 2020, "Fourier Features Let Networks Learn High Frequency Functions", the
        loss of 3D shapes. There the sigmoid is part of the network; here it is part of the loss.
    """
    return functional.binary_cross_entropy_with_logits(batch.outputs_of(field), batch.values)
