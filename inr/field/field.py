"""A coordinate network."""

from torch import Tensor, nn

from inr.encoding import Encoding
from inr.network import Network


class Field(nn.Module):
    r"""A network after an encoding: what is fitted to a signal.

    .. math:: f(x; \theta) = \mathrm{network}(\gamma(x))

    Args:
        encoding: γ.
        network: Takes what the encoding gives.

    Shape:
        ``(*batch, d) -> (*batch, c)``

    Raises:
        ValueError: Their sizes do not meet.

    Example:
        >>> import torch
        >>> from inr.encoding import GaussianEncoding
        >>> from inr.network import MLPNetwork
        >>> encoding = GaussianEncoding(2, num_frequencies=8)
        >>> field = Field(encoding, MLPNetwork(encoding.out_features, 3))
        >>> field(torch.rand(5, 2)).shape
        torch.Size([5, 3])
    """

    def __init__(self, encoding: Encoding, network: Network) -> None:
        super().__init__()
        if encoding.out_features != network.in_features:
            raise ValueError(
                f"the encoding gives {encoding.out_features} features and the network takes "
                f"{network.in_features}; expected the same number."
            )
        self.encoding = encoding
        self.network = network
        self.in_features = encoding.in_features
        self.out_features = network.out_features

    def forward(self, coords: Tensor | None = None, *, features: Tensor | None = None) -> Tensor:
        """Values of the field at points, of which the coordinates or the features are given.

        Args:
            coords: ``(*batch, d)``, in the unit cube.
            features: ``(*batch, m)``, γ of the coordinates, where it is precomputed.

        Shape:
            ``(*batch, c)``
        """
        return self.network(self.encoding(coords) if features is None else features)
