"""Linear layers of many networks at once."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional
from torch.overrides import TorchFunctionMode


class StackedLinears(TorchFunctionMode):
    """A context in which linear layers under ``torch.func.vmap`` are batched matrix products.

    The results stay the same. PyTorch's own batching rule gives transposed gradients, rounds the
    sum with the bias separately, and takes several times as long.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is functional.linear:
            return _linear(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def _linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    if input.ndim != 2 or weight.ndim != 2:
        return functional.linear(input, weight, bias)
    if torch.is_autocast_enabled(input.device.type):
        dtype = torch.get_autocast_dtype(input.device.type)
        input, weight = _round(input, dtype), _round(weight, dtype)
        bias = None if bias is None else _round(bias, dtype)
    result: Tensor = _Linear.apply(input, weight, bias)
    return result


def _round(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Converts a tensor like autocast, which leaves float64 unchanged."""
    return tensor if tensor.dtype == torch.float64 else tensor.to(dtype)


class _Linear(torch.autograd.Function):
    """``functional.linear`` of matrices, with a batching rule of its own."""

    @staticmethod
    def forward(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return functional.linear(input, weight, bias)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor | None], output: Any) -> None:
        input, weight, bias = inputs
        ctx.has_bias = bias is not None
        ctx.save_for_backward(input, weight)
        ctx.save_for_forward(input, weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        input, weight = ctx.saved_tensors
        bias_gradient = gradient.sum(0) if ctx.has_bias else None
        return gradient @ weight, gradient.mT @ input, bias_gradient

    @staticmethod
    def jvp(ctx: Any, input_move: Tensor, weight_move: Tensor, bias_move: Tensor | None) -> Tensor:
        input, weight = ctx.saved_tensors
        move = input_move @ weight.mT + input @ weight_move.mT
        return move if bias_move is None else move + bias_move

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], *operands: Tensor | None
    ) -> tuple[Tensor, int]:
        """The batching rule. Operands without a batch are the same for all."""
        input, weight, bias = (
            operand if dim is None or operand is None else operand.movedim(dim, 0)
            for operand, dim in zip(operands, in_dims, strict=True)
        )
        assert input is not None and weight is not None
        if in_dims[1] is None and in_dims[2] is None:
            return functional.linear(input, weight, bias), 0
        if in_dims[1] is None:
            weight = weight.expand(info.batch_size, *weight.shape)
        if bias is not None and in_dims[2] is None:
            bias = bias.expand(info.batch_size, *bias.shape)
        product = _SharedProduct if in_dims[0] is None else _Products
        return product.apply(input, weight, bias), 0


class _Products(torch.autograd.Function):
    """``(F, n, i), (F, o, i), (F, o) -> (F, n, o)``, with gradients in the operands' own layout."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(input, weight)
        if bias is None:
            return torch.bmm(input, weight.mT)
        # baddbmm rounds the sum once, like the layer of a single field.
        return torch.baddbmm(bias[:, None], input, weight.mT)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor | None]:
        input, weight = ctx.saved_tensors
        return (
            torch.bmm(gradient, weight) if ctx.needs_input_grad[0] else None,
            torch.bmm(gradient.mT, input),
            _sum_points(gradient) if ctx.needs_input_grad[2] else None,
        )


class _SharedProduct(torch.autograd.Function):
    """``(n, i), (F, o, i), (F, o) -> (F, n, o)``: one product with all weights side by side."""

    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(input, weight)
        rows = None if bias is None else bias.flatten()
        products = functional.linear(input, weight.flatten(0, 1), rows)
        return products.unflatten(1, weight.shape[:2]).movedim(1, 0).contiguous()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor | None]:
        input, weight = ctx.saved_tensors
        columns = gradient.movedim(0, 1).flatten(1)
        return (
            columns @ weight.flatten(0, 1) if ctx.needs_input_grad[0] else None,
            (columns.mT @ input).view_as(weight),
            _sum_points(gradient) if ctx.needs_input_grad[2] else None,
        )


def _sum_points(gradient: Tensor) -> Tensor:
    """The sum ``(F, n, o) -> (F, o)`` as a matrix product, which is faster."""
    return (gradient.new_ones(1, gradient.shape[1]) @ gradient)[:, 0]
