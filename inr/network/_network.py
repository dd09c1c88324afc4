"""Base class of networks."""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from inr.argument import check_choice, check_count
from inr.taylor import TaylorPoint

TRAINABLE = ("all", "last_layer")


class Network(nn.Module, ABC):
    """A map of features to values, applied to each point by itself.

    Args:
        in_features: Feature dimension m.
        out_features: Value dimension c.

    Attributes:
        point: Point at which a linearised network is expanded; None for other networks.
        rounds_features: Whether autocast rounds the features first, so that features which are
            rounded already give the same values.
    """

    rounds_features = False

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.in_features = check_count("in_features", in_features)
        self.out_features = check_count("out_features", out_features)
        self.point: TaylorPoint | None = None

    def restrict(self, trainable: str, last_layer: nn.Module) -> None:
        """Chooses the parameters that are trained.

        Args:
            trainable: ``all`` or ``last_layer``.
            last_layer: Layer that gives the values.

        Raises:
            ValueError: ``trainable`` is something else.
        """
        if check_choice("trainable", trainable, TRAINABLE) == "last_layer":
            self.requires_grad_(False)
            last_layer.requires_grad_(True)

    def linearize(self) -> None:
        """Replaces the network by its first-order Taylor expansion around its present weights.

        References:
            Lee et al. 2019, "Wide Neural Networks of Any Depth Evolve as Linear Models Under
            Gradient Descent", eq. 5.
        """
        self.point = TaylorPoint(self)

    def forward(
        self, features: Float[Tensor, "*batch m"]
    ) -> Float[Tensor, "*batch {self.out_features}"]:
        """Values of points.

        Shape:
            ``(*batch, m) -> (*batch, c)``

        Raises:
            ValueError: The last axis of ``features`` is not m wide.
        """
        if features.shape[-1] != self.in_features:
            raise ValueError(
                f"{type(self).__name__} got {features.shape[-1]} features; "
                f"expected {self.in_features}."
            )
        if self.point is None:
            return self.transform(features)
        values: Tensor = self.point(dict(self.named_parameters()), features)
        return values

    @abstractmethod
    def transform(self, features: Float[Tensor, "*batch m"]) -> Float[Tensor, "*batch c"]:
        """Values of features whose last axis is m wide, as :meth:`forward` has checked."""


def apply_in_full_precision(
    layer: nn.Linear, features: Float[Tensor, "*batch m"]
) -> Float[Tensor, "*batch c"]:
    """``layer(features)`` in the layer's own dtype, whatever the autocast state."""
    with torch.autocast(features.device.type, enabled=False):
        return layer(features.to(layer.weight.dtype))
