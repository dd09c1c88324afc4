"""One period of a wave along each axis."""

import torch

from inr.encoding._fourier import FourierEncoding


class BasicEncoding(FourierEncoding):
    r"""One period of cosine and sine along each axis.

    .. math:: \gamma(x) = [\cos 2\pi x, \sin 2\pi x]

    Args:
        in_features: Coordinate dimension d.
        amplitude_power: p in a_j ∝ ‖b_j‖^-p. It has no effect, because all ‖b_j‖ are 1.
        norm: Length of γ(x); None is √d.
        trainable: Whether the frequencies are trained.

    Shape:
        ``(*batch, d) -> (*batch, 2d)``

    References:
        Tancik et al. 2020, "Fourier Features Let Networks Learn High Frequency Functions in Low
        Dimensional Domains", section 6.1.
    """

    def __init__(
        self,
        in_features: int,
        *,
        amplitude_power: float = 0.0,
        norm: float | None = None,
        trainable: bool = False,
    ) -> None:
        super().__init__(
            torch.eye(in_features), amplitude_power=amplitude_power, norm=norm, trainable=trainable
        )
