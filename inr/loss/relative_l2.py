"""Squared errors relative to the prediction."""

from jaxtyping import Float
from torch import Tensor, nn

from inr.argument import check_positive
from inr.batch import Batch
from inr.loss._targets import compares


@compares("values")
def relative_l2(field: nn.Module, batch: Batch, *, epsilon: float = 0.01) -> Float[Tensor, ""]:
    r"""Mean of squared errors as shares of the squared prediction, which counts as constant.

    .. math:: \frac{1}{nc} \sum_{i,o} \frac{(f_o(x_i) - y_{io})^2}{\bar f_o(x_i)^2 + \epsilon}

    For images of high dynamic range, whose bright parts dominate a mean of squared errors.

    Args:
        field: Field to evaluate.
        batch: Points with values.
        epsilon: ε, in squared units of the normalised values.

    References:
        Müller et al. 2022, "Instant Neural Graphics Primitives", section 5.1 (after Lehtinen et
        al. 2018, "Noise2Noise", section 3.3).
    """
    check_positive("epsilon", epsilon)
    prediction = batch.outputs_of(field)
    weight = 1 / (prediction.detach().square() + epsilon)
    return (weight * (prediction - batch.values).square()).mean()
