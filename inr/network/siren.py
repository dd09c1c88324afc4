"""The sinusoidal network."""

from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from inr.argument import check_count, check_flag, check_positive
from inr.network._network import Network, apply_in_full_precision
from inr.network._scaled_linear import ScaledLinear, parameterize
from inr.network._sine import initialize_sine_layers


class SirenNetwork(Network):
    r"""Multilayer perceptron with sine activations.

    .. math::
        h_1 = \sin(\omega_0 (W_0 z + b_0)), \quad h_{l+1} = \sin(\omega (W_l h_l + b_l)),
        \quad f(z) = W_L h_L + b_L

    The first layer is computed in full precision, whatever the autocast state: its phases are many
    radians, as in an encoding.

    Args:
        in_features: Feature dimension m; meant for coordinates on [-1, 1].
        out_features: Value dimension c.
        hidden_features: Width of the hidden layers.
        hidden_layers: L, the number of sine layers.
        omega: ω₀, of the first layer: the highest frequency, in radians per unit.
        hidden_omega: ω, of the other sine layers.
        parameterization: ``standard``; ``ntk``, in which wide networks are lazy; ``mean_field``, in
            which they learn features. In the last two, one learning rate suits every width.
        trainable: ``all`` or ``last_layer``.
        linearized: Whether to compute the first-order Taylor expansion around the initial weights.

    Shape:
        ``(*batch, m) -> (*batch, c)``

    References:
        Sitzmann et al. 2020, "Implicit Neural Representations with Periodic Activation
        Functions", section 3.2 and supplement 1.5 (the initialisation).

    Differs from:
        the paper's code, which does not count the first sine layer: its ``hidden_layers=3`` is
        ``hidden_layers=4`` here.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        hidden_features: int = 256,
        hidden_layers: int = 4,
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
        self.hidden = nn.ModuleList(
            ScaledLinear(hidden_features, hidden_features) for _ in range(hidden_layers - 1)
        )
        self.output = ScaledLinear(hidden_features, out_features)
        later = [cast(ScaledLinear, layer) for layer in (*self.hidden, self.output)]
        initialize_sine_layers(self.first, later, hidden_omega)
        parameterize((self.first, *later), parameterization)
        self.restrict(trainable, self.output)
        if check_flag("linearized", linearized):
            self.linearize()

    def transform(self, features: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch c"]:
        hidden = torch.sin(self.omega * apply_in_full_precision(self.first, features))
        for layer in self.hidden:
            hidden = torch.sin(self.hidden_omega * layer(hidden))
        return apply_in_full_precision(self.output, hidden)
