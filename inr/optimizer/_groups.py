"""Parameters that share a learning rate."""

from typing import Any

from torch import nn


def lr_groups(module: nn.Module, lr: float) -> list[dict[str, Any]]:
    """Trainable parameters in groups, each with its learning rate.

    A layer may have ``lr_factors``: by name of its own parameters, what an optimizer that divides
    the gradient by its own size is to multiply the rate by.

    Args:
        module: Its parameters are trained.
        lr: The rate of a parameter without factor.
    """
    groups: dict[float, list[nn.Parameter]] = {}
    seen: set[nn.Parameter] = set()
    for layer in module.modules():
        factors = getattr(layer, "lr_factors", {})
        for name, parameter in layer.named_parameters(recurse=False):
            if parameter.requires_grad and parameter not in seen:
                seen.add(parameter)
                groups.setdefault(factors.get(name, 1.0), []).append(parameter)
    return [{"params": parameters, "lr": factor * lr} for factor, parameters in groups.items()]
