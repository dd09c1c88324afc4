"""The weighting of parameters that an adaptive optimizer steps with."""

from typing import Any

import torch
from torch import Tensor, nn, optim


def adam_weighting(optimizer: optim.Optimizer, module: nn.Module) -> dict[str, Tensor]:
    r"""The diagonal of D⁻¹ that Adam multiplies gradients with, from its present state.

    .. math:: D = \sqrt{\hat v} + \epsilon, \quad \hat v = v / (1 - \beta_2^t)

    A small step moves the outputs by ``-η J D⁻¹ Jᵀ`` times the loss's gradient in them, as far as
    momentum is steady: J D⁻¹ Jᵀ is the kernel of what is really stepped. η is the learning rate of
    the first group of parameters; others count by their rates' share of it.

    Args:
        optimizer: ``torch.optim.Adam`` or ``AdamW`` that has made a step.
        module: What it trains.

    Returns:
        By name of the trainable parameters, tensors of their shapes (a complex one with a last axis
        for its two parts), as ``weighting`` of a kernel.

    Raises:
        ValueError: The optimizer is another one, has made no step, or does not train a parameter.

    References:
        Kingma and Ba 2015, "Adam: A Method for Stochastic Optimization", algorithm 1; Cohen et al.
        2022, "Adaptive Gradient Methods at the Edge of Stability", section 2.
    """
    if not isinstance(optimizer, optim.Adam):
        raise ValueError(
            f"{type(optimizer).__name__} has no second moments; expected Adam or AdamW for a "
            "preconditioned kernel."
        )
    groups = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    weighting = {}
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        state = optimizer.state.get(parameter)
        if not state:
            raise ValueError(
                f"{type(optimizer).__name__} has no state for {name}; expected one that has made "
                "a step with it."
            )
        group = groups[id(parameter)]
        key = "max_exp_avg_sq" if group["amsgrad"] else "exp_avg_sq"
        moment = state[key].detach()
        moment = torch.view_as_real(moment) if moment.is_complex() else moment
        correction = 1 - group["betas"][1] ** float(state["step"])
        weighting[name] = (_base_lr(group) / _base_lr(optimizer.param_groups[0])) / (
            (moment / correction).sqrt() + group["eps"]
        )
    return weighting


def _base_lr(group: dict[str, Any]) -> float:
    """A group's rate before the schedule, which may have come down to zero."""
    return float(group.get("initial_lr", group["lr"]))
