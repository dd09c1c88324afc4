"""Estimates of the whole spectrum of a symmetric operator from random vectors."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from inr.argument import check_count
from inr.ntk.spectrum.krylov import BREAKDOWN, SymmetricOperator, check_square, multiply

# A node counts as an eigenvalue if its residual is below this part of its distance to others.
SETTLED = 0.1


class Estimate(NamedTuple):
    """A mean over random vectors and its confidence band, in float64 on the CPU.

    Attributes:
        mean: ``(m,)`` means.
        band: ``(2, m)`` lower and upper ends of the band.
    """

    mean: Tensor
    band: Tensor


class SpectralMeasure(NamedTuple):
    r"""Gauss quadrature of an operator's spectrum, for each of some random unit vectors.

    .. math:: v_p^\top f(K)\, v_p = \sum_j w_{pj} f(\theta_{pj})

    This is exact for polynomials f of a degree below twice the steps, and an approximation for
    other functions. The mean over the vectors, times the rows, estimates tr f(K).

    Attributes:
        nodes: ``(probes, steps)`` nodes θ, ascending along the steps, in float64 on the CPU. They
            are Ritz values: those near zero may be slightly negative.
        weights: ``(probes, steps)`` weights w, with the sum 1 for each vector.
        spread: ``(probes, steps)`` part of each weight that may lie anywhere between the two
            neighbouring nodes: all of it, or none if the node has converged to an eigenvalue.
        rows: Number of rows of the operator.
    """

    nodes: Tensor
    weights: Tensor
    spread: Tensor
    rows: int

    def counts(self, thresholds: Tensor, confidence: float = 0.95) -> Estimate:
        """The number of eigenvalues at or above each threshold.

        The band is Student's for a mean of as many draws as there are random vectors, for each
        threshold by itself. Both ends are widened by the weight that the two nodes next to the
        threshold may have on its other side (the inequalities of Chebyshev, Markov and Stieltjes).

        Args:
            thresholds: ``(m,)`` thresholds.
            confidence: Chance that the band contains the true count.

        Raises:
            ValueError: The confidence is not between 0 and 1.
        """
        from scipy.special import stdtrit

        if not 0 < confidence < 1:
            raise ValueError(f"confidence is {confidence}; expected a number between 0 and 1.")
        probes = len(self.nodes)
        wanted = thresholds.cpu().double().expand(probes, -1).contiguous()
        above = torch.searchsorted(self.nodes, wanted)
        none = self.weights.new_zeros(probes, 1)
        tails = torch.cat([self.weights.flip(1).cumsum(1).flip(1), none], dim=1)
        draws = self.rows * tails.gather(1, above)
        spread = self.rows * torch.cat([none, self.spread, none], dim=1)
        ends = draws - spread.gather(1, above + 1), draws + spread.gather(1, above)
        quantile = float(stdtrit(probes - 1, (1 + confidence) / 2)) / probes**0.5
        lower = ends[0].mean(0) - quantile * ends[0].std(0)
        upper = ends[1].mean(0) + quantile * ends[1].std(0)
        return Estimate(draws.mean(0), torch.stack([lower, upper]).clamp(0, self.rows))

    def eigenvalues(self, confidence: float = 0.95) -> Estimate:
        """All eigenvalues, descending: the count passes i - 1/2 at the i-th.

        The operator is assumed positive semidefinite, so that a band that is open below the nodes
        ends at zero. No eigenvalue is assumed above the largest node.

        Args:
            confidence: Chance that the band contains an eigenvalue.
        """
        nodes = self.nodes.flatten().sort(descending=True).values
        counts = self.counts(nodes, confidence)
        # The ends of a band can fall where the mean rises; cummax makes them monotonic.
        rising = torch.stack([counts.mean, *counts.band]).cummax(1).values
        middles = torch.arange(self.rows, dtype=torch.float64) + 0.5
        index = torch.searchsorted(rising, middles.expand(3, -1).contiguous())
        values = torch.cat([nodes, nodes[-1:].clamp(max=0.0)])[index]
        return Estimate(values[0], values[1:])


def spectral_measure(
    operator: SymmetricOperator,
    *,
    num_probes: int = 8,
    steps: int = 32,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> SpectralMeasure:
    """Stochastic Lanczos quadrature: a short Lanczos run from each of some random vectors.

    The vectors are uniform on the sphere. The scatter of a count then depends on the spectrum
    alone. For vectors of random signs it would depend on the eigenvectors too.

    The runs share each product, of a block of ``num_probes`` vectors. They keep all their vectors,
    ``num_probes`` · ``steps``, and each new one is orthogonalised twice against those of its run.

    Args:
        operator: Symmetric operator K.
        num_probes: Number of random vectors, two or more.
        steps: Number of products, at most the rows.
        seed: Seed of the vectors.
        progress: Callback after each product, called with the numbers of vectors multiplied and of
            vectors to multiply in all.

    Raises:
        ValueError: K is not square, an argument is out of range, or a product is not finite.

    References:
        Ubaru, Chen and Saad 2017, "Fast estimation of tr(f(A)) via stochastic Lanczos quadrature";
        Chen, Trogdon and Ubaru 2021, "Analysis of stochastic Lanczos quadrature for spectrum
        approximation".
    """
    rows = check_square(operator)
    check_count("num_probes", num_probes, 2)
    steps = min(check_count("steps", steps), rows)
    # Drawn on the CPU, so that a seed means the same on every device.
    probes = torch.randn(num_probes, rows, generator=torch.Generator().manual_seed(seed))
    vectors = probes.to(operator.dtype).to(operator.device)
    vectors /= vectors.norm(dim=1, keepdim=True)
    basis = vectors.new_zeros(num_probes, steps, rows)
    diagonal, beside = vectors.new_zeros(2, num_probes, steps).unbind()
    for step in range(steps):
        basis[:, step] = vectors
        images = multiply(operator, vectors.mT.contiguous()).mT
        known = basis[:, : step + 1]
        rest = images
        for _ in range(2):
            coordinates = (known @ rest[..., None])[..., 0]
            rest = rest - (coordinates[:, None] @ known)[:, 0]
            diagonal[:, step] += coordinates[:, step]
        lengths = rest.norm(dim=1)
        # A run that has exhausted its Krylov space continues with zeros, which get no weight.
        ended = lengths <= BREAKDOWN * torch.finfo(rest.dtype).eps * images.norm(dim=1)
        beside[:, step] = lengths
        vectors = (rest / lengths[:, None]).masked_fill(ended[:, None], 0.0)
        if progress is not None:
            progress((step + 1) * num_probes, steps * num_probes)
    return _gauss_rules(diagonal.cpu().double(), beside.cpu().double(), rows)


def _gauss_rules(diagonal: Tensor, beside: Tensor, rows: int) -> SpectralMeasure:
    """The Gauss rules of tridiagonal matrices, one for each run.

    Args:
        diagonal: ``(probes, steps)`` diagonals.
        beside: ``(probes, steps)`` entries below the diagonal, and the coupling of the last vector.
        rows: Number of rows of the operator.
    """
    tridiagonal = torch.diag_embed(diagonal) + torch.diag_embed(beside[:, :-1], offset=-1)
    # eigh reads the lower triangle alone.
    nodes, eigenvectors = torch.linalg.eigh(tridiagonal)
    weights = eigenvectors[:, 0] ** 2
    residuals = beside[:, -1:] * eigenvectors[:, -1].abs()
    far = nodes.new_full((len(nodes), 1), torch.inf)
    gaps = torch.cat([far, nodes.diff(dim=1), far], dim=1)
    settled = residuals <= SETTLED * torch.minimum(gaps[:, 1:], gaps[:, :-1])
    return SpectralMeasure(nodes, weights, weights.masked_fill(settled, 0.0), rows)
