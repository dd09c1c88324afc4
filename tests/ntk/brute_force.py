"""The tangent kernel by its definition: one backward pass for each output of each point."""

import torch
from torch import Tensor, nn


def brute_force_ntk(model: nn.Module, x: Tensor, x2: Tensor | None = None) -> Tensor:
    """``(n·c, m·c)``, with rows n·c + o."""
    rows = jacobian(model, x)
    return rows @ (rows if x2 is None else jacobian(model, x2)).T


def jacobian(model: nn.Module, x: Tensor) -> Tensor:
    """``(n·c, p)`` gradients in the trainable parameters."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    rows = []
    for point in x:
        for value in model(point[None]).flatten():
            gradients = torch.autograd.grad(
                value, parameters, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            rows.append(torch.cat([real(gradient).flatten() for gradient in gradients]))
    return torch.stack(rows)


def real(gradient: Tensor) -> Tensor:
    """Derivatives in the real and the imaginary part of a complex number."""
    return torch.view_as_real(gradient.resolve_conj()) if gradient.is_complex() else gradient
