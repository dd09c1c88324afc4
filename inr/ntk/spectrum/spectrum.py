"""The eigenvalues of a kernel, by the method that suits its size."""

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

# All eigenvalues of a kernel of this many rows take seconds, and half a gigabyte.
DENSE_ROWS = 4096


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues of a kernel and their accuracy.

    Attributes:
        eigenvalues: ``(m,)`` eigenvalues, descending, in float64 on the CPU.
        method: ``dense`` is exact to rounding; ``lanczos`` gives leading eigenvalues, exact to
            their residuals; ``quadrature`` gives estimates of all, within their band.
        rows: Number of rows of the kernel; m is smaller if k was given.
        residuals: ``(m,)`` norms of K q - λ q; None except for ``lanczos``.
        band: ``(2, m)`` lower and upper ends, with 95 % confidence for each eigenvalue by itself;
            None except for ``quadrature``.
        eigenvectors: ``(rows, m)`` eigenvectors, if asked for.
        trace: Trace of the whole kernel; None if the kernel was not formed.
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
        kernel: A tensor ``(rows, rows)``, or an operator that multiplies blocks. If an operator has
            fewer parameters than rows, its smaller dual takes its place.
        k: Number of leading eigenvalues; all when None.
        method: ``dense`` diagonalises the symmetric part in float64; an operator becomes a matrix
            first, by its ``to_dense()`` if it has one. ``lanczos`` finds k of them, ``quadrature``
            estimates all. ``auto`` is dense up to 4,096 rows; beyond, lanczos for k and quadrature
            for all.
        eigenvectors: Whether to return the eigenvectors too; quadrature has none.
        tolerance: Largest residual in lanczos, relative to the eigenvalue.
        num_probes: Number of random vectors in quadrature.
        steps: Number of products in quadrature, each with all its vectors.
        max_products: Largest number of vectors that lanczos multiplies; None is 512 + 16 k.
        seed: Seed of the random vectors in lanczos and quadrature.
        progress: Callback after each product of lanczos and quadrature. Its arguments are the
            number of vectors multiplied, and the number of pairs converged (lanczos) or of vectors
            to multiply in all (quadrature).

    Raises:
        ValueError: The kernel is not square or not finite, k is out of range, or the method is
            unknown or lacks the requested result.
    """
    rows = check_square(kernel)
    if k is not None:
        check_pairs(k, rows)
    check_choice("method", method, ("auto", "dense", "lanczos", "quadrature"))
    lanczos: dict[str, Any] = {"tolerance": tolerance, "max_products": max_products}
    quadrature: dict[str, Any] = {"num_probes": num_probes, "steps": steps}
    random: dict[str, Any] = {"seed": seed, "progress": progress}
    dual = _smaller_dual(kernel, k, eigenvectors)
    if dual is not None and method != "dense":
        options = lanczos | quadrature | random
        return _spectrum_of_dual(kernel, dual, k, method, eigenvectors, options)
    if method == "auto":
        beyond = "quadrature" if k is None else "lanczos"
        method = "dense" if rows <= DENSE_ROWS else beyond
    if method == "dense":
        return _dense_spectrum(_as_matrix(kernel), k, eigenvectors)
    if method == "lanczos":
        return _lanczos_spectrum(kernel, k, eigenvectors, lanczos | random)
    return _quadrature_spectrum(kernel, k, eigenvectors, quadrature | random)


def _lanczos_spectrum(
    kernel: SymmetricOperator, k: int | None, eigenvectors: bool, options: dict[str, Any]
) -> Spectrum:
    if k is None:
        raise ValueError("k is None; expected a number for method='lanczos'. Pass k=32.")
    pairs = leading_eigenpairs(kernel, k, **options)
    return Spectrum(
        pairs.eigenvalues,
        "lanczos",
        kernel.shape[0],
        residuals=pairs.residuals,
        eigenvectors=pairs.eigenvectors if eigenvectors else None,
        trace=_trace(kernel),
    )


def _quadrature_spectrum(
    kernel: SymmetricOperator, k: int | None, eigenvectors: bool, options: dict[str, Any]
) -> Spectrum:
    if eigenvectors:
        raise ValueError(
            "eigenvectors is True; expected False for method='quadrature', which has none. Pass k "
            "with method='lanczos'."
        )
    values, band = spectral_measure(kernel, **options).eigenvalues()
    trace = _trace(kernel)
    return Spectrum(values[:k], "quadrature", kernel.shape[0], band=band[:, :k], trace=trace)


def _spectrum_of_dual(
    kernel: SymmetricOperator,
    dual: Any,
    k: int | None,
    method: str,
    eigenvectors: bool,
    options: dict[str, Any],
) -> Spectrum:
    """The spectrum from the smaller dual, which has the same eigenvalues but for zeros."""
    rows, wanted = kernel.shape[0], k or kernel.shape[0]
    # Residuals of lanczos must be those of the kernel, which need eigenvectors of the kernel.
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
    """The kernel's dual if it is smaller and has the wanted eigenvectors; else None."""
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


def _trace(kernel: SymmetricOperator) -> float | None:
    """The trace of a tensor; None for other operators, whose diagonal is not formed."""
    if not isinstance(kernel, Tensor):
        return None
    return kernel.diagonal().cpu().double().sum().item()
