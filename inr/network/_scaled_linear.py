"""Linear layers with fixed factors, and the parameterisations of wide networks by them."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from inr.argument import check_choice

PARAMETERIZATIONS = ("standard", "ntk", "mean_field")
BASE_WIDTH = 256


class ScaledLinear(nn.Linear):
    r"""A linear layer with fixed factors before its weights and its biases.

    .. math:: y = s_w W h + s_b b

    The factors do not change which functions the layer can compute. They change how far a step of
    gradient descent moves it: s² times as far as without them.

    Attributes:
        weight_scale: s_w.
        bias_scale: s_b.
        initial_scale: Size of the initial weights, as a share of PyTorch's default.
        lr_factors: Factors of the learning rate, for ``weight`` and ``bias``, in optimizers that
            divide the gradient by its own size, such as Adam.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__(in_features, out_features)
        self.weight_scale = 1.0
        self.bias_scale = 1.0
        self.initial_scale = 1.0
        self.lr_factors = {"weight": 1.0, "bias": 1.0}

    def forward(self, features: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch c"]:
        # Each parameter enters one product as it is, so that kernels see a linear layer.
        ratio = self.weight_scale / self.bias_scale
        inputs = features if ratio == 1 else ratio * features
        values = functional.linear(inputs, self.weight, self.bias)
        return values if self.bias_scale == 1 else self.bias_scale * values


@torch.no_grad()
def parameterize(layers: Sequence[ScaledLinear], parameterization: str) -> None:
    r"""Gives initialised layers the factors of one of the regimes of wide networks.

    In a network of width n with m features, s_w of the first, the hidden and the last layer is

    - ``standard``: 1, 1, 1. The largest stable learning rate of gradient descent falls as 1/n.
    - ``ntk``: 1/√m, 1/√n, 1/√n. The initial function is the same as under ``standard``. The largest
      stable rate does not depend on n, and the kernel of a wide network stays constant: it learns
      no features (lazy training).
    - ``mean_field``: √(n/m), 1, 1/√n, and the last layer starts 1/√n times as large. The largest
      stable rate does not depend on n, and networks of every width learn features (μP).

    s_b is 1, except under ``mean_field``: there it is √n in all layers but the last.

    Adam's steps do not depend on these factors, so that its learning rate gets factors instead:
    with r = 256 / n, a step moves weights of the first, the hidden and the last layer by
    lr · (1, r, r) under ``mean_field`` and by lr · (√r, r√r, r) under ``ntk``.

    Args:
        layers: Layers from the first to the last. A single layer counts as the last.
        parameterization: ``standard``, ``ntk`` or ``mean_field``.

    Raises:
        ValueError: ``parameterization`` is something else.

    References:
        Jacot, Gabriel and Hongler 2018, "Neural Tangent Kernel", section 3; Yang and Hu 2021,
        "Feature Learning in Infinite-Width Neural Networks", table 1 (the factors); Yang et al.
        2021, "Tensor Programs V", table 8 (Adam's rates under μP).
    """
    check_choice("parameterization", parameterization, PARAMETERIZATIONS)
    if parameterization == "standard":
        return
    lazy = parameterization == "ntk"
    width = layers[-1].in_features if len(layers) > 1 else 1
    narrowness = BASE_WIDTH / width if len(layers) > 1 else 1.0
    for number, layer in enumerate(layers):
        is_first, is_last = number == 0, number == len(layers) - 1
        scale = 1 / math.sqrt(layer.in_features)
        if not lazy and not is_last:
            scale *= math.sqrt(width)
            layer.bias_scale = math.sqrt(width)
        if not lazy and is_last:
            layer.weight.div_(math.sqrt(width))
            layer.bias.div_(math.sqrt(width))
        layer.weight_scale = scale
        layer.weight.div_(layer.weight_scale)
        layer.bias.div_(layer.bias_scale)
        step = narrowness if is_last or not is_first else 1.0
        bias_step = 1.0
        if lazy and not is_last:
            step *= math.sqrt(narrowness)
            bias_step = math.sqrt(narrowness)
        layer.lr_factors = {
            "weight": step / layer.weight_scale,
            "bias": bias_step / layer.bias_scale,
        }
