"""The training that the theory is about."""

from collections.abc import Iterator

from torch import Tensor, nn, optim
from torch.nn import functional

from inr.ntk import Prediction


def gradient_descent(
    model: nn.Module, x: Tensor, y: Tensor, *, lr: float, steps: int
) -> Iterator[int]:
    """Full-batch gradient descent on the mean squared error, step by step.

    Args:
        model: What is trained, in place.
        x: ``(n, d)``.
        y: ``(n, c)``.
        lr: Learning rate for the mean over all n · c values.
        steps: How many.

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


def check_stable(prediction: Prediction, lr: float) -> None:
    """Refuses a learning rate at which modes grow.

    Args:
        prediction: Of the training.
        lr: The rate as the experiment's knob has it, in units of its own.

    Raises:
        ValueError: Some modes grow.
    """
    if prediction.num_unstable:
        limit = lr * prediction.max_lr / prediction.lr
        raise ValueError(f"training diverges at lr={lr:g}; expected less than {limit:.3g}.")
