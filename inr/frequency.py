"""Octave bands of the frequencies on a lattice."""

import itertools
import math
from collections.abc import Sequence

import torch
from jaxtyping import Num
from torch import Tensor

from inr.argument import check_count


class OctaveBands:
    r"""Radial octaves of the discrete Fourier transform of a lattice.

    .. math::
        \hat u_k = \frac1N \sum_j u_j \, e^{-2\pi i \sum_a k_a j_a / n_a}, \qquad
        2^{b-1} \le \lVert k \rVert < 2^b

    Frequencies are in cycles per unit of coordinate, whatever the number of cells along an axis:
    bin ``j`` of an axis with n cells has the frequency ``fftfreq(n)[j] * n``. Band 0 is the mean,
    k = 0. The last band contains the corner, where ‖k‖ is largest. No band is empty.

    Args:
        shape: Cells per axis, in array order: ``(L,)``, ``(H, W)``, ``(D, H, W)``.
        device: Device of the tensors.

    Attributes:
        shape: Cells per axis.
        edges: ``num_bands + 1`` frequencies 0, 1, 2, 4, ...: band b is ``[edges[b], edges[b+1])``.
        index: ``(N,)`` band of each bin, in the order of a flattened ``fftn``.
        counts: ``(num_bands,)`` number of bins in each band.

    Raises:
        TypeError: The number of cells along an axis is not whole.
        ValueError: An axis has no cells.

    Example:
        >>> OctaveBands((1, 8)).labels
        ('00_mean', '01_1-2', '02_2-4', '03_4-8')
        >>> OctaveBands((1, 8)).counts
        tensor([1, 2, 4, 1])
    """

    def __init__(self, shape: Sequence[int], device: torch.device | str | None = None) -> None:
        self.shape = tuple(check_count("a lattice's axis", n) for n in shape)
        squared = torch.zeros(1, dtype=torch.int64, device=device)
        for n in self.shape:
            cells = torch.arange(n, device=device)
            squared = (squared[:, None] + torch.minimum(cells, n - cells).square()).flatten()
        # Squares are whole numbers, so that no rounding moves ‖k‖ = 2^b across the edge.
        octaves = (int(squared.max()).bit_length() + 1) // 2
        self.edges = (0, *(2**b for b in range(octaves + 1)))
        inner = torch.tensor([4**b for b in range(octaves)], dtype=torch.int64, device=device)
        self.index = torch.bucketize(squared, inner, out_int32=True, right=True)
        self.counts = torch.bincount(self.index, minlength=len(self))

    def __len__(self) -> int:
        """The number of bands."""
        return len(self.edges) - 1

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the bands, which sort by frequency and are the same on every lattice."""
        return band_labels(self.edges)

    def sum(self, per_bin: Num[Tensor, "*batch N"]) -> Num[Tensor, "*batch {len(self)}"]:
        """Sums over the bins of each band.

        Shape:
            ``(*batch, N) -> (*batch, num_bands)``
        """
        # index_add would sum one by one, which loses digits of float32 in bands of many bins.
        parts = [per_bin.where(self.index == band, 0).sum(-1) for band in range(len(self))]
        return torch.stack(parts, dim=-1)

    def mean(self, per_bin: Num[Tensor, "*batch N"]) -> Num[Tensor, "*batch {len(self)}"]:
        """Means over the bins of each band.

        Shape:
            ``(*batch, N) -> (*batch, num_bands)``
        """
        return self.sum(per_bin) / self.counts

    def energies(self, values: Num[Tensor, "*shape c"]) -> Num[Tensor, " bands"]:
        r"""Energies of values in the bands, averaged over channels.

        .. math:: E_b = \frac1c \sum_{o=1}^c \sum_{k \in b} |\hat u_{k,o}|^2

        Their sum is the mean square of the values (Parseval).

        Args:
            values: Values on the lattice, in float32 or float64. One channel is transformed at a
                time.

        Shape:
            ``(*shape, c) -> (num_bands,)``

        Raises:
            ValueError: The values are on another lattice.
        """
        if tuple(values.shape[:-1]) != self.shape:
            raise ValueError(
                f"values have shape {tuple(values.shape)}; expected {(*self.shape, 'c')}, one "
                "vector per lattice point."
            )
        power = values.new_zeros(math.prod(self.shape))
        for channel in values.unbind(-1):
            power += torch.fft.fftn(channel, norm="forward").abs().square().flatten()
        return self.sum(power) / values.shape[-1]


def band_labels(edges: Sequence[int]) -> tuple[str, ...]:
    """Names of the bands between edges 0, 1, 2, 4, ..., which sort by frequency.

    Example:
        >>> band_labels((0, 1, 2, 4))
        ('00_mean', '01_1-2', '02_2-4')
    """
    octaves = itertools.pairwise(edges[1:])
    return ("00_mean", *(f"{b:02d}_{low}-{high}" for b, (low, high) in enumerate(octaves, 1)))
