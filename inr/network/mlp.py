"""The multilayer perceptron."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from inr.argument import check_choice, check_count, check_flag
from inr.network._activation import ACTIVATIONS
from inr.network._initialization import INITIALIZATIONS
from inr.network._network import Network, apply_in_full_precision
from inr.network._scaled_linear import ScaledLinear, parameterize


class MLPNetwork(Network):
    r"""Multilayer perceptron with optional skip connections.

    .. math:: h_0 = z, \quad h_{l+1} = \phi(W_l h_l + b_l), \quad f(z) = \psi(W_L h_L + b_L)

    Args:
        in_features: Feature dimension m.
        out_features: Value dimension c.
        hidden_features: Width of the hidden layers.
        hidden_layers: L, the number of hidden layers; 0 is a linear map.
        activation: φ, by name.
        skips: Hidden layers (0 is the first) that also take the network's input, concatenated.
        output_activation: ψ, by name.
        initialization: ``torch``, ``he`` or ``glorot``.
        parameterization: ``standard``; ``ntk``, in which wide networks are lazy; ``mean_field``, in
            which they learn features. In the last two, one learning rate suits every width.
        trainable: ``all`` or ``last_layer``.
        linearized: Whether to compute the first-order Taylor expansion around the initial weights.

    Shape:
        ``(*batch, m) -> (*batch, c)``

    Raises:
        ValueError: A size, a name or a skip is not one of those possible.

    References:
        Mildenhall et al. 2020, "NeRF", figure 7 (the skip connection); Yang and Hu 2021, "Feature
        Learning in Infinite-Width Neural Networks", table 1 (the parameterisations); Lee et al.
        2019, "Wide Neural Networks of Any Depth Evolve as Linear Models Under Gradient Descent",
        eq. 5 (the expansion).
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        hidden_features: int = 256,
        hidden_layers: int = 3,
        activation: str = "relu",
        skips: Sequence[int] = (),
        output_activation: str = "identity",
        initialization: str = "torch",
        parameterization: str = "standard",
        trainable: str = "all",
        linearized: bool = False,
    ) -> None:
        super().__init__(in_features, out_features)
        check_count("hidden_features", hidden_features)
        check_count("hidden_layers", hidden_layers, minimum=0)
        self.activation = check_choice("activation", activation, ACTIVATIONS)
        self.output_activation = check_choice("output_activation", output_activation, ACTIVATIONS)
        self.initialization = check_choice("initialization", initialization, INITIALIZATIONS)
        self.skips = frozenset(skips)
        if not self.skips <= set(range(1, hidden_layers)):
            raise ValueError(
                f"skips are {sorted(self.skips)}; expected hidden layers from 1 to "
                f"{max(hidden_layers - 1, 1)}, less than hidden_layers."
            )
        widths = [in_features] + hidden_layers * [hidden_features]
        self.hidden = nn.ModuleList(
            ScaledLinear(
                widths[layer] + (in_features if layer in self.skips else 0), hidden_features
            )
            for layer in range(hidden_layers)
        )
        self.output = ScaledLinear(widths[-1], out_features)
        for layer in (*self.hidden, self.output):
            INITIALIZATIONS[initialization](layer)
        parameterize((*self.hidden, self.output), parameterization)
        # Autocast would round the features after such a factor.
        self.rounds_features = hidden_layers > 0 and all(
            self.hidden[layer].weight_scale == self.hidden[layer].bias_scale
            for layer in (0, *self.skips)
        )
        self.restrict(trainable, self.output)
        if check_flag("linearized", linearized):
            self.linearize()

    def transform(self, features: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch c"]:
        activate = ACTIVATIONS[self.activation]
        hidden = features
        for index, layer in enumerate(self.hidden):
            if index in self.skips:
                hidden = torch.cat([hidden, features.to(hidden.dtype)], dim=-1)
            hidden = activate(layer(hidden))
        return ACTIVATIONS[self.output_activation](apply_in_full_precision(self.output, hidden))
