"""Products with the Jacobian of linear layers, from their factors."""

from collections.abc import Mapping

import torch
from torch import Tensor

from inr.ntk.structured import LayerFactors, layer_weighting


def pull_layers(layers: list[LayerFactors], values: Tensor) -> dict[str, Tensor]:
    r"""Products from the left: of the transposed Jacobian with vectors over points and outputs.

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
        matrix = (rows.reshape(n, -1).T @ layer.inputs).view(values.shape[2], v, -1)
        if layer.bias is not None:
            pulled[layer.bias] = matrix[..., -1]
        if layer.weight is not None:
            pulled[layer.weight] = matrix[..., :-1] if layer.bias is not None else matrix
    return pulled


def push_layers(layers: list[LayerFactors], moves: Mapping[str, Tensor]) -> Tensor:
    r"""Products from the right: of the Jacobian with vectors over parameters.

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
        inputs, rows = layer.inputs, layer.inputs.new_zeros(())
        if layer.bias is not None:
            rows = moves[layer.bias].flatten()
            inputs = inputs[:, :-1]
        if layer.weight is not None:
            rows = rows + inputs @ moves[layer.weight].flatten(0, 1).T
        part = torch.einsum("nkv,nov->nok", rows.expand(n, -1).view(n, -1, v), layer.gradients)
        pushed = part if pushed is None else pushed.add_(part)
    assert pushed is not None
    return pushed


def layer_norms(layers: list[LayerFactors], weighting: Mapping[str, Tensor] | None) -> Tensor:
    """Squared lengths of the Jacobian's rows: ``(n, c)``."""
    norms = []
    for layer in layers:
        inputs, gradients = layer.inputs.square(), layer.gradients.square()
        if weighting is None:
            norms.append(inputs.sum(1)[:, None] * gradients.sum(2))
        else:
            matrix = layer_weighting(layer, weighting)
            norms.append(torch.einsum("nov,vw,nw->no", gradients, matrix, inputs))
    return torch.stack(norms).sum(0)
