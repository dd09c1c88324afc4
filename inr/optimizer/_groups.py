"""Parameters that share a learning rate."""

from collections.abc import Collection
from typing import Any

from torch import Tensor, nn

# Points have no more coordinates, and values no more channels.
SHORT_SIDE = 4


def lr_groups(
    module: nn.Module, lr: float, *, without: Collection[nn.Parameter] = ()
) -> list[dict[str, Any]]:
    """Trainable parameters in groups, each with its learning rate.

    A layer may have ``lr_factors``: by name of its own parameters, what an optimizer that divides
    the gradient by its own size is to multiply the rate by.

    Args:
        module: Its parameters are trained.
        lr: The rate of a parameter without factor.
        without: Parameters that are left out.
    """
    groups: dict[float, list[nn.Parameter]] = {}
    seen = set(without)
    for layer in module.modules():
        factors = getattr(layer, "lr_factors", {})
        for name, parameter in layer.named_parameters(recurse=False):
            if parameter.requires_grad and parameter not in seen:
                seen.add(parameter)
                groups.setdefault(factors.get(name, 1.0), []).append(parameter)
    return [{"params": parameters, "lr": factor * lr} for factor, parameters in groups.items()]


def hidden_matrix_groups(
    module: nn.Module, lr: float, *, first_layer: bool
) -> list[dict[str, Any]]:
    r"""The weights of hidden layers in groups, each with its learning rate for Muon.

    Those are the trainable weights of the linear layers between the first and the last, if they are
    real parameters and both sides are longer than 4. A layer is linear if it has ``in_features``,
    ``out_features`` and a ``weight`` of shape ``(..., out_features, in_features)``; it is first or
    last if the module registers it before or after all others.

    Muon's steps have a size of their own, so that they ask for another factor than Adam's where a
    layer computes :math:`s_w W h + s_b b`. What moves is :math:`s_w W`, which a factor of
    :math:`1 / s_w` lets move as without :math:`s_w`, and that is as far at every width: the largest
    singular value of a step is √max(1, out / in). Adam's needs 256 / width beside. Where features
    are to move less the wider the network is, the layer's factor for its bias has by how much; it
    counts here too, but for its :math:`1 / s_b`. Weights that
    begin smaller than PyTorch's (``initial_scale``: √6 / ω in a SIREN) move by the same share.

    Args:
        module: Its parameters are trained.
        lr: The rate of a weight without factor.
        first_layer: Whether the first layer's weight counts too, if both sides are longer than 4.

    References:
        Yang, Simon and Bernstein 2023, "A Spectral Condition for Feature Learning" (the size of
        steps that suits every width).
    """
    layers = [layer for layer in module.modules() if _is_linear(layer)]
    groups: dict[float, list[nn.Parameter]] = {}
    outer = layers[-1:] if first_layer else layers[:1] + layers[-1:]
    seen = {layer.weight for layer in outer}
    for layer in layers:
        weight = layer.weight
        if not isinstance(weight, nn.Parameter) or weight.is_complex() or weight in seen:
            continue
        if weight.requires_grad and min(weight.shape[-2:]) > SHORT_SIDE:
            seen.add(weight)
            groups.setdefault(_matrix_factor(layer), []).append(weight)
    return [{"params": weights, "lr": factor * lr} for factor, weights in groups.items()]


def _is_linear(layer: nn.Module) -> bool:
    weight = getattr(layer, "weight", None)
    # An expansion keeps the weights that it is made at as buffers.
    if not isinstance(weight, Tensor) or "weight" in layer._buffers:
        return False
    sides = (getattr(layer, "out_features", None), getattr(layer, "in_features", None))
    return tuple(weight.shape[-2:]) == sides


def _matrix_factor(layer: nn.Module) -> float:
    factors = getattr(layer, "lr_factors", {})
    scales = (getattr(layer, "bias_scale", 1.0), getattr(layer, "weight_scale", 1.0))
    share = getattr(layer, "initial_scale", 1.0)
    return float(share * factors.get("bias", 1.0) * scales[0] / scales[1])
