"""A probe of a tangent kernel: its spectrum at some points of a field."""

import copy
import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from inr.ntk.dynamics.rates import max_lr
from inr.ntk.kernel.empirical import empirical_ntk
from inr.ntk.kernel.operator import NTKOperator
from inr.ntk.kernel.outputs import Outputs
from inr.ntk.spectrum.conditioning import (
    condition_number,
    effective_rank,
    falloff_exponent,
    participation_ratio,
)
from inr.ntk.spectrum.spectrum import DENSE_ROWS, Spectrum, spectrum

FLOAT32_FLOOR = 1e-6
FLOAT64_FLOOR = 1e-12


class Probe(NamedTuple):
    """A kernel at some points.

    Attributes:
        spectrum: Eigenvalues of the kernel: all, or the leading ones.
        kernel: ``(rows, rows)`` kernel in float64; None if it was not formed.
        trace: Sum of all eigenvalues.
        num_values: Points times outputs, the number of values in the mean of a loss.
        steepest: Largest eigenvalue of the kernel of all pairs of outputs, which decides which
            learning rates are stable; None if it was not computed.
    """

    spectrum: Spectrum
    kernel: Tensor | None
    trace: float
    num_values: int
    steepest: float | None

    @property
    def scalars(self) -> dict[str, float]:
        """Numbers that describe the spectrum, by name.

        Leading or estimated eigenvalues give only some of them. ``max_lr`` is the largest stable
        rate of gradient descent on the mean squared error.
        """
        values, method = self.spectrum.eigenvalues, self.spectrum.method
        scalars = {"trace": self.trace}
        if method == "quadrature":
            return scalars
        scalars["lambda_max"] = values[0].item()
        # Lanczos multiplies in float32 in most cases, whose rounding hides smaller eigenvalues.
        floor = FLOAT32_FLOOR if method == "lanczos" else FLOAT64_FLOOR
        exponent = falloff_exponent(values, floor=floor)
        if not math.isnan(exponent):
            scalars["falloff_exponent"] = exponent
        if self.steepest is not None:
            scalars["max_lr"] = max_lr(self.steepest, self.num_values)
        if len(values) < self.spectrum.rows:
            return scalars
        return scalars | {
            "condition_number": condition_number(values),
            "effective_rank": effective_rank(values),
            "participation_ratio": participation_ratio(values),
        }


def probe_field(
    field: nn.Module,
    coords: Tensor,
    *,
    outputs: Outputs = "mean",
    k: int | None = None,
    density: bool = False,
    weighting: Mapping[str, Tensor] | None = None,
    eigenvectors: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Probe:
    """The spectrum of a field's kernel at given points. The field stays unchanged.

    A kernel of up to 4,096 rows, or one whose eigenvalues are all wanted, is formed in float64,
    since float32's rounding hides the small eigenvalues. The leading k of a larger kernel are found
    from products in the field's own dtype.

    Args:
        field: A module ``(n, d) -> (n, c)``.
        coords: ``(n, d)`` points.
        outputs: ``full``, ``mean`` or the number of one output.
        k: Number of leading eigenvalues, at most all; all when None.
        density: Whether to estimate all eigenvalues by quadrature, from products in the field's own
            dtype.
        weighting: Diagonal P ≥ 0 of J P Jᵀ by parameter name; ones when None.
        eigenvectors: Whether to find the eigenvectors too.
        progress: Callback after each product, called with the numbers of products and of
            eigenvalues found so far.
    """
    if next(field.parameters()).device.type == "mps":  # It has no float64.
        field = copy.deepcopy(field).cpu()
        weighting = weighting and {name: part.cpu() for name, part in weighting.items()}
    with torch.no_grad():
        num_outputs = field(coords[:1].to(next(field.parameters()))).shape[1]
    num_values = len(coords) * num_outputs
    rows = num_values if outputs == "full" else len(coords)
    k = k and min(k, rows)
    if density or (k is not None and rows > DENSE_ROWS):
        operator = NTKOperator(field, coords, outputs=outputs, weighting=weighting)
        method = "quadrature" if density else "lanczos"
        found = spectrum(operator, k, method=method, eigenvectors=eigenvectors, progress=progress)
        trace = operator.trace()
        # Free its factors before the next operator makes its own.
        del operator
        steepest = None if density else _steepest(field, coords, num_values, weighting, found)
        return Probe(found, None, trace, num_values, steepest)
    kernel = empirical_ntk(field, coords, outputs=outputs, weighting=weighting, dtype=torch.float64)
    found = spectrum(kernel, k, method="dense", eigenvectors=eigenvectors)
    steepest = _steepest(field, coords, num_values, weighting, found)
    return Probe(found, kernel, kernel.trace().item(), num_values, steepest)


def _steepest(
    field: nn.Module,
    coords: Tensor,
    num_values: int,
    weighting: Mapping[str, Tensor] | None,
    found: Spectrum,
) -> float:
    """The largest eigenvalue of the kernel of all pairs of outputs, which no block's exceeds."""
    if found.rows < num_values:
        operator = NTKOperator(field, coords, weighting=weighting)
        found = spectrum(operator, 1, method="lanczos", tolerance=1e-2)
    return found.eigenvalues[0].item()
