"""What every network is."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from inr.argument import check_count


class Network(nn.Module, ABC):
    """A map of features to values, applied to each point by itself.

    Args:
        in_features: Feature dimension m.
        out_features: Value dimension c.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.in_features = check_count("in_features", in_features)
        self.out_features = check_count("out_features", out_features)

    def forward(self, features: Tensor) -> Tensor:
        """Values of points.

        Shape:
            ``(*batch, m) -> (*batch, c)``

        Raises:
            ValueError: The last axis is not m wide.
        """
        if features.shape[-1] != self.in_features:
            raise ValueError(
                f"{type(self).__name__} got {features.shape[-1]} features; "
                f"expected {self.in_features}."
            )
        return self.transform(features)

    @abstractmethod
    def transform(self, features: Tensor) -> Tensor:
        """Values of features whose width has been checked: ``(*batch, m) -> (*batch, c)``."""


def apply_in_full_precision(layer: nn.Linear, features: Tensor) -> Tensor:
    """``layer(features)`` in the layer's own dtype, whatever the autocast state."""
    with torch.autocast(features.device.type, enabled=False):
        return layer(features.to(layer.weight.dtype))
