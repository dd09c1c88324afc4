"""Muon for matrices and Adam for the rest, as one optimizer."""

import math
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn, optim
from torch.optim.adam import adam as adam_step

from inr.optimizer._orthogonalize import orthogonal_gains, orthogonalize_all

MUON, ADAM = "muon", "adam"


class Muon(optim.Optimizer):
    r"""Steps some groups of parameters by Muon, and others by Adam.

    With the average G of its gradients, out x in, Muon moves a matrix by

    .. math:: -\eta \sqrt{\max(1, \mathrm{out} / \mathrm{in})}\; U V^\top, \quad G = U S V^\top.

    A parameter of shape ``(F, out, in)`` is F matrices, each of which is stepped by itself.

    Args:
        groups: Groups of parameters, each with ``rule``, ``muon`` or ``adam``, with ``lr``, and
            with those of the options below that differ from the others'.
        momentum: Decay of the average of a matrix's gradients.
        nesterov: Whether that average looks ahead by one gradient.
        weight_decay: Share of the matrices that a step removes, in units of the learning rate.
        ns_steps: Number of Newton-Schulz steps that compute U Vᵀ.
        betas: Decays of Adam's means of gradients and of their squares.
        eps: Added to Adam's denominator.

    References:
        Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks",
        https://kellerjordan.github.io/posts/muon/; Kingma and Ba 2015, "Adam: A Method for
        Stochastic Optimization", algorithm 1.
    """

    def __init__(
        self,
        groups: list[dict[str, Any]],
        *,
        momentum: float,
        nesterov: bool,
        weight_decay: float,
        ns_steps: int,
        betas: tuple[float, float],
        eps: float,
    ) -> None:
        defaults = {
            "momentum": momentum,
            "nesterov": nesterov,
            "weight_decay": weight_decay,
            "ns_steps": ns_steps,
            "betas": betas,
            "eps": eps,
        }
        super().__init__(groups, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Makes one step; a closure computes the loss and the gradients first."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if parameters:
                step = self._step_matrices if group["rule"] == MUON else self._step_others
                step(group, parameters)
        return loss

    @staticmethod
    def gains(
        mean: Float[Tensor, "*batch out in"], singular_values: Float[Tensor, "*batch k"], steps: int
    ) -> Float[Tensor, "*batch k"]:
        """Factors by which a step of rate 1 multiplies the singular values of averaged gradients.

        Args:
            mean: Average of gradients, one matrix or many.
            singular_values: All singular values of ``mean``.
            steps: Number of Newton-Schulz steps.
        """
        return shape_factor(mean) * orthogonal_gains(singular_values, steps)

    def _step_matrices(self, group: dict[str, Any], parameters: list[nn.Parameter]) -> None:
        directions = []
        for parameter in parameters:
            gradient, state = parameter.grad, self.state[parameter]
            assert gradient is not None
            if not state:
                state["momentum_buffer"] = torch.zeros_like(parameter)
            mean = state["momentum_buffer"].lerp_(gradient, 1 - group["momentum"])
            directions.append(gradient.lerp(mean, group["momentum"]) if group["nesterov"] else mean)
        updates = orthogonalize_all(directions, group["ns_steps"])
        for parameter, update in zip(parameters, updates, strict=True):
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
            parameter.add_(update, alpha=-group["lr"] * shape_factor(parameter))

    def _step_others(self, group: dict[str, Any], parameters: list[nn.Parameter]) -> None:
        states = [self.state[parameter] for parameter in parameters]
        for parameter, state in zip(parameters, states, strict=True):
            if not state:
                state["step"] = torch.tensor(0.0)
                state["exp_avg"] = torch.zeros_like(parameter)
                state["exp_avg_sq"] = torch.zeros_like(parameter)
        beta1, beta2 = group["betas"]
        adam_step(
            list(parameters),
            [p.grad for p in parameters if p.grad is not None],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            has_complex=any(p.is_complex() for p in parameters),
            amsgrad=False,
            beta1=beta1,
            beta2=beta2,
            lr=group["lr"],
            weight_decay=0.0,
            eps=group["eps"],
            maximize=False,
        )


def shape_factor(matrices: Tensor) -> float:
    """√max(1, out / in), the factor of Muon's rate: then entries of a step are about 1/√in."""
    rows, columns = matrices.shape[-2:]
    return math.sqrt(max(1.0, rows / columns))
