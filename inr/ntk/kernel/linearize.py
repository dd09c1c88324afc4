"""The model that the theory of the tangent kernel is exact for."""

from torch import Tensor, nn

from inr.taylor import TaylorPoint


class LinearizedModel(nn.Module):
    """A model's first-order Taylor expansion around its present weights: see :func:`linearize`.

    Attributes:
        model: The one that was given, whose parameters are trained. It is never evaluated.
        point: Where it is expanded.
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
    r"""The first-order Taylor expansion of a model around its present weights, to be trained.

    .. math:: f_{lin}(x; \theta) = f(x; \theta_0) + J(x; \theta_0) (\theta - \theta_0)

    It has the model's own parameters, and its tangent kernel at any of their values is that of the
    model now: gradient descent on a squared error follows :func:`inr.ntk.predict` exactly.

    Args:
        model: One tensor in, one tensor out.

    Raises:
        ValueError: It has nothing to train.

    References:
        Lee et al. 2019, "Wide Neural Networks of Any Depth Evolve as Linear Models Under Gradient
        Descent", eq. 5.

    Example:
        >>> model = linearize(nn.Linear(2, 1))
        >>> [name for name, _ in model.named_parameters()]
        ['model.weight', 'model.bias']
    """
    return LinearizedModel(model)
