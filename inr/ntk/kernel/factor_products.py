"""Products with the Jacobian of linear layers, from their factors."""

from collections.abc import Mapping

import torch
from torch import Tensor

from inr.ntk.kernel.structured import LayerFactors


def pull_layers(layers: list[LayerFactors], values: Tensor) -> dict[str, Tensor]:
    r"""Products of the transposed Jacobian with vectors over points and outputs.

    .. math:: \sum_{no} V_{nok}\, g_{no} h_n^\top

    Args:
        layers: Factors of n points.
        values: ``(n, c, k)``.

    Returns:
        ``(k, *shape)`` by parameter name.
    """
    pulled = {}
    for layer in layers:
        n, _, v = layer.gradients.shape
        rows = torch.einsum("nok,nov->nkv", values, layer.gradients)
        if layer.bias is not None:
            pulled[layer.bias] = rows.sum(0)
        if layer.weight is not None:
            matrix = rows.reshape(n, -1).T @ layer.inputs
            pulled[layer.weight] = matrix.view(-1, v, layer.inputs.shape[1])
    return pulled


def push_layers(layers: list[LayerFactors], moves: Mapping[str, Tensor]) -> Tensor:
    r"""Products of the Jacobian with vectors over parameters.

    .. math:: \sum_l g_{no}^\top U^l_k h_n

    Args:
        layers: Factors of n points.
        moves: ``(k, *shape)`` by parameter name.

    Shape:
        ``(n, c, k)``.
    """
    pushed: Tensor | None = None
    for layer in layers:
        n, _, v = layer.gradients.shape
        rows = layer.inputs.new_zeros(1)
        if layer.bias is not None:
            rows = moves[layer.bias].flatten()
        if layer.weight is not None:
            rows = torch.addmm(rows, layer.inputs, moves[layer.weight].flatten(0, 1).T)
        part = torch.einsum("nkv,nov->nok", rows.expand(n, -1).view(n, -1, v), layer.gradients)
        pushed = part if pushed is None else pushed.add_(part)
    assert pushed is not None
    return pushed


def layer_norms(layers: list[LayerFactors], weighting: Mapping[str, Tensor] | None) -> Tensor:
    """Squared lengths of the Jacobian's rows: ``(n, c)``."""
    norms = []
    for layer in layers:
        inputs, gradients = layer.inputs.square(), layer.gradients.square()
        for name, rows in ((layer.weight, inputs), (layer.bias, inputs.new_ones(len(inputs), 1))):
            if name is None:
                continue
            if weighting is None:
                norms.append(rows.sum(1)[:, None] * gradients.sum(2))
            else:
                matrix = weighting[name].reshape(gradients.shape[2], -1)
                norms.append(torch.einsum("nov,vw,nw->no", gradients, matrix, rows))
    return torch.stack(norms).sum(0)
