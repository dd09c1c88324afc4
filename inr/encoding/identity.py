"""The coordinates themselves, on the domain [-1, 1]."""

from jaxtyping import Float
from torch import Tensor

from inr.encoding._encoding import Encoding


class IdentityEncoding(Encoding):
    r"""The coordinates themselves, on [-1, 1].

    .. math:: \gamma(x) = 2x - 1

    SIREN and its relatives are initialised for this domain.

    Args:
        in_features: Coordinate dimension d.

    Shape:
        ``(*batch, d) -> (*batch, d)``

    References:
        Sitzmann et al. 2020, "Implicit Neural Representations with Periodic Activation
        Functions", section 3.1 (image fitting on [-1, 1]²).
    """

    def __init__(self, in_features: int) -> None:
        super().__init__(in_features, in_features)

    def encode(self, coords: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        return 2 * coords - 1
