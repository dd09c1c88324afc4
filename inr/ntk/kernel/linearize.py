"""The linear model for which the theory of the tangent kernel is exact."""

from torch import Tensor, nn

from inr.taylor import TaylorPoint


class LinearizedModel(nn.Module):
    """A model's first-order Taylor expansion around its present weights: see :func:`linearize`.

    Attributes:
        model: The given model, whose parameters are trained. It is never evaluated.
        point: The point of the expansion.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.point = TaylorPoint(model)

    def forward(self, x: Tensor) -> Tensor:
        """Values of the expansion at points."""
        values: Tensor = self.point(dict(self.model.named_parameters()), x)
        return values


def linearize(model: nn.Module) -> LinearizedModel:
    r"""A trainable first-order Taylor expansion of a model around its present weights.

    .. math:: f_{lin}(x; \theta) = f(x; \theta_0) + J(x; \theta_0) (\theta - \theta_0)

    The expansion shares the model's parameters. Its tangent kernel is the same at all their values:
    that of the model at θ₀. Gradient descent on a squared error therefore follows
    :func:`inr.ntk.predict` exactly.

    Args:
        model: A module that takes one tensor and returns one tensor.

    Raises:
        ValueError: The model has no trainable parameters.

    References:
        Lee et al. 2019, "Wide Neural Networks of Any Depth Evolve as Linear Models Under Gradient
        Descent", eq. 5.

    Example:
        >>> model = linearize(nn.Linear(2, 1))
        >>> [name for name, _ in model.named_parameters()]
        ['model.weight', 'model.bias']
    """
    return LinearizedModel(model)
