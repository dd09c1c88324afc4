"""Huber loss: squared for small errors, absolute for large ones."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from inr.argument import check_positive
from inr.batch import Batch
from inr.loss._targets import compares


@compares("values")
def huber(field: nn.Module, batch: Batch, *, delta: float = 0.1) -> Float[Tensor, ""]:
    r"""Mean of Huber's function of the errors.

    .. math::
        \frac{1}{nc} \sum h(f_o(x_i) - y_{io}), \quad
        h(r) = \tfrac12 r^2 \text{ if } |r| \le \delta, \text{ else } \delta(|r| - \tfrac12\delta)

    Args:
        field: Field to evaluate.
        batch: Points with values.
        delta: δ, in units of the normalised values.

    References:
        Huber 1964, "Robust Estimation of a Location Parameter".
    """
    check_positive("delta", delta)
    return functional.huber_loss(batch.outputs_of(field), batch.values, delta=delta)
