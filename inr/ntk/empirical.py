"""The empirical neural tangent kernel of a module."""

from typing import Literal

import torch
from torch import Tensor, nn

from inr.ntk.contraction import contracted_ntk
from inr.ntk.structured import linear_layers, structured_ntk, trained_parameters


def empirical_ntk(
    model: nn.Module,
    x: Tensor,
    x2: Tensor | None = None,
    *,
    outputs: Literal["full", "mean"] | int = "full",
    method: Literal["auto", "structured", "contraction"] = "auto",
) -> Tensor:
    r"""Empirical tangent kernel Θ = J Jᵀ of a pointwise module at its present weights.

    .. math::
        \Theta_{no,mp} = \sum_\theta
        \frac{\partial f_o(x_n)}{\partial\theta} \frac{\partial f_p(x_m)}{\partial\theta}

    The sum is over trainable parameters; nothing is normalised.

    Args:
        model: ``(n, d) -> (n, c)``, each point by itself. Its dtype is the kernel's.
        x: ``(n, d)``.
        x2: ``(m, d)``; ``x`` when None.
        outputs: ``full`` has rows n·c + o and columns m·c + p; ``mean`` is (1/c) Σ_o Θ_oo; a
            number is that output's block.
        method: ``contraction`` of Jacobians, for any module; ``structured``, by linear layers, with
            contraction for the parameters outside them; ``auto``, structured where it can be.

    Shape:
        ``(n·c, m·c)`` for ``full``, else ``(n, m)``.

    Raises:
        ValueError: The module is not pointwise or has nothing to train, ``structured`` does not
            cover it, or an argument is none of the above.

    References:
        Jacot, Gabriel and Hongler 2018, "Neural Tangent Kernel", section 4.
    """
    if method not in ("auto", "structured", "contraction"):
        raise ValueError(f"method is {method!r}; expected auto, structured or contraction.")
    if not any(p.requires_grad for p in model.parameters()):
        raise ValueError(
            "the module has no trainable parameters; expected some. Call requires_grad_(True)."
        )
    _check_pointwise(model, x)
    other = x if x2 is None else x2
    kernel = None if method == "contraction" else structured_ntk(model, x, x2)
    if kernel is None:
        if method == "structured":
            raise ValueError(
                "method='structured' covers modules with linear layers that are each used once; "
                "expected method='auto' or 'contraction' for this one."
            )
        kernel = contracted_ntk(model, x, other)
    elif rest := _outside_linear_layers(model):
        kernel = kernel + contracted_ntk(model, x, other, parameters=rest)
    return _select(kernel, outputs)


def _outside_linear_layers(model: nn.Module) -> list[str]:
    """Names of trainable parameters that the structured kernel leaves out."""
    covered = {id(p) for p in trained_parameters(linear_layers(model))}
    return [n for n, p in model.named_parameters() if p.requires_grad and id(p) not in covered]


def _select(kernel: Tensor, outputs: str | int) -> Tensor:
    """The layout that was asked for, of an ``(n, c, m, c)`` kernel."""
    if outputs == "full":
        return kernel.flatten(2, 3).flatten(0, 1)
    if outputs == "mean":
        return kernel.diagonal(dim1=1, dim2=3).mean(-1)
    if isinstance(outputs, int) and 0 <= outputs < kernel.shape[1]:
        return kernel[:, outputs, :, outputs]
    raise ValueError(
        f"outputs is {outputs!r}; expected full, mean or a number below {kernel.shape[1]}."
    )


@torch.no_grad()
def _check_pointwise(model: nn.Module, x: Tensor) -> None:
    """Refuses modules that mix points (batch norm in training) or draw numbers (dropout)."""
    half = (len(x) + 1) // 2
    whole = model(x)
    repeats = torch.allclose(whole, model(x), rtol=1e-3, atol=1e-5)
    if not repeats or not torch.allclose(whole[:half], model(x[:half]), rtol=1e-3, atol=1e-5):
        raise ValueError(
            "the module gives a point another value when repeated or among others; expected one "
            "that treats each point by itself. Call eval() if it has batch norm or dropout."
        )
