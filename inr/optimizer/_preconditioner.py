"""The preconditioner of an adaptive optimizer, from its present state."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn, optim

from inr.ntk.kernel.preconditioned import PreconditionedModule, RootBlock
from inr.optimizer._muon import MUON, Muon


def adam_weighting(optimizer: optim.Optimizer, module: nn.Module) -> dict[str, Tensor]:
    r"""The diagonal of D⁻¹ by which Adam multiplies gradients, from its present state.

    .. math:: D = \sqrt{\hat v} + \epsilon, \quad \hat v = v / (1 - \beta_2^t)

    While the momentum is steady, a small step moves the outputs by ``-η J D⁻¹ Jᵀ`` times the loss's
    gradient in them: J D⁻¹ Jᵀ is the kernel of Adam's steps. η is the learning rate of the first
    parameter group; the entries of other groups are scaled by their rate relative to it.

    Args:
        optimizer: A ``torch.optim.Adam`` or ``AdamW`` that has made a step.
        module: Module that the optimizer trains.

    Returns:
        Tensors by name of the trainable parameters and of their shapes (a complex parameter has a
        last axis for its two parts), as a kernel takes them for ``weighting``.

    Raises:
        ValueError: The optimizer is neither Adam nor AdamW, has made no step, or does not train
            one of the parameters.

    References:
        Kingma and Ba 2015, "Adam: A Method for Stochastic Optimization", algorithm 1; Cohen et al.
        2022, "Adaptive Gradient Methods at the Edge of Stability", section 2.
    """
    if not isinstance(optimizer, optim.Adam):
        raise ValueError(
            f"{type(optimizer).__name__} has no second moments of all parameters; expected Adam or "
            "AdamW for a diagonal weighting."
        )
    return {
        name: share * _adam_diagonal(state, group)
        for name, state, group, share in _states(optimizer, module)
    }


def preconditioner_roots(optimizer: optim.Optimizer, module: nn.Module) -> dict[str, RootBlock]:
    r"""The square root of the preconditioner of Adam, AdamW or Muon.

    Adam's part is diagonal: see :func:`adam_weighting`. Muon multiplies a matrix of averaged
    gradients G = U S Vᵀ by a matrix on its short side,

    .. math::
        P = \sqrt{\max(1, r / c)}\; U\, \mathrm{diag}(g)\, U^\top \otimes I
        \quad\text{or}\quad I \otimes V\, \mathrm{diag}(g)\, V^\top,
        \quad g_i s_i \approx 1

    which is (G Gᵀ)^(-1/2) or (Gᵀ G)^(-1/2), as far as Newton-Schulz steps approximate it: they
    multiply a singular value s by g, which is finite also at s = 0. G is the mean that Muon keeps;
    with Nesterov's momentum, the mean in a step contains the last gradient once more.

    Args:
        optimizer: An Adam, AdamW or Muon that has made a step.
        module: Module that the optimizer trains.

    Returns:
        Blocks by name of the trainable parameters, in their dtype. They belong to the learning rate
        of the first parameter group; those of other groups are scaled by their rate relative to it.

    Raises:
        ValueError: The optimizer is none of these, has made no step, or does not train one of the
            parameters.
    """
    if not isinstance(optimizer, optim.Adam | Muon):
        raise ValueError(
            f"{type(optimizer).__name__} has no second moments and orthogonalises nothing; "
            "expected Adam, AdamW or Muon for a preconditioned kernel."
        )
    return {
        name: _muon_root(state["momentum_buffer"], group, share)
        if group.get("rule") == MUON
        else RootBlock("entries", (share * _adam_diagonal(state, group)).sqrt())
        for name, state, group, share in _states(optimizer, module)
    }


def precondition(module: nn.Module, optimizer: optim.Optimizer) -> PreconditionedModule:
    """A module whose plain tangent kernel is J P Jᵀ: the kernel of an optimizer's steps.

    While the momentum is steady, a small step moves the outputs by ``-η J P Jᵀ`` times the loss's
    gradient in them. η is the learning rate of the first parameter group.

    Args:
        module: Module that the optimizer trains, at its present parameters.
        optimizer: An Adam, AdamW or Muon that has made a step: see :func:`preconditioner_roots`.

    Raises:
        ValueError: The optimizer is none of these, has made no step, or does not train one of the
            parameters.

    Example:
        >>> from inr.ntk import empirical_ntk
        >>> from inr.optimizer import muon
        >>> network = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 8), nn.Linear(8, 1))
        >>> optimizer, x = muon(network), torch.rand(5, 2)
        >>> network(x).square().mean().backward()
        >>> _ = optimizer.step()
        >>> empirical_ntk(precondition(network, optimizer), x).shape
        torch.Size([5, 5])
    """
    return PreconditionedModule(module, preconditioner_roots(optimizer, module))


def _states(
    optimizer: optim.Optimizer, module: nn.Module
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any], float]]:
    """Name, state, group and learning rate relative to the first group, by trainable parameter."""
    groups = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    first = _base_lr(optimizer.param_groups[0])
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
        yield name, state, group, _base_lr(group) / first


def _adam_diagonal(state: dict[str, Any], group: dict[str, Any]) -> Tensor:
    key = "max_exp_avg_sq" if group.get("amsgrad") else "exp_avg_sq"
    moment: Tensor = state[key].detach()
    moment = torch.view_as_real(moment) if moment.is_complex() else moment
    correction = 1 - group["betas"][1] ** float(state["step"])
    return 1 / ((moment / correction).sqrt() + group["eps"])


def _muon_root(mean: Tensor, group: dict[str, Any], share: float) -> RootBlock:
    # The CPU has float64, and is as fast as a GPU at this.
    left, values, right = torch.linalg.svd(mean.detach().cpu().double(), full_matrices=False)
    gains = share * Muon.gains(mean, values, group["ns_steps"])
    rows, columns = mean.shape[-2:]
    basis = left if rows <= columns else right.mT
    root = (basis * gains.sqrt()[..., None, :]) @ basis.mT
    return RootBlock("rows" if rows <= columns else "columns", root.to(mean))


def _base_lr(group: dict[str, Any]) -> float:
    """A group's learning rate before its schedule, which may have reached zero."""
    return float(group.get("initial_lr", group["lr"]))
