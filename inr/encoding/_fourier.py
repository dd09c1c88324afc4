"""Fourier features with any frequencies, which the members of the family choose."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from inr.argument import check_flag, check_positive
from inr.encoding._encoding import Encoding


class FourierEncoding(Encoding):
    r"""Fourier features with given frequencies.

    .. math::
        \gamma(x) = [a_1 \cos 2\pi b_1^\top x, \dots, a_m \cos 2\pi b_m^\top x,\;
                     a_1 \sin 2\pi b_1^\top x, \dots, a_m \sin 2\pi b_m^\top x],
        \quad a_j \propto \|b_j\|^{-p}

    The length of γ(x), ``norm``, is the same at every x.

    Args:
        frequencies: ``(m, d)`` vectors b_j, in cycles per unit of coordinate.
        amplitude_power: p, the exponent of the amplitudes. 0 makes all amplitudes equal; infinity
            keeps only the lowest frequency.
        norm: Length of γ(x); None is √m, for which equal amplitudes are 1.
        trainable: Whether the frequencies are trained, and so part of the kernel, or a buffer.

    Shape:
        ``(*batch, d) -> (*batch, 2m)``

    Raises:
        ValueError: ``frequencies`` is not a matrix, or contains zero, whose amplitude is infinite
            unless ``amplitude_power`` is 0.

    References:
        Tancik et al. 2020, "Fourier Features Let Networks Learn High Frequency Functions in Low
        Dimensional Domains", eq. 5.

    Differs from:
        the paper's notebooks, which put sines before cosines. The order makes no difference to a
        network.
    """

    frequencies: Tensor
    amplitudes: Tensor

    def __init__(
        self,
        frequencies: Tensor,
        *,
        amplitude_power: float = 0.0,
        norm: float | None = None,
        trainable: bool = False,
    ) -> None:
        if frequencies.ndim != 2:
            raise ValueError(f"frequencies have shape {tuple(frequencies.shape)}; expected (m, d).")
        num_frequencies, in_features = frequencies.shape
        super().__init__(in_features, 2 * num_frequencies)
        if norm is not None:
            check_positive("norm", norm)
        # In float64, so that equal amplitudes are exactly 1.
        amplitudes = _power_law(frequencies.detach().double(), amplitude_power)
        amplitudes *= (norm or math.sqrt(num_frequencies)) / torch.linalg.vector_norm(amplitudes)
        if check_flag("trainable", trainable):
            self.frequencies = nn.Parameter(frequencies.clone())
        else:
            self.register_buffer("frequencies", frequencies.clone())
        self.register_buffer("amplitudes", amplitudes.to(frequencies.dtype))

    def encode(self, coords: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch m"]:
        # Axis by axis, because a GPU may round a matrix product to the ten bits of TF32.
        waves = 2 * math.pi * self.frequencies
        phases = coords[..., :1] * waves[:, 0]
        for axis in range(1, self.in_features):
            phases = phases + coords[..., axis, None] * waves[:, axis]
        return torch.cat(
            [self.amplitudes * torch.cos(phases), self.amplitudes * torch.sin(phases)], dim=-1
        )


def _power_law(frequencies: Float[Tensor, "m d"], power: float) -> Float[Tensor, " m"]:
    """Amplitudes ``|b_j|^-power`` up to a common factor; the power may be infinite."""
    if power == 0:
        return torch.ones(len(frequencies), dtype=frequencies.dtype)
    if not power > 0:
        raise ValueError(f"amplitude_power is {power}; expected 0 or more.")
    logarithms = torch.linalg.vector_norm(frequencies, dim=1).log()
    if logarithms.isinf().any():
        raise ValueError(
            "a frequency is zero, whose power-law amplitude is infinite; "
            "expected amplitude_power=0."
        )
    above_lowest = logarithms - logarithms.min()
    return torch.where(above_lowest == 0, 1.0, torch.exp(-power * above_lowest))
