"""The Jacobian in the parameters as an operator: products with it, without forming it."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from inr.ntk.kernel.factor_products import layer_norms, pull_layers, push_layers
from inr.ntk.kernel.function import PointFunction
from inr.ntk.kernel.outputs import Outputs, num_rows, select
from inr.ntk.kernel.plan import Plan
from inr.ntk.kernel.structured import LayerFactors, layer_factors
from inr.ntk.kernel.transform_products import TransformProducts

CACHE_BYTES = 3 * 2**30


class JacobianOperator:
    r"""J √P with a row for each row of the kernel, as products with vectors from both sides.

    Linear layers multiply by their factors: with inputs H and output gradients G of the points,
    :math:`J^\top v` is :math:`G^\top \mathrm{diag}(v) H`, and :math:`J u` has the row sums of
    :math:`H u^\top \circ G`. Other parameters multiply by ``torch.func.vjp`` and ``jvp``. Points
    are taken in chunks. The factors of all chunks are kept if they fit into 3 GiB.

    Args:
        function: Function to differentiate.
        x: ``(n, ...)`` points.
        outputs: ``full``, ``mean`` or the number of one output.
        plan: The parameters that multiply by factors, and those that do not.
        weighting: Diagonal of P by parameter name; ones when None.
        chunk_size: Points that are taken at once.

    Attributes:
        shape: ``(rows, columns)``. The columns are all parameters in the order of
            ``function.params``; for ``mean`` they are repeated for each output.
    """

    def __init__(
        self,
        function: PointFunction,
        x: Tensor,
        *,
        outputs: Outputs,
        plan: Plan,
        weighting: Mapping[str, Tensor] | None,
        chunk_size: int,
    ) -> None:
        self.function = function
        self.outputs = outputs
        self.plan = plan
        self.chunks = x.split(chunk_size)
        self._weighting = weighting
        self._num_outputs = select(function(x[:1]), outputs).shape[1]
        self._copies = self._num_outputs if outputs == "mean" else 1
        self.shape = (
            num_rows(len(x), self._num_outputs, outputs),
            self._copies * sum(p.numel() for p in function.params.values()),
        )
        self._rest = (
            TransformProducts(function, x, plan.contracted, outputs) if plan.contracted else None
        )
        self._is_cached = self._factor_bytes(len(x)) <= CACHE_BYTES
        self._factors: dict[int, list[LayerFactors]] = {}

    @torch.no_grad()
    def matmul(self, block: Tensor) -> Tensor:
        """``J √P u`` for the columns u of a ``(columns, k)`` block: ``(rows, k)``."""
        moves = self._unflatten(block)
        with torch.autocast(block.device.type, enabled=False):
            parts = [self._push(number, moves) for number in range(len(self.chunks))]
        return torch.cat([self._collapse(part) for part in parts])

    @torch.no_grad()
    def rmatmul(self, block: Tensor) -> Tensor:
        """``√P Jᵀ v`` for the columns v of a ``(rows, k)`` block: ``(columns, k)``."""
        total: dict[str, Tensor] = {}
        sizes = [num_rows(len(chunk), self._num_outputs, self.outputs) for chunk in self.chunks]
        for number, part in enumerate(block.split(sizes)):
            with torch.autocast(block.device.type, enabled=False):
                pulled = self._pull(number, self._expand(part))
            total = {name: total[name] + p if total else p for name, p in pulled.items()}
        return self._flatten(total)

    @torch.no_grad()
    def row_norms(self) -> Tensor:
        """Squared lengths of the rows, the kernel's diagonal: ``(rows,)``."""
        with torch.autocast(self.function.device.type, enabled=False):
            norms = torch.cat([self._norms(number) for number in range(len(self.chunks))])
        return norms.flatten() if self.outputs == "full" else norms.mean(1)

    def _pull(self, number: int, values: Tensor) -> dict[str, Tensor]:
        pulled = pull_layers(self._layers(number), values)
        if self._rest is not None:
            pulled |= self._rest.pull(self.chunks[number], values)
        return pulled

    def _push(self, number: int, moves: Mapping[str, Tensor]) -> Tensor:
        if self._rest is None:
            return push_layers(self._layers(number), moves)
        pushed = self._rest.push(self.chunks[number], moves)
        return pushed + push_layers(self._layers(number), moves) if self.plan.layers else pushed

    def _norms(self, number: int) -> Tensor:
        if self._rest is None:
            return layer_norms(self._layers(number), self._weighting)
        norms = self._rest.norms(self.chunks[number], self._weighting)
        if not self.plan.layers:
            return norms
        return norms + layer_norms(self._layers(number), self._weighting)

    def _layers(self, number: int) -> list[LayerFactors]:
        if not self.plan.layers:
            return []
        if number in self._factors:
            return self._factors[number]
        factors = layer_factors(self.function, self.chunks[number], self.plan.layers, self.outputs)
        if self._is_cached:
            self._factors[number] = factors
        return factors

    def _factor_bytes(self, num_points: int) -> int:
        numbers = 0
        for name in self.plan.layers:
            rows, *width = self.function.params[name].shape
            numbers += sum(width) + (self._num_outputs * rows if width else 1)
        return num_points * numbers * self.function.dtype.itemsize

    def _expand(self, block: Tensor) -> Tensor:
        """Reshapes ``(rows, k)`` of a chunk to ``(n, c, k)``; for ``mean`` to ``(n, c, c·k)``."""
        c = self._num_outputs
        if self.outputs != "mean":
            return block.reshape(-1, c, block.shape[1])
        own = torch.eye(c, dtype=block.dtype, device=block.device) / math.sqrt(c)
        return (own[None, :, :, None] * block[:, None, None]).flatten(2)

    def _collapse(self, values: Tensor) -> Tensor:
        """The transpose of :meth:`_expand`."""
        c = self._num_outputs
        if self.outputs != "mean":
            return values.flatten(0, 1)
        return values.unflatten(2, (c, -1)).diagonal(dim1=1, dim2=2).sum(-1) / math.sqrt(c)

    def _flatten(self, pulled: Mapping[str, Tensor]) -> Tensor:
        """``(copies·k, *shape)`` by name to ``(columns, k)``, times √P."""
        parts = []
        for name in self.function.params:
            part = pulled[name]
            if self._weighting is not None:
                part = part * self._weighting[name].sqrt()
            parts.append(part.reshape(len(part), -1))
        joined = torch.cat(parts, dim=1)
        return joined.view(self._copies, -1, joined.shape[1]).transpose(1, 2).flatten(0, 1)

    def _unflatten(self, block: Tensor) -> dict[str, Tensor]:
        """The transpose of :meth:`_flatten`."""
        joined = block.view(self._copies, -1, block.shape[1]).transpose(1, 2).flatten(0, 1)
        parts = joined.split([p.numel() for p in self.function.params.values()], dim=1)
        moves = {}
        for (name, p), part in zip(self.function.params.items(), parts, strict=True):
            part = part.reshape(len(part), *p.shape)
            if self._weighting is not None:
                part = part * self._weighting[name].sqrt()
            moves[name] = part
        return moves
