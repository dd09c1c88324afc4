"""The eigenvalues of a kernel, by the way that fits its size."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from inr.argument import check_choice
from inr.ntk.spectrum.krylov import SymmetricOperator, check_pairs, check_square
from inr.ntk.spectrum.lanczos import leading_eigenpairs
from inr.ntk.spectrum.quadrature import spectral_measure

# Up to that many rows, all eigenvalues take seconds, and half a gigabyte.
DENSE_ROWS = 4096


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues of a kernel, and how well they are known.

    Attributes:
        eigenvalues: ``(m,)``, descending, in float64 on the CPU.
        method: ``dense``, exact to rounding; ``lanczos``, the leading ones, to their residuals;
            ``quadrature``, estimates of all, within their band.
        rows: Of the kernel; m is less when only the leading ones were asked for.
        residuals: ``(m,)`` norms of K q - λ q, of ``lanczos``.
        band: ``(2, m)`` lower and upper ends, each 95 % confident, of ``quadrature``.
        eigenvectors: ``(rows, m)``, when asked for.
        trace: Of the whole kernel, when it was at hand.
    """

    eigenvalues: Tensor
    method: Literal["dense", "lanczos", "quadrature"]
    rows: int
    residuals: Tensor | None = None
    band: Tensor | None = None
    eigenvectors: Tensor | None = None
    trace: float | None = None


def spectrum(
    kernel: SymmetricOperator,
    k: int | None = None,
    *,
    method: str = "auto",
    eigenvectors: bool = False,
    tolerance: float = 1e-3,
    num_probes: int = 8,
    steps: int = 32,
    max_products: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Spectrum:
    """The k leading eigenvalues of a symmetric kernel, or all of them.

    Args:
        kernel: A tensor ``(rows, rows)``, or an operator that multiplies blocks. In place of one
            with fewer parameters than rows, its smaller dual is taken.
        k: Eigenvalues; None is all.
        method: ``dense``, of the symmetric part, in float64, for which an operator is made a matrix
            (by its ``to_dense()`` if it has one); ``lanczos``, for k of them; ``quadrature``,
            estimates. ``auto`` is dense up to 4,096 rows; beyond, lanczos for k and quadrature for
            all.
        eigenvectors: Whether to return them too; quadrature has none.
        tolerance: Residual that lanczos allows, in units of the eigenvalue.
        num_probes: Random vectors of quadrature.
        steps: Products of quadrature, each with all its vectors.
        max_products: Vectors that lanczos multiplies, at most; None is 512 + 16 k.
        seed: Seed of lanczos and quadrature.
        progress: Called after each of their products with the vectors multiplied and, by lanczos,
            the pairs converged or, by quadrature, the vectors to multiply in all.

    Raises:
        ValueError: The kernel is not square or not finite, k is out of range, or the method is
            unknown or cannot give what was asked for.
    """
    rows = check_square(kernel)
    if k is not None:
        check_pairs(k, rows)
    check_choice("method", method, ("auto", "dense", "lanczos", "quadrature"))
    dual = _smaller_dual(kernel, k, eigenvectors)
    if dual is not None and method != "dense":
        return _spectrum_of_dual(
            kernel,
            dual,
            k,
            method,
            eigenvectors=eigenvectors,
            tolerance=tolerance,
            num_probes=num_probes,
            steps=steps,
            max_products=max_products,
            seed=seed,
            progress=progress,
        )
    if method == "auto":
        beyond = "quadrature" if k is None else "lanczos"
        method = "dense" if rows <= DENSE_ROWS else beyond
    if method == "dense":
        return _dense_spectrum(_as_matrix(kernel), k, eigenvectors)
    trace = _trace(kernel) if isinstance(kernel, Tensor) else None
    if method == "lanczos":
        if k is None:
            raise ValueError("k is None; expected a number for method='lanczos'. Pass k=32.")
        pairs = leading_eigenpairs(
            kernel, k, tolerance=tolerance, max_products=max_products, seed=seed, progress=progress
        )
        return Spectrum(
            pairs.eigenvalues,
            "lanczos",
            rows,
            residuals=pairs.residuals,
            eigenvectors=pairs.eigenvectors if eigenvectors else None,
            trace=trace,
        )
    if eigenvectors:
        raise ValueError(
            "eigenvectors is True; expected False for method='quadrature', which has none. Pass k "
            "with method='lanczos'."
        )
    measure = spectral_measure(
        kernel, num_probes=num_probes, steps=steps, seed=seed, progress=progress
    )
    values, band = measure.eigenvalues()
    return Spectrum(values[:k], "quadrature", rows, band=band[:, :k], trace=trace)


def _spectrum_of_dual(
    kernel: SymmetricOperator, dual: Any, k: int | None, method: str, **options: Any
) -> Spectrum:
    """Of the smaller operator with the same eigenvalues, and the zeros that it lacks."""
    rows, wanted = kernel.shape[0], k or kernel.shape[0]
    eigenvectors = options.pop("eigenvectors")
    # Lanczos's residuals are to be those of the kernel.
    lifting = eigenvectors or method == "lanczos"
    found = spectrum(
        dual, k and min(k, dual.shape[0]), method=method, eigenvectors=lifting, **options
    )
    vectors = dual.lift(found.eigenvectors) if found.eigenvectors is not None else None
    residuals = None
    if found.residuals is not None and vectors is not None:
        scaled = vectors * found.eigenvalues.to(vectors)
        residuals = torch.linalg.vector_norm(kernel @ vectors - scaled, dim=0).cpu().double()
    missing = (0, wanted - len(found.eigenvalues))
    return Spectrum(
        functional.pad(found.eigenvalues, missing),
        found.method,
        rows,
        residuals=None if residuals is None else functional.pad(residuals, missing),
        band=None if found.band is None else functional.pad(found.band, missing),
        eigenvectors=vectors if eigenvectors else None,
        trace=found.trace,
    )


def _smaller_dual(kernel: SymmetricOperator, k: int | None, eigenvectors: bool) -> Any:
    """The kernel's dual if that is smaller and has all that was asked for; else None."""
    dual = kernel.dual() if hasattr(kernel, "dual") else None
    if dual is None or dual.shape[0] >= kernel.shape[0]:
        return None
    return None if eigenvectors and (k is None or k > dual.shape[0]) else dual


def _dense_spectrum(matrix: Tensor, k: int | None, eigenvectors: bool) -> Spectrum:
    if not matrix.isfinite().all():
        raise ValueError(
            "the kernel is not finite; expected finite numbers. Look for infinities and NaN in the "
            "weights and the points."
        )
    double = (matrix.cpu() if matrix.device.type == "mps" else matrix).double()
    double = (double + double.mT) / 2
    vectors = None
    if eigenvectors:
        values, vectors = torch.linalg.eigh(double)
        vectors = vectors.flip(1)[:, :k]
    else:
        values = torch.linalg.eigvalsh(double)
    values = values.flip(0)[:k].cpu()
    return Spectrum(values, "dense", len(matrix), eigenvectors=vectors, trace=_trace(matrix))


def _as_matrix(kernel: SymmetricOperator) -> Tensor:
    if isinstance(kernel, Tensor):
        return kernel
    if hasattr(kernel, "to_dense"):
        return kernel.to_dense()
    return kernel @ torch.eye(kernel.shape[0], dtype=kernel.dtype, device=kernel.device)


def _trace(matrix: Tensor) -> float:
    return matrix.diagonal().cpu().double().sum().item()
