"""The sinusoidal network with residual blocks."""

from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from inr.argument import check_count, check_flag, check_positive
from inr.network._network import Network, apply_in_full_precision
from inr.network._scaled_linear import ScaledLinear, parameterize
from inr.network._sine import initialize_sine_layers


class ResidualSirenNetwork(Network):
    r"""Sine layers in residual blocks of two, with which deeper networks can be trained.

    .. math::
        h_1 = \sin(\omega_0 (W_0 z + b_0)), \quad
        h_{l+1} = a_l \left(h_l + \sin(\omega (V_l \sin(\omega (U_l m_l h_l + c_l)) + d_l))\right)

    and f(z) = W h_L + b. m_l is 1/2, and 1 in the first block; a_l is 1, and 1/2 in the last block.
    They keep the inputs of blocks between -1 and 1.

    Args:
        in_features: Feature dimension m; meant for coordinates on [-1, 1].
        out_features: Value dimension c.
        hidden_features: Width of all layers.
        hidden_layers: L, the first sine layer and L - 1 blocks of two sine layers.
        omega: ω₀, of the first layer: the highest frequency, in radians per unit.
        hidden_omega: ω, of the sine layers in the blocks.
        parameterization: ``standard``; ``ntk``, in which wide networks are lazy; ``mean_field``, in
            which they learn features. In the last two, one learning rate suits every width.
        trainable: ``all`` or ``last_layer``.
        linearized: Whether to compute the first-order Taylor expansion around the initial weights.

    Shape:
        ``(*batch, m) -> (*batch, c)``

    References:
        Lu, Jiang, Levine and Berger 2021, "Compressive Neural Representations of Volumetric Scalar
        Fields", section 4.1, and its code (the factors 1/2).
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        hidden_features: int = 128,
        hidden_layers: int = 8,
        omega: float = 30.0,
        hidden_omega: float = 30.0,
        parameterization: str = "standard",
        trainable: str = "all",
        linearized: bool = False,
    ) -> None:
        super().__init__(in_features, out_features)
        check_count("hidden_features", hidden_features)
        check_count("hidden_layers", hidden_layers)
        self.omega = check_positive("omega", omega)
        self.hidden_omega = check_positive("hidden_omega", hidden_omega)
        self.first = ScaledLinear(in_features, hidden_features)
        self.blocks = nn.ModuleList(
            nn.ModuleList(ScaledLinear(hidden_features, hidden_features) for _ in range(2))
            for _ in range(hidden_layers - 1)
        )
        self.output = ScaledLinear(hidden_features, out_features)
        inner = [cast(ScaledLinear, layer) for block in self.blocks for layer in block.children()]
        initialize_sine_layers(self.first, (*inner, self.output), hidden_omega)
        parameterize((self.first, *inner, self.output), parameterization)
        self.restrict(trainable, self.output)
        if check_flag("linearized", linearized):
            self.linearize()

    def transform(self, features: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch c"]:
        hidden = torch.sin(self.omega * apply_in_full_precision(self.first, features))
        for number, block in enumerate(self.blocks):
            inside = hidden if number == 0 else hidden / 2
            for layer in block.children():
                inside = torch.sin(self.hidden_omega * layer(inside))
            hidden = hidden + inside
        if len(self.blocks):
            hidden = hidden / 2
        return apply_in_full_precision(self.output, hidden)
