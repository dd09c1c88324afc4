"""What linear layers contribute to a tangent kernel, without their Jacobians."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from inr.ntk.function import PointFunction
from inr.ntk.outputs import Outputs, arrange, select

BLOCK_COLUMNS = 2048


class LayerFactors(NamedTuple):
    """What the Jacobian of a linear layer is made of: outer products of these rows.

    Attributes:
        weight: Name of its weight; None when that is not trained by this layer alone.
        bias: Name of its bias; likewise.
        inputs: ``(n, w)`` inputs if there is a weight, and a column of ones if there is a bias.
        gradients: ``(n, c, v)`` gradients of the outputs in the layer's results.
    """

    weight: str | None
    bias: str | None
    inputs: Tensor
    gradients: Tensor

    def at(self, points: slice) -> "LayerFactors":
        """The factors of some of the points."""
        return self._replace(inputs=self.inputs[points], gradients=self.gradients[points])


class _Call(NamedTuple):
    weight: str | None
    bias: str | None
    inputs: Tensor
    result: Tensor


class _Recorder(TorchFunctionMode):
    """Notes every ``torch.nn.functional.linear`` that uses one of some parameters."""

    def __init__(self, params: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.names = {id(p): name for name, p in params.items()}
        self.calls: list[_Call] = []

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func is not functional.linear:
            return result
        given = dict(zip(("input", "weight", "bias"), args, strict=False)) | (kwargs or {})
        weight = self.names.get(id(given["weight"]))
        bias = self.names.get(id(given.get("bias")))
        if weight is None and bias is None:
            return result
        self.calls.append(_Call(weight, bias, given["input"], result))
        # An activation that works in place gets its own copy to work on.
        return result.clone()


def linear_parameters(function: PointFunction, x: Tensor) -> frozenset[str]:
    """Names of the parameters of which one linear layer makes one use on ``(n, w)`` inputs.

    A use is a call of ``torch.nn.functional.linear``, whatever module makes it.

    Args:
        function: What is differentiated.
        x: ``(n, ...)`` some points.
    """
    # A layer of one constant row could be mistaken for one of a single point.
    some = torch.cat([x[:2], x[:2]])[:3]
    outputs, calls = _record(function, some)
    uses = _uses(outputs, function.params)
    return frozenset(
        name
        for call in calls
        for name in (call.weight, call.bias)
        if name is not None
        and uses[name] == 1
        and call.inputs.shape[:-1] == some.shape[:1]
        and not call.result.is_complex()
    )


@torch.enable_grad()
def layer_factors(
    function: PointFunction, x: Tensor, covered: Collection[str], outputs: Outputs = "full"
) -> list[LayerFactors]:
    """The factors of each linear layer that has one of the covered parameters, in call order.

    Args:
        function: What is differentiated.
        x: ``(n, ...)``.
        covered: Names out of :func:`linear_parameters`.
        outputs: Only those selected by it are differentiated.

    Raises:
        ValueError: The function cannot be differentiated or gives no finite numbers, rows inside
            it are not those of the points, or it takes other ways with these points.
    """
    values, calls = _record(function, x)
    values = select(values, outputs)
    kept = [
        call._replace(
            weight=call.weight if call.weight in covered else None,
            bias=call.bias if call.bias in covered else None,
        )
        for call in calls
        if {call.weight, call.bias} & set(covered)
    ]
    names = [n for call in kept for n in (call.weight, call.bias) if n is not None]
    if sorted(names) != sorted(covered) or any(c.inputs.shape[:-1] != x.shape[:1] for c in kept):
        raise ValueError(
            f"{function.name} calls its linear layers otherwise for these points; expected the "
            "same for all. Use method='contraction'."
        )
    results = [call.result for call in kept]
    try:
        gradients = [
            torch.autograd.grad(values[:, o].sum(), results, retain_graph=True)
            for o in range(values.shape[1])
        ]
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"{function.name} cannot be differentiated in the results of its linear layers "
            f"({reason})."
        ) from error
    stacked = [torch.stack(layer, dim=1) for layer in zip(*gradients, strict=True)]
    factors = [
        LayerFactors(call.weight, call.bias, _with_ones(call), gradient)
        for call, gradient in zip(kept, stacked, strict=True)
    ]
    _check_finite(factors)
    _check_rows(function, values, results, stacked)
    return factors


def add_gram(
    kernel: Tensor,
    left: LayerFactors,
    right: LayerFactors,
    outputs: Outputs,
    weighting: Mapping[str, Tensor] | None = None,
) -> None:
    r"""Adds a layer's part to the kernel of two sets of points.

    .. math::
        \Theta_{no,mp} \mathrel{+}= \langle h_n, h_m \rangle \langle g_{no}, g_{mp} \rangle
        \quad\text{or, weighted,}\quad
        \sum_{ij} P_{ij}\, g_{noi} g_{mpi}\, h_{nj} h_{mj}

    Args:
        kernel: ``(n·c, m·c)``, contiguous, for ``full``, else ``(n, m)``.
        left: Factors of n points.
        right: Factors of m points.
        outputs: The kernel's layout.
        weighting: P by the names of parameters; ones when None.

    References:
        Novak, Sohl-Dickstein and Schoenholz 2022, "Fast Finite Width Neural Tangent Kernel", eq. 9.
    """
    if weighting is not None:
        _add_weighted_gram(kernel, left, right, outputs, layer_weighting(left, weighting))
        return
    inputs = left.inputs @ right.inputs.T
    (n, c, _), m = left.gradients.shape, len(right.gradients)
    if outputs == "full":
        gradients = left.gradients.flatten(0, 1) @ right.gradients.flatten(0, 1).T
        kernel.view(n, c, m, c).addcmul_(inputs[:, None, :, None], gradients.view(n, c, m, c))
    else:
        gradients = left.gradients.flatten(1) @ right.gradients.flatten(1).T
        kernel.addcmul_(inputs, gradients, value=1 / c)


def layer_weighting(factors: LayerFactors, weighting: Mapping[str, Tensor]) -> Tensor:
    """The weighting of a layer's parameters as ``(v, w)``, the bias's last."""
    columns = []
    if factors.weight is not None:
        columns.append(weighting[factors.weight])
    if factors.bias is not None:
        columns.append(weighting[factors.bias][:, None])
    return torch.cat(columns, dim=1)


def _add_weighted_gram(
    kernel: Tensor, left: LayerFactors, right: LayerFactors, outputs: Outputs, weighting: Tensor
) -> None:
    """A weighting does not factor: the Jacobian is formed, for some results at a time."""
    step = max(1, BLOCK_COLUMNS // left.inputs.shape[1])
    for start in range(0, len(weighting), step):
        block = slice(start, start + step)
        root = weighting[block].sqrt()
        rows = []
        for side in (left, right):
            jacobian = side.gradients[:, :, block, None] * (root * side.inputs[:, None, None])
            rows.append(arrange(jacobian.flatten(2), outputs))
        kernel.addmm_(rows[0], rows[1].T)


def _record(function: PointFunction, x: Tensor) -> tuple[Tensor, list[_Call]]:
    with torch.enable_grad(), _Recorder(function.params) as recorder:
        outputs = function(x)
    return outputs, recorder.calls


def _with_ones(call: _Call) -> Tensor:
    inputs = call.inputs.detach()
    columns = [] if call.weight is None else [inputs]
    if call.bias is not None:
        columns.append(torch.ones_like(inputs[:, :1]))
    return torch.cat(columns, dim=1)


def _check_finite(factors: list[LayerFactors]) -> None:
    for layer in factors:
        for what, rows in (("inputs", layer.inputs), ("output gradients", layer.gradients)):
            # The norm, and not isfinite, which would write as much as it reads.
            if not torch.linalg.vector_norm(rows, torch.inf).isfinite():
                raise ValueError(
                    f"{what} of the layer of {layer.weight or layer.bias} are not finite; its "
                    "weights have diverged, or its activation has no finite derivative there."
                )


def _check_rows(
    function: PointFunction, values: Tensor, results: list[Tensor], gradients: list[Tensor]
) -> None:
    """Refuses functions in which a layer's row is another point's than the output's.

    Points weighted by numbers of their own must give gradients weighted by the same.
    """
    weights = torch.linspace(1, 2, len(values), dtype=values.dtype, device=values.device)
    weighted = torch.autograd.grad((weights @ values).sum(), results)
    for own, gradient in zip(weighted, gradients, strict=True):
        expected = weights[:, None] * gradient.sum(1)
        if (own - expected).abs().max() > 1e-3 * expected.abs().max():
            raise ValueError(
                f"{function.name} moves points to other rows, or mixes them; expected one that "
                "treats each by itself. Use method='contraction' if it does in the end."
            )


def _uses(outputs: Tensor, params: Mapping[str, Tensor]) -> dict[str, int]:
    """At how many places of the outputs' graph each parameter enters."""
    names = {id(p): name for name, p in params.items()}
    uses = dict.fromkeys(params, 0)
    pending, seen = [outputs.grad_fn], {outputs.grad_fn}
    while pending:
        node = pending.pop()
        for following, _ in node.next_functions if node else ():
            name = names.get(id(getattr(following, "variable", None)))
            if name is not None:
                uses[name] += 1
            elif following not in seen:
                seen.add(following)
                pending.append(following)
    return uses
