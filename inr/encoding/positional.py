"""Waves along each axis, of logarithmically spaced frequencies."""

import torch

from inr.argument import check_count, check_positive
from inr.encoding._fourier import FourierEncoding


class PositionalEncoding(FourierEncoding):
    r"""Log-spaced frequencies along each axis.

    .. math::
        \gamma(x) = [\cos 2\pi \sigma^{j/(m-1)} x_i,\; \sin 2\pi \sigma^{j/(m-1)} x_i],
        \quad j = 0, \dots, m - 1, \quad i = 1, \dots, d

    Args:
        in_features: Coordinate dimension d.
        num_frequencies: m, along each axis; the output has 2md features.
        scale: σ, the highest frequency, in cycles per unit of coordinate (cycles per image). It is
            at least 1, the lowest frequency.
        amplitude_power: p in a_j ∝ ‖b_j‖^-p; 0 makes the amplitudes equal.
        norm: Length of γ(x); None is √(md).
        trainable: Whether the frequencies are trained.

    Shape:
        ``(*batch, d) -> (*batch, 2md)``

    References:
        Tancik et al. 2020, "Fourier Features Let Networks Learn High Frequency Functions in Low
        Dimensional Domains", section 6.1; Mildenhall et al. 2020, "NeRF", eq. 4.

    Differs from:
        the paper's formula, whose exponents j/m do not reach σ; its notebooks, which subtract 1
        from each frequency; and NeRF, which has π in place of 2π. NeRF's L octaves are
        ``num_frequencies=L`` and ``scale=2**(L-1)``.
    """

    def __init__(
        self,
        in_features: int,
        *,
        num_frequencies: int = 128,
        scale: float = 64.0,
        amplitude_power: float = 0.0,
        norm: float | None = None,
        trainable: bool = False,
    ) -> None:
        check_count("num_frequencies", num_frequencies)
        if check_positive("scale", scale) < 1:
            raise ValueError(f"scale is {scale}; expected 1 or more: it is the highest frequency.")
        exponents = torch.linspace(0, 1, num_frequencies, dtype=torch.float64)
        octaves = (scale**exponents).to(torch.get_default_dtype())
        axes = torch.eye(in_features)
        super().__init__(
            (octaves[:, None, None] * axes).reshape(-1, in_features),
            amplitude_power=amplitude_power,
            norm=norm,
            trainable=trainable,
        )
