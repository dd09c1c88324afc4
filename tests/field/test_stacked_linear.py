"""Mapped linear layers give what each gives alone, and so do their derivatives."""

import pytest
import torch
from torch import Tensor
from torch.func import grad, jvp, vmap
from torch.nn import functional

from inr.field.stacked_linear import StackedLinears
from tests.tolerance import assert_close

# Which of input, weight and bias each network has of its own.
OWN = [(0, 0, 0), (None, 0, 0), (0, None, 0), (0, 0, None), (None, None, 0), (0, None, None)]


def draw_operands(own: tuple[int | None, ...], dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Of 3 networks, with 7 points, 4 inputs and 5 outputs."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(7, 4), (5, 4), (5,)]
    return [
        torch.randn(*(shape if dim is None else (3, *shape)), generator=generator)
        .to(dtype)
        .requires_grad_()
        for shape, dim in zip(shapes, own, strict=True)
    ]


def each(operands: list[Tensor], own: tuple[int | None, ...], number: int) -> list[Tensor]:
    return [o if dim is None else o[number] for o, dim in zip(operands, own, strict=True)]


@pytest.mark.parametrize("own", OWN)
def test_values_and_gradients_are_those_of_each(own: tuple[int | None, ...]) -> None:
    operands = draw_operands(own)
    expected = torch.stack([functional.linear(*each(operands, own, i)) for i in range(3)])
    with StackedLinears():
        found = vmap(functional.linear, in_dims=own)(*operands)
    assert_close(found, expected)
    weights = torch.randn(3, 7, 5, dtype=torch.float64)
    gradients = [
        torch.autograd.grad((value * weights).sum(), operands) for value in (found, expected)
    ]
    for gradient, wanted in zip(*gradients, strict=True):
        assert_close(gradient, wanted)


def test_a_layer_may_have_no_bias_and_its_axis_anywhere() -> None:
    input, weight, _ = draw_operands((0, 0, 0))
    with StackedLinears():
        found = vmap(functional.linear, in_dims=(1, 2))(input.movedim(0, 1), weight.movedim(0, 2))
    expected = input @ weight.mT
    assert_close(found, expected)
    assert_close(torch.autograd.grad(found.cos().sum(), weight)[0], (-expected.sin()).mT @ input)


def test_points_may_be_differentiated_inside_of_the_map() -> None:
    input, weight, bias = draw_operands((None, 0, 0))

    def slope(weight: Tensor, bias: Tensor) -> Tensor:
        return grad(lambda x: functional.linear(x, weight, bias).sin().sum())(input)

    with StackedLinears():
        found = vmap(slope)(weight, bias)
    expected = (input @ weight.mT + bias[:, None]).cos() @ weight
    assert_close(found, expected)
    gradients = [torch.autograd.grad(v.square().sum(), weight)[0] for v in (found, expected)]
    assert_close(*gradients)


# PyTorch's remark on what it uses itself.
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_a_layer_may_be_expanded_inside_of_the_map() -> None:
    operands = input, weight, bias = draw_operands((0, 0, 0))

    def move(input: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        moves = input.cos(), bias[:, None] * weight, weight[:, 0]
        return jvp(lambda *p: functional.linear(*p).sin(), (input, weight, bias), moves)[1]

    with StackedLinears():
        found = vmap(move)(*operands)
    inside = input @ weight.mT + bias[:, None]
    moved = input.cos() @ weight.mT + input @ (bias[..., None] * weight).mT
    moved = moved + weight[:, None, :, 0]
    assert_close(found, inside.cos() * moved)


def test_autocast_rounds_as_a_single_layer_does() -> None:
    operands = draw_operands((None, 0, 0), torch.float32)
    with torch.autocast("cpu", torch.bfloat16), StackedLinears():
        found = vmap(functional.linear, in_dims=(None, 0, 0))(*operands)
    assert found.dtype == torch.bfloat16
    with torch.autocast("cpu", torch.bfloat16):
        expected = torch.stack(
            [functional.linear(*each(operands, (None, 0, 0), i)) for i in range(3)]
        )
    assert torch.equal(found, expected)
    (gradient,) = torch.autograd.grad(found.float().sum(), operands[1])
    assert gradient.dtype == torch.float32
    doubles = draw_operands((None, 0, 0))
    with torch.autocast("cpu", torch.bfloat16), StackedLinears():
        assert vmap(functional.linear, in_dims=(None, 0, 0))(*doubles).dtype == torch.float64
