"""The part of linear layers in a tangent kernel, without their Jacobians."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from inr.ntk.kernel.function import PointFunction
from inr.ntk.kernel.outputs import Outputs, arrange, select

BLOCK_COLUMNS = 2048
# Autograd's names of a linear layer's product, which differ between devices.
LINEAR_NODES = ("AddmmBackward0", "MmBackward0", "LinearBackward0")


class NotStructuredError(ValueError):
    """A function uses its linear layers in a way that their factors do not describe."""


class LayerFactors(NamedTuple):
    """The factors of a linear layer's Jacobian, which is made of outer products of their rows.

    Attributes:
        weight: Name of the weight; None when it is not a parameter of this layer alone.
        bias: Name of the bias; None in the same case.
        inputs: ``(n, w)`` inputs of the layer; of width 0 if there is no weight. The input of a
            bias is 1.
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
    version: int
    shape: torch.Size
    bias_shape: torch.Size | None


class _Recorder(TorchFunctionMode):
    """Records every ``torch.nn.functional.linear`` that uses one of some parameters.

    Args:
        params: Parameters by name.
        copying: Whether the operations that follow a layer get a copy of its result, so that
            in-place ones leave the recorded result unchanged.
    """

    def __init__(self, params: Mapping[str, Tensor], copying: bool) -> None:
        super().__init__()
        self.copying = copying
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
        shift = given.get("bias")
        self.calls.append(
            _Call(
                weight,
                bias,
                given["input"],
                result,
                result._version,
                given["weight"].shape,
                None if shift is None else shift.shape,
            )
        )
        return result.clone() if self.copying else result


def linear_parameters(function: PointFunction, x: Tensor) -> frozenset[str]:
    """Names of the parameters that a single linear layer uses once, on ``(n, w)`` inputs.

    A linear layer is a call of ``torch.nn.functional.linear``, whatever module makes it.

    Args:
        function: Function to differentiate.
        x: ``(n, ...)`` some points.
    """
    # Three points: with one, a layer of one constant row would look like a layer of points.
    some = torch.cat([x[:2], x[:2], x[:2]])[:3]
    outputs, calls = _record(function, some)
    uses = _uses(outputs, function.params)
    return frozenset(
        name
        for call in calls
        if _is_plain(call, len(some))
        for name in (call.weight, call.bias)
        if name is not None and uses[name] == 1 and _enters(function.params[name], call.result)
    )


@torch.enable_grad()
def layer_factors(
    function: PointFunction, x: Tensor, covered: Collection[str], outputs: Outputs = "full"
) -> list[LayerFactors]:
    """The factors of each linear layer that has one of the covered parameters, in call order.

    Args:
        function: Function to differentiate.
        x: ``(n, ...)`` points.
        covered: Names of parameters, all from :func:`linear_parameters`.
        outputs: Selection of the outputs to differentiate.

    Raises:
        ValueError: The function cannot be differentiated.
        NotStructuredError: The rows of a layer are not the points, or the function calls other
            layers for these points.
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
        raise NotStructuredError(
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
    _check_rows(function, values, results, gradients)
    return [
        LayerFactors(
            call.weight,
            call.bias,
            call.inputs.detach() if call.weight else call.inputs.new_empty(len(x), 0),
            torch.stack(layer, dim=1) if len(layer) > 1 else layer[0][:, None],
        )
        for call, layer in zip(kept, zip(*gradients, strict=True), strict=True)
    ]


def add_gram(
    kernel: Tensor,
    left: LayerFactors,
    right: LayerFactors,
    outputs: Outputs,
    weighting: Mapping[str, Tensor] | None = None,
) -> None:
    r"""Adds a layer's part to the kernel of two sets of points, in place.

    .. math::
        \Theta_{no,mp} \mathrel{+}= \langle h_n, h_m \rangle \langle g_{no}, g_{mp} \rangle
        \quad\text{or, weighted,}\quad
        \sum_{ij} P_{ij}\, g_{noi} g_{mpi}\, h_{nj} h_{mj}

    Args:
        kernel: ``(n·c, m·c)``, contiguous, for ``full``, else ``(n, m)``.
        left: Factors of n points.
        right: Factors of m points.
        outputs: Selection of outputs of the kernel.
        weighting: Diagonal of P by parameter name; ones when None.

    References:
        Novak, Sohl-Dickstein and Schoenholz 2022, "Fast Finite Width Neural Tangent Kernel", eq. 9.
    """
    if weighting is not None:
        _add_weighted_gram(kernel, left, right, outputs, weighting)
        return
    one = left.inputs.new_full((1, 1), float(left.bias is not None))
    inputs = torch.addmm(one, left.inputs, right.inputs.T)
    (n, c, _), m = left.gradients.shape, len(right.gradients)
    if outputs == "full":
        gradients = left.gradients.flatten(0, 1) @ right.gradients.flatten(0, 1).T
        kernel.view(n, c, m, c).addcmul_(inputs[:, None, :, None], gradients.view(n, c, m, c))
    else:
        gradients = left.gradients.flatten(1) @ right.gradients.flatten(1).T
        kernel.addcmul_(inputs, gradients, value=1 / c)


def _add_weighted_gram(
    kernel: Tensor,
    left: LayerFactors,
    right: LayerFactors,
    outputs: Outputs,
    weighting: Mapping[str, Tensor],
) -> None:
    """Adds the part of a weighted layer from its Jacobian, formed for some results at a time.

    A weighting of single entries does not factor into one of inputs and one of gradients.
    """
    columns = [weighting[left.weight]] if left.weight else []
    columns += [weighting[left.bias][:, None]] if left.bias else []
    roots = torch.cat(columns, dim=1).sqrt()
    step = max(1, BLOCK_COLUMNS // roots.shape[1])
    for start in range(0, len(roots), step):
        block = slice(start, start + step)
        rows = []
        for side in (left, right):
            inputs = functional.pad(side.inputs, (0, left.bias is not None), value=1.0)
            jacobian = side.gradients[:, :, block, None] * (roots[block] * inputs[:, None, None])
            rows.append(arrange(jacobian.flatten(2), outputs))
        kernel.addmm_(rows[0], rows[1].T)


def _record(function: PointFunction, x: Tensor) -> tuple[Tensor, list[_Call]]:
    for copying in (False, True):
        with torch.enable_grad(), _Recorder(function.params, copying) as recorder:
            outputs = function(x)
        # Copies cost time, and are needed only if an operation changed a result in place.
        if all(call.result._version == call.version for call in recorder.calls):
            break
    return outputs, recorder.calls


def explain_infinity(layers: list[LayerFactors]) -> str:
    """The reason why a kernel is not finite, as half a sentence that names the layer."""
    for layer in layers:
        for what, rows in (("inputs", layer.inputs), ("output gradients", layer.gradients)):
            if not rows.isfinite().all():
                return (
                    f"{what} of the layer of {layer.weight or layer.bias} are not, since its "
                    "weights have diverged or its activation has no derivative there"
                )
    return "its weights or gradients are so large that their products overflow"


def _check_rows(
    function: PointFunction,
    values: Tensor,
    results: list[Tensor],
    gradients: list[tuple[Tensor, ...]],
) -> None:
    """Rejects functions in which a layer's row belongs to another point than the output's row.

    Weighting the outputs of each point by a number must weight the point's gradients by the same.
    """
    points = torch.linspace(1, 2, len(values), dtype=values.dtype, device=values.device)
    # Outputs have weights too: their plain sum may be a constant, without gradient.
    outputs = _direction(values.shape[1], values)
    weighted = torch.autograd.grad(points @ values @ outputs, results)
    for own, of_outputs in zip(weighted, zip(*gradients, strict=True), strict=True):
        # One direction is cheap and enough: rows that differ do so along almost every direction.
        direction = _direction(own.shape[1], own)
        parts = torch.stack([gradient @ direction for gradient in of_outputs], dim=1)
        difference = torch.linalg.vector_norm(own @ direction - points * (parts @ outputs))
        if difference > 1e-3 * torch.linalg.vector_norm(parts):
            raise NotStructuredError(
                f"{function.name} moves points to other rows, or mixes them; expected one that "
                "treats each by itself. Use method='contraction' if it does in the end."
            )


def _direction(size: int, like: Tensor) -> Tensor:
    """A fixed vector without structure."""
    return torch.arange(1, size + 1, dtype=like.dtype, device=like.device).sin() + 2


def _is_plain(call: _Call, num_points: int) -> bool:
    """Whether a call multiplies one row for each point, and adds a bias to each column."""
    result = call.result
    return (
        call.inputs.shape[:-1] == (num_points,)
        and result.shape == (num_points, *call.shape[:1])
        and len(call.shape) == 2
        and call.bias_shape in (None, call.shape[:1])
        and not result.is_complex()
        and type(result.grad_fn).__name__ in LINEAR_NODES
    )


def _enters(parameter: Tensor, result: Tensor) -> bool:
    """Whether a parameter enters a product directly, or through its transpose."""
    nodes = [node for node, _ in result.grad_fn.next_functions if node is not None]  # type: ignore[union-attr]
    nodes += [inner for node in nodes for inner, _ in node.next_functions if inner is not None]
    return any(getattr(node, "variable", None) is parameter for node in nodes)


def _uses(outputs: Tensor, params: Mapping[str, Tensor]) -> dict[str, int]:
    """How often each parameter enters the autograd graph of the outputs."""
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
