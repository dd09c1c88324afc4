"""Two steps along given gradients, and what they should be."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

GRADIENTS = torch.tensor([[0.5, -2.0, 3.0], [-1.0, 0.25, 3.0]], dtype=torch.float64)
START = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)


class Weights(nn.Module):
    """A trained and a frozen parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.trained = nn.Parameter(START.clone())
        self.frozen = nn.Parameter(START.clone(), requires_grad=False)


def descend(make: Callable[..., torch.optim.Optimizer], **options: object) -> Tensor:
    """The trained weights after each step."""
    module = Weights()
    optimizer = make(module, **options)
    steps = []
    for gradient in GRADIENTS:
        module.trained.grad = gradient.clone()
        optimizer.step()
        steps.append(module.trained.detach().clone())
    return torch.stack(steps)


def descend_adam(
    lr: float, beta1: float, beta2: float, eps: float, decay: float = 0.0
) -> list[list[float]]:
    """Algorithm 2 of Loshchilov and Hutter, one number at a time; without decay it is Adam."""
    weights, first, second = START.tolist(), [0.0] * 3, [0.0] * 3
    steps = []
    for t, gradient in enumerate(GRADIENTS.tolist(), start=1):
        for i, g in enumerate(gradient):
            first[i] = beta1 * first[i] + (1 - beta1) * g
            second[i] = beta2 * second[i] + (1 - beta2) * g**2
            mean, square = first[i] / (1 - beta1**t), second[i] / (1 - beta2**t)
            weights[i] -= lr * (mean / (math.sqrt(square) + eps) + decay * weights[i])
        steps.append(list(weights))
    return steps
