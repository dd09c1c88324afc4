"""The empirical neural tangent kernel of a module or a function."""

import logging
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from inr.argument import check_choice, check_count
from inr.ntk.kernel.contraction import contracted_ntk
from inr.ntk.kernel.function import Parameters, PointFunction, PointMap
from inr.ntk.kernel.outputs import Outputs, check_outputs, num_rows
from inr.ntk.kernel.plan import Plan, plan_ntk
from inr.ntk.kernel.structured import LayerFactors, add_gram, explain_infinity, layer_factors

Method = Literal["auto", "structured", "contraction"]
METHODS = ("auto", "structured", "contraction")
TILE = 512

log = logging.getLogger(__name__)


def empirical_ntk(
    model: PointMap,
    x: Tensor,
    x2: Tensor | None = None,
    *,
    outputs: Outputs = "full",
    method: Method = "auto",
    params: Parameters | None = None,
    weighting: Mapping[str, Tensor] | None = None,
    chunk_size: int | None = None,
    dtype: torch.dtype | None = None,
) -> Tensor:
    r"""Empirical tangent kernel Θ = J Jᵀ at the present weights.

    .. math::
        \Theta_{no,mp} = \sum_\theta
        \frac{\partial f_o(x_n)}{\partial\theta} \frac{\partial f_p(x_m)}{\partial\theta}

    The sum is over trainable parameters; nothing is normalised.

    Args:
        model: A module ``(n, ...) -> (n, ...)`` that treats each point by itself; further axes of
            its outputs are flattened. Or a callable ``(params, x) -> outputs``, such as a
            measurement of a module's outputs.
        x: ``(n, ...)`` points, most often ``(n, d)``.
        x2: ``(m, ...)`` other points; ``x`` when None.
        outputs: ``full`` has rows n·c + o and columns m·c + p; ``mean`` is (1/c) Σ_o Θ_oo; a
            number is that output's block.
        method: ``contraction`` multiplies Jacobians of single points. ``structured`` takes a
            product of two small Gram matrices for each linear layer, and contracts the other
            parameters. ``auto`` takes the one that needs fewer multiplications (logged at INFO, see
            :func:`plan_ntk`). All give the same kernel.
        params: Parameters of a callable by name; None for a module.
        weighting: Diagonal P ≥ 0 of Θ = J P Jᵀ by parameter name, such as a preconditioner's; ones
            when None.
        chunk_size: Points on each side whose Jacobians, or whose tile of the kernel, are held at
            once; chosen to fit caches and memory when None.
        dtype: float32 or float64; the model's when None (float32 for narrower ones).

    Shape:
        ``(n·c, m·c)`` for ``full``, else ``(n, m)``.

    Raises:
        ValueError: The model mixes points, draws numbers, has nothing to train or no finite
            kernel, ``structured`` does not cover it, or an argument is out of range.
        TypeError: ``params`` do not suit the model.

    References:
        Jacot, Gabriel and Hongler 2018, "Neural Tangent Kernel", section 4; Novak, Sohl-Dickstein
        and Schoenholz 2022, "Fast Finite Width Neural Tangent Kernel", eq. 9.

    Example:
        >>> model = torch.nn.Linear(2, 1)
        >>> x = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
        >>> empirical_ntk(model, x)
        tensor([[2., 1.],
                [1., 5.]])
    """
    check_choice("method", method, METHODS)
    if chunk_size is not None:
        check_count("chunk_size", chunk_size)
    # Inference tensors cannot be differentiated.
    with torch.inference_mode(False):
        function = PointFunction(model, params, dtype)
        return kernel_of(
            function,
            function.place(x),
            None if x2 is None else function.place(x2),
            outputs=outputs,
            method=method,
            weighting=function.place_weighting(weighting),
            chunk_size=chunk_size,
        )


def kernel_of(
    function: PointFunction,
    x: Tensor,
    x2: Tensor | None = None,
    *,
    outputs: Outputs,
    method: Method,
    weighting: Mapping[str, Tensor] | None,
    chunk_size: int | None = None,
) -> Tensor:
    """The kernel of a function at points on its device: see :func:`empirical_ntk`."""
    check_outputs(outputs, function.check(x))
    if x2 is not None:
        function.check(x2)
    weighted = weighting is not None
    with torch.autocast(function.device.type, enabled=False):
        plan = plan_ntk(function, x, x2, outputs=outputs, method=method, weighted=weighted)
        log.info("%s", plan)
        kernel = _compute(function, x, x2, plan, outputs, weighting, chunk_size)
    # A norm is cheaper than isfinite, which writes as much memory as it reads.
    if not torch.linalg.vector_norm(kernel, torch.inf).isfinite():
        layers = layer_factors(function, x, plan.layers, outputs) if plan.layers else []
        raise ValueError(
            f"the kernel of {function.name} is not finite: {explain_infinity(layers)}."
        )
    return kernel


def _compute(
    function: PointFunction,
    x: Tensor,
    x2: Tensor | None,
    plan: Plan,
    outputs: Outputs,
    weighting: Mapping[str, Tensor] | None,
    chunk_size: int | None,
) -> Tensor:
    """The kernel as planned."""
    if plan.contracted:
        rest = contracted_ntk(
            function,
            x,
            x2,
            outputs=outputs,
            names=plan.contracted,
            weighting=weighting,
            chunk_size=chunk_size,
        )
    if not plan.layers:
        return rest
    left = layer_factors(function, x, plan.layers, outputs)
    right = None if x2 is None else layer_factors(function, x2, plan.layers, outputs)
    kernel = _sum_layers(left, right, outputs, weighting, chunk_size or TILE)
    return kernel.add_(rest) if plan.contracted else kernel


def _sum_layers(
    left: list[LayerFactors],
    right: list[LayerFactors] | None,
    outputs: Outputs,
    weighting: Mapping[str, Tensor] | None,
    tile: int,
) -> Tensor:
    """The linear layers' part of the kernel, in tiles that fit in the cache.

    A symmetric kernel's tiles are computed once for both sides of the diagonal.
    """
    gradients = left[0].gradients
    (n, c, _), m = gradients.shape, len((right or left)[0].gradients)
    kernel = gradients.new_empty(num_rows(n, c, outputs), num_rows(m, c, outputs))
    step = max(1, tile // num_rows(1, c, outputs))
    for i in range(0, n, step):
        for j in range(i if right is None else 0, m, step):
            rows, columns = slice(i, i + step), slice(j, j + step)
            height, width = (
                num_rows(len(range(k)[s]), c, outputs) for k, s in ((n, rows), (m, columns))
            )
            part = gradients.new_zeros(height, width)
            for a, b in zip(left, right or left, strict=True):
                add_gram(part, a.at(rows), b.at(columns), outputs, weighting)
            top, start = num_rows(i, c, outputs), num_rows(j, c, outputs)
            kernel[top : top + height, start : start + width] = part
            if right is None and i != j:
                kernel[start : start + width, top : top + height] = part.T
    return kernel
