"""The tangent kernel of linear layers, without Jacobians."""

from typing import NamedTuple

import torch
from torch import Tensor, nn


class LayerFactors(NamedTuple):
    """What a linear layer's Jacobian is made of.

    Attributes:
        inputs: ``(n, w)`` inputs, with a column of ones when there is a trained bias.
        output_gradients: ``(n, c, v)`` gradients of each output in the layer's result.
    """

    inputs: Tensor
    output_gradients: Tensor


def structured_ntk(model: nn.Module, x1: Tensor, x2: Tensor | None) -> Tensor | None:
    r"""Linear layers' part of the kernel, with all pairs of outputs.

    .. math::
        \Theta_{no,mp} = \sum_l \langle h^l_n, h^l_m \rangle \langle g^l_{no}, g^l_{mp} \rangle

    with the layer's inputs :math:`h^l` (and a 1 for its bias) and the gradients :math:`g^l` of the
    outputs in its result: the gradient of an output in the layer's weights is their outer product.

    Args:
        model: ``(n, d) -> (n, c)``, applied to each point by itself.
        x1: ``(n, d)``.
        x2: ``(m, d)``; ``x1`` when None.

    Shape:
        ``(n, c, m, c)``.

    Returns:
        None when there are no linear layers, or one is not used exactly once.

    References:
        Novak, Sohl-Dickstein and Schoenholz 2022, "Fast Finite Width Neural Tangent Kernel", eq. 9.
    """
    layers = linear_layers(model)
    left = layers and _factors(model, layers, x1)
    right = left if x2 is None else layers and _factors(model, layers, x2)
    if not left or not right:
        return None
    kernel = x1.new_zeros(())
    for a, b in zip(left, right, strict=True):
        inputs_gram = torch.einsum("nw,mw->nm", a.inputs, b.inputs)
        gradients_gram = torch.einsum("nov,mpv->nomp", a.output_gradients, b.output_gradients)
        kernel = kernel + inputs_gram[:, None, :, None] * gradients_gram
    return kernel


def linear_layers(model: nn.Module) -> list[nn.Linear]:
    """Those whose weights are trained as they are: not those that pruning or a norm computes."""
    layers = [m for m in model.modules() if type(m) is nn.Linear]
    return [m for m in layers if isinstance(m.weight, nn.Parameter) and m.weight.requires_grad]


def trained_parameters(layers: list[nn.Linear]) -> list[Tensor]:
    """Their weights, and the biases that are trained."""
    both = [p for layer in layers for p in (layer.weight, layer.bias)]
    return [p for p in both if p is not None and p.requires_grad]


@torch.enable_grad()
def _factors(model: nn.Module, layers: list[nn.Linear], x: Tensor) -> list[LayerFactors] | None:
    """Factors of each layer in order; None when one is not used once on ``(n, w)``."""
    calls: dict[nn.Linear, list[tuple[Tensor, Tensor]]] = {layer: [] for layer in layers}

    def record(layer: nn.Linear, inputs: tuple[Tensor, ...], result: Tensor) -> Tensor:
        calls[layer].append((inputs[0], result))
        # An activation that works in place gets its own copy to work on.
        return result.clone()

    handles = [layer.register_forward_hook(record) for layer in layers]
    try:
        outputs = model(x)
    finally:
        for handle in handles:
            handle.remove()
    if any(len(call) != 1 or call[0][0].shape[:-1] != x.shape[:1] for call in calls.values()):
        return None
    if not _enter_once(outputs, trained_parameters(layers)):
        return None
    results = [calls[layer][0][1] for layer in layers]
    gradients = [
        torch.autograd.grad(outputs[:, o].sum(), results, retain_graph=True)
        for o in range(outputs.shape[1])
    ]
    factors = []
    for position, layer in enumerate(layers):
        inputs = calls[layer][0][0].detach()
        if layer.bias is not None and layer.bias.requires_grad:
            inputs = torch.cat([inputs, torch.ones_like(inputs[:, :1])], dim=1)
        factors.append(
            LayerFactors(inputs, torch.stack([grads[position] for grads in gradients], dim=1))
        )
    return factors


def _enter_once(outputs: Tensor, parameters: list[Tensor]) -> bool:
    """Whether the graph of the outputs uses each parameter at exactly one place."""
    uses = {id(p): 0 for p in parameters}
    pending, seen = [outputs.grad_fn], {outputs.grad_fn}
    while pending:
        node = pending.pop()
        for following, _ in node.next_functions if node else ():
            leaf = getattr(following, "variable", None)
            if id(leaf) in uses:
                uses[id(leaf)] += 1
            elif following not in seen:
                seen.add(following)
                pending.append(following)
    return set(uses.values()) == {1}
