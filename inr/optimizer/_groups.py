"""Groups of parameters, each with its learning rate."""

from collections.abc import Collection
from typing import Any

from torch import Tensor, nn

# Layers on bare coordinates, and layers that give channels, have sides of at most 4.
SHORT_SIDE = 4


def lr_groups(
    module: nn.Module, lr: float, *, without: Collection[nn.Parameter] = ()
) -> list[dict[str, Any]]:
    """Trainable parameters in groups, each with its learning rate.

    A layer may have ``lr_factors``: factors of the learning rate, by name of its own parameters,
    for optimizers that divide the gradient by its own size.

    Args:
        module: Module whose parameters are trained.
        lr: Learning rate of parameters without a factor.
        without: Parameters to leave out.
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

    Hidden weights are the trainable weights of the linear layers between the first and the last, if
    they are real and both sides are longer than 4. A layer is linear if it has ``in_features``,
    ``out_features`` and a ``weight`` of shape ``(..., out_features, in_features)``. The first and
    the last layer are those that the module registers before and after all others.

    In a layer that computes :math:`s_w W h + s_b b`, the learning rate of W has three factors:

    - :math:`1 / s_w`: then :math:`s_w W` moves as far as it would without :math:`s_w`. That is the
      same distance at every width, since a step of Muon has the largest singular value
      √max(1, out / in). (A step of Adam needs a factor of 256 / width besides.)
    - The bias's factor for Adam, times :math:`s_b`: how much less features move in a regime where
      wide networks learn less of them.
    - ``initial_scale``, √6 / ω in a SIREN: weights that start smaller than PyTorch's move less in
      the same proportion.

    Args:
        module: Module whose parameters are trained.
        lr: Learning rate of weights without a factor.
        first_layer: Whether the first layer's weight can be a hidden weight.

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
    # A Taylor expansion has the weights at which it is made as buffers.
    if not isinstance(weight, Tensor) or "weight" in layer._buffers:
        return False
    sides = (getattr(layer, "out_features", None), getattr(layer, "in_features", None))
    return tuple(weight.shape[-2:]) == sides


def _matrix_factor(layer: nn.Module) -> float:
    factors = getattr(layer, "lr_factors", {})
    scales = (getattr(layer, "bias_scale", 1.0), getattr(layer, "weight_scale", 1.0))
    share = getattr(layer, "initial_scale", 1.0)
    return float(share * factors.get("bias", 1.0) * scales[0] / scales[1])
