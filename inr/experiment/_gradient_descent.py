"""Full-batch gradient descent."""

from collections.abc import Iterator

from torch import Tensor, nn, optim
from torch.nn import functional


def gradient_descent(
    model: nn.Module, x: Tensor, y: Tensor, *, lr: float, steps: int
) -> Iterator[int]:
    """Full-batch gradient descent on the mean squared error, step by step.

    Args:
        model: Model to train, in place.
        x: ``(n, d)`` points.
        y: ``(n, c)`` targets.
        lr: Learning rate for the mean over all n · c values.
        steps: Number of steps.

    Yields:
        The number of steps done, from 0 to ``steps``.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = optim.SGD(parameters, lr=lr)
    for step in range(steps):
        yield step
        optimizer.zero_grad()
        functional.mse_loss(model(x), y).backward()
        optimizer.step()
    yield steps
