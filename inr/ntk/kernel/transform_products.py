"""Products with the Jacobian of any parameters, by transforming the function."""

from collections.abc import Collection, Iterator, Mapping

import torch
from torch import Tensor
from torch.func import jvp, vjp, vmap

from inr.ntk.kernel.contraction import jacobian, quiet_torch
from inr.ntk.kernel.function import PointFunction
from inr.ntk.kernel.outputs import Outputs, select

JACOBIAN_POINTS = 64


class TransformProducts:
    """Products by ``torch.func.vjp`` and ``jvp``, or with Jacobians of a few points at a time.

    Jacobians are formed where an operation of the module, such as weight normalisation, lacks one
    of the two transforms.

    Args:
        function: Function to differentiate.
        x: ``(n, ...)`` points; the first one is a trial of the transforms.
        names: Names of the parameters in the Jacobian's columns.
        outputs: Selection of the outputs in the Jacobian's rows.
    """

    def __init__(
        self, function: PointFunction, x: Tensor, names: Collection[str], outputs: Outputs
    ) -> None:
        self.function = function
        self.outputs = outputs
        self.params = {name: function.params[name].detach() for name in names}
        self._is_transformed = self._are_adjoint(x[:1])

    def pull(self, x: Tensor, values: Tensor) -> dict[str, Tensor]:
        """Products of the transposed Jacobian: ``(n, c, k)`` to ``(k, *shape)`` by name."""
        if self._is_transformed:
            return self._transform_pull(x, values)
        parts = zip(self._jacobians(x), values.split(JACOBIAN_POINTS), strict=True)
        joined = sum(torch.einsum("nop,nok->kp", rows, part) for rows, part in parts)
        assert isinstance(joined, Tensor)
        sizes = [p.numel() for p in self.params.values()]
        blocks = zip(self.params.items(), joined.split(sizes, dim=1), strict=True)
        return {name: block.reshape(-1, *p.shape) for (name, p), block in blocks}

    def push(self, x: Tensor, moves: Mapping[str, Tensor]) -> Tensor:
        """Products of the Jacobian: ``(k, *shape)`` by name to ``(n, c, k)``."""
        own = {name: moves[name] for name in self.params}
        if self._is_transformed:
            return self._transform_push(x, own)
        block = torch.cat([move.reshape(len(move), -1) for move in own.values()], dim=1).T
        return torch.cat([rows @ block for rows in self._jacobians(x)])

    def norms(self, x: Tensor, weighting: Mapping[str, Tensor] | None) -> Tensor:
        """Squared lengths of the Jacobian's rows: ``(n, c)``."""
        return torch.cat([rows.square().sum(2) for rows in self._jacobians(x, weighting)])

    def _are_adjoint(self, point: Tensor) -> bool:
        """Whether both products exist and belong to one matrix: ⟨v, J u⟩ = ⟨Jᵀ v, u⟩.

        They differ where a module hides something from backward derivatives alone, in ``no_grad``
        blocks or by hooks.
        """
        generator = torch.Generator().manual_seed(0)

        def draw(*shape: int) -> Tensor:
            values = torch.randn(*shape, generator=generator)
            return values.to(self.function.device, self.function.dtype)

        count = select(self.function(point), self.outputs).shape[1]
        v, u = draw(1, count, 1), {name: draw(1, *p.shape) for name, p in self.params.items()}
        try:
            pulled, pushed = self._transform_pull(point, v), self._transform_push(point, u)
        except RuntimeError:
            return False
        products = [(pulled[name] * u[name]).sum() for name in u]
        scale = max(float(pulled[name].norm() * u[name].norm()) for name in u)
        return bool(((v * pushed).sum() - sum(products)).abs() <= 1e-3 * scale)

    def _transform_pull(self, x: Tensor, values: Tensor) -> dict[str, Tensor]:
        def evaluate(params: dict[str, Tensor]) -> Tensor:
            return select(self.function(x, params), self.outputs)

        pull = vjp(evaluate, self.params)[1]
        with quiet_torch():
            return vmap(pull, in_dims=2)(values)[0]

    def _transform_push(self, x: Tensor, moves: Mapping[str, Tensor]) -> Tensor:
        def evaluate(params: dict[str, Tensor]) -> Tensor:
            return select(self.function(x, params), self.outputs)

        with quiet_torch():
            pushed = vmap(lambda move: jvp(evaluate, (self.params,), (move,))[1])(dict(moves))
        return pushed.permute(1, 2, 0)

    def _jacobians(
        self, x: Tensor, weighting: Mapping[str, Tensor] | None = None
    ) -> Iterator[Tensor]:
        for points in x.split(JACOBIAN_POINTS):
            yield jacobian(self.function, points, self.params, self.outputs, weighting)
