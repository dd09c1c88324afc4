"""The tangent kernel as an operator: products with it, without forming it."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from inr.argument import check_choice, check_count
from inr.ntk.kernel.empirical import METHODS, Method, kernel_of
from inr.ntk.kernel.function import Parameters, PointFunction, PointMap
from inr.ntk.kernel.jacobian import JacobianOperator
from inr.ntk.kernel.outputs import Outputs, check_outputs
from inr.ntk.kernel.plan import plan_ntk

CHUNK = 4096


class TraceEstimate(NamedTuple):
    """A trace estimated from samples.

    Attributes:
        value: Mean over samples.
        error: Standard error of the mean.
    """

    value: float
    error: float


class NTKOperator:
    r"""Θ = J P Jᵀ of a module, or a function, at given points, as products with vectors.

    Memory holds the points, their values and a part of the layers' factors, never Θ or J. The
    kernel is that of :func:`empirical_ntk`, at the weights that the model had when the operator was
    made.

    Args:
        model: A module ``(n, ...) -> (n, ...)`` that treats each point by itself, or a callable
            ``(params, x) -> outputs``.
        x: ``(n, ...)`` points.
        outputs: ``full`` has rows n·c + o; ``mean`` is (1/c) Σ_o Θ_oo; a number is that output's
            block.
        method: ``structured`` multiplies by the factors of linear layers, ``contraction`` by
            ``vjp`` and ``jvp`` alone; ``auto`` uses factors where they are cheaper.
        params: Parameters of a callable by name; None for a module.
        weighting: Diagonal P ≥ 0 by parameter name, such as a preconditioner's; ones when None.
        chunk_size: Points that are taken at once.
        dtype: float32 or float64; the model's when None.

    Attributes:
        shape: ``(rows, rows)``.
        jacobian_operator: J √P, with ``matmul`` and ``rmatmul``.
        plan: The parameters that multiply by factors, and those that do not.

    Raises:
        ValueError: The model mixes points, draws numbers or has nothing to train, ``structured``
            does not cover it, or an argument is out of range.
        TypeError: ``params`` do not suit the model.

    Example:
        >>> x = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
        >>> NTKOperator(torch.nn.Linear(2, 1), x) @ torch.tensor([1.0, 0.0])
        tensor([2., 1.])
    """

    def __init__(
        self,
        model: PointMap,
        x: Tensor,
        *,
        outputs: Outputs = "full",
        method: Method = "auto",
        params: Parameters | None = None,
        weighting: Mapping[str, Tensor] | None = None,
        chunk_size: int = CHUNK,
        dtype: torch.dtype | None = None,
    ) -> None:
        check_choice("method", method, METHODS)
        check_count("chunk_size", chunk_size)
        with torch.inference_mode(False):
            function = PointFunction(model, params, dtype, copying=True)
            points = function.place(x)
        weighting = function.place_weighting(weighting)
        check_outputs(outputs, function.check(points))
        self.dtype, self.device = function.dtype, function.device
        with torch.autocast(function.device.type, enabled=False):
            self.plan = plan_ntk(function, points, outputs=outputs, method=method)
        self.jacobian_operator = JacobianOperator(
            function,
            points,
            outputs=outputs,
            plan=self.plan,
            weighting=weighting,
            chunk_size=chunk_size,
        )
        rows = self.jacobian_operator.shape[0]
        self.shape = (rows, rows)
        self._dense = lambda: kernel_of(
            function, points, outputs=outputs, method=method, weighting=weighting
        )

    def __matmul__(self, block: Tensor) -> Tensor:
        """``Θ v`` for ``(rows,)`` or the columns of ``(rows, k)``."""
        columns = block[:, None] if block.ndim == 1 else block
        product = self.jacobian_operator.matmul(self.jacobian_operator.rmatmul(columns))
        return product.view_as(block)

    def diagonal(self) -> Tensor:
        """Θ_ii, exactly: ``(rows,)``."""
        return self.jacobian_operator.row_norms()

    def trace(self) -> float:
        """The sum of the eigenvalues, exactly, from the diagonal."""
        return self.diagonal().double().sum().item()

    def estimate_trace(self, num_probes: int = 16, *, seed: int = 0) -> TraceEstimate:
        """The trace from products with random signs alone.

        Args:
            num_probes: Number of products, 2 or more.
            seed: Seed of the random signs.

        References:
            Hutchinson 1990, "A stochastic estimator of the trace of the influence matrix".
        """
        check_count("num_probes", num_probes, minimum=2)
        generator = torch.Generator().manual_seed(seed)
        signs = torch.randint(2, (self.shape[0], num_probes), generator=generator) * 2 - 1
        probes = signs.to(self.device, self.dtype)
        samples = (probes * (self @ probes)).double().sum(0)
        error = samples.std() / num_probes**0.5
        return TraceEstimate(samples.mean().item(), error.item())

    def to_dense(self) -> Tensor:
        """Θ itself, ``(rows, rows)``."""
        return self._dense()

    def dual(self) -> "DualOperator":
        """√P Jᵀ J √P, which has the same eigenvalues but for zeros."""
        return DualOperator(self.jacobian_operator)


class DualOperator:
    r"""√P Jᵀ J √P of an :class:`NTKOperator`, which is smaller where parameters are few.

    Args:
        jacobian: The operator J √P.

    Attributes:
        shape: ``(columns, columns)``, with the columns of the Jacobian.
    """

    def __init__(self, jacobian: JacobianOperator) -> None:
        self._jacobian = jacobian
        self.dtype, self.device = jacobian.function.dtype, jacobian.function.device
        self.shape = (jacobian.shape[1], jacobian.shape[1])

    def __matmul__(self, block: Tensor) -> Tensor:
        """``√P Jᵀ J √P u`` for ``(columns,)`` or the columns of ``(columns, k)``."""
        columns = block[:, None] if block.ndim == 1 else block
        return self._jacobian.rmatmul(self._jacobian.matmul(columns)).view_as(block)

    def to_dense(self) -> Tensor:
        """The whole matrix, ``(columns, columns)``, computed some columns at a time."""
        unit = torch.eye(self.shape[0], dtype=self.dtype, device=self.device)
        return torch.cat([self @ block for block in unit.split(64, dim=1)], dim=1)

    def lift(self, eigenvectors: Tensor) -> Tensor:
        """Unit eigenvectors of Θ from ``(columns, k)`` eigenvectors of this operator."""
        lifted = self._jacobian.matmul(eigenvectors.to(self.dtype))
        # Where the eigenvalue is zero, the lifted vector is rounding: QR replaces it by a vector
        # orthogonal to the others, which is an eigenvector too.
        basis, scales = torch.linalg.qr(lifted)
        return basis * scales.diagonal().sign()
