"""Random Fourier features."""

import torch

from inr.argument import check_count, check_positive
from inr.encoding._fourier import FourierEncoding


class GaussianEncoding(FourierEncoding):
    r"""Random frequencies from a normal distribution.

    .. math::
        \gamma(x) = [a_j \cos 2\pi b_j^\top x,\; a_j \sin 2\pi b_j^\top x]_{j=1}^m,
        \quad b_j \sim N(0, \sigma^2 I)

    Args:
        in_features: Coordinate dimension d.
        num_frequencies: m; the output has 2m features.
        scale: σ, in cycles per unit of coordinate (cycles per image). A small one gives smooth
            fields, a large one noisy fields.
        seed: Seed of the frequencies.
        amplitude_power: p in a_j ∝ ‖b_j‖^-p; 0 makes the amplitudes equal.
        norm: Length of γ(x); None is √m.
        trainable: Whether the frequencies are trained.

    Shape:
        ``(*batch, d) -> (*batch, 2m)``

    References:
        Tancik et al. 2020, "Fourier Features Let Networks Learn High Frequency Functions in Low
        Dimensional Domains", eq. 5 and section 6.1.
    """

    def __init__(
        self,
        in_features: int,
        *,
        num_frequencies: int = 256,
        scale: float = 20.0,
        seed: int = 0,
        amplitude_power: float = 0.0,
        norm: float | None = None,
        trainable: bool = False,
    ) -> None:
        check_count("num_frequencies", num_frequencies)
        check_positive("scale", scale)
        generator = torch.Generator().manual_seed(seed)
        super().__init__(
            scale * torch.randn(num_frequencies, in_features, generator=generator),
            amplitude_power=amplitude_power,
            norm=norm,
            trainable=trainable,
        )
