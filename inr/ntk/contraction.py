"""The tangent kernel by contracting Jacobians: the reference, for any pointwise module."""

from collections.abc import Collection, Iterator

import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap


def contracted_ntk(
    model: nn.Module,
    x1: Tensor,
    x2: Tensor,
    *,
    parameters: Collection[str] | None = None,
    chunk_size: int = 64,
) -> Tensor:
    r"""Kernel with all pairs of outputs, from per-point Jacobians.

    .. math::
        \Theta_{no,mp} = \sum_\theta
        \frac{\partial f_o(x_n)}{\partial\theta} \frac{\partial f_p(x_m)}{\partial\theta}

    Args:
        model: ``(n, d) -> (n, c)``, applied to each point by itself.
        x1: ``(n, d)``.
        x2: ``(m, d)``.
        parameters: Names of those to sum over; None is every trainable one.
        chunk_size: Points whose Jacobians are held at once, on each side.

    Shape:
        ``(n, c, m, c)``.
    """
    names = parameters or [name for name, p in model.named_parameters() if p.requires_grad]
    rows = []
    for left in _jacobians(model, x1, names, chunk_size):
        rows.append(
            torch.cat(
                [
                    torch.einsum("nop,mqp->nomq", left, right)
                    for right in _jacobians(model, x2, names, chunk_size)
                ],
                dim=2,
            )
        )
    return torch.cat(rows)


def _jacobians(
    model: nn.Module, x: Tensor, names: Collection[str], chunk_size: int
) -> Iterator[Tensor]:
    """``(chunk, c, p)`` Jacobians of the outputs in the named parameters."""
    tensors = {name: p.detach() for name, p in model.named_parameters()}
    moving = {name: tensors.pop(name) for name in names}
    frozen = tensors | dict(model.named_buffers())

    def outputs(parameters: dict[str, Tensor], point: Tensor) -> Tensor:
        return functional_call(model, {**parameters, **frozen}, (point[None],))[0]

    per_point = vmap(jacrev(outputs), in_dims=(None, 0))
    for chunk in x.split(chunk_size):
        jacobian = per_point(moving, chunk)
        yield torch.cat([block.reshape(*block.shape[:2], -1) for block in jacobian.values()], dim=2)
