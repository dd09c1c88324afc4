"""Promises that encodings and networks share."""

import copy
import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.func import functional_call, vmap

from inr.encoding import Encoding
from inr.network import Network
from inr.testing._require import name_of, require

BATCHES: tuple[tuple[int, ...], ...] = ((), (5,), (2, 3), (0,))

Module = Encoding | Network


def module_checks() -> tuple[Callable[[Module], None], ...]:
    """Checks of what encodings and networks promise alike."""
    return (
        maps_batches_of_every_shape,
        rejects_inputs_of_other_widths,
        has_constants_as_buffers,
        repeats_its_results,
        follows_its_dtype,
        treats_each_point_by_itself,
        keeps_its_state_in_the_state_dict,
        has_right_gradients,
        has_right_second_derivatives,
    )


def draw_inputs(module: Module) -> Tensor:
    """Seven valid inputs: points of the unit cube, or features between -1 and 1."""
    points = torch.rand(7, module.in_features, generator=torch.Generator().manual_seed(0))
    return 2 * points - 1 if isinstance(module, Network) else points


def maps_batches_of_every_shape(module: Module) -> None:
    """Batches of no, one and two axes, and an empty one."""
    inputs = draw_inputs(module)
    for batch in BATCHES:
        result = module(inputs[: math.prod(batch)].reshape(*batch, module.in_features))
        expected = (*batch, module.out_features)
        require(
            tuple(result.shape) == expected,
            module,
            f"maps a batch of shape {batch} to {tuple(result.shape)}; expected {expected}",
        )


def rejects_inputs_of_other_widths(module: Module) -> None:
    """Inputs one too wide and one too narrow raise ``ValueError``."""
    for width in (module.in_features + 1, module.in_features - 1):
        try:
            module(torch.zeros(5, width))
        except ValueError:
            continue
        except Exception as error:
            raise AssertionError(
                f"{name_of(module)} raises {type(error).__name__} for inputs {width} wide "
                f"instead of {module.in_features}; expected ValueError."
            ) from error
        require(
            False, module, f"takes inputs {width} wide; expected ValueError: {module.in_features}"
        )


def has_constants_as_buffers(module: Module) -> None:
    """A parameter without gradient would be counted by kernels."""
    require(
        all(parameter.requires_grad for parameter in module.parameters()),
        module,
        "has parameters without gradient; expected constants to be buffers",
    )


def repeats_its_results(module: Module) -> None:
    """The same inputs give the same values."""
    inputs = draw_inputs(module)
    require(
        torch.equal(module(inputs), module(inputs)), module, "gives different results when repeated"
    )


def follows_its_dtype(module: Module) -> None:
    """A module that is moved to float64 computes in it."""
    dtype = _in_double(module)(draw_inputs(module).double()).dtype
    require(
        dtype == torch.float64, module, f"gives {dtype} after .to(torch.float64); expected float64"
    )


def treats_each_point_by_itself(module: Module) -> None:
    """A point has the same value alone, in any order and in any batch."""
    double, inputs = _in_double(module), draw_inputs(module).double()
    expected = double(inputs)
    ways: dict[str, Callable[[], Tensor]] = {
        "alone": lambda: torch.stack([double(point) for point in inputs]),
        "in another order": lambda: double(inputs.flip(0)).flip(0),
        "in a batch of two axes": lambda: double(inputs[:6].reshape(2, 3, -1)).flatten(0, 1),
        "under torch.func.vmap": lambda: vmap(double)(inputs),
    }
    for way, evaluate in ways.items():
        result = evaluate()
        require(
            torch.allclose(result, expected[: len(result)], rtol=1e-9, atol=1e-9),
            module,
            f"gives a point another value {way}; expected each point by itself",
        )


def keeps_its_state_in_the_state_dict(module: Module) -> None:
    """A module with other tensors computes the same after loading the state dict."""
    double, inputs = _in_double(module), draw_inputs(module).double()
    emptied = copy.deepcopy(double)
    for tensor in (*emptied.parameters(), *emptied.buffers()):
        tensor.detach().zero_()
    emptied.load_state_dict(double.state_dict())
    require(
        torch.equal(emptied(inputs), double(inputs)),
        module,
        "gives another result after its state dict is loaded; expected all of its tensors there",
    )


def has_right_gradients(module: Module) -> None:
    """Gradients in inputs and parameters are those of finite differences."""
    _compare_with_differences(module, gradcheck, "gradients")


def has_right_second_derivatives(module: Module) -> None:
    """Second derivatives in inputs and parameters are those of finite differences."""
    _compare_with_differences(module, gradgradcheck, "second derivatives")


def _compare_with_differences(module: Module, check: Callable[..., bool], what: str) -> None:
    double = _in_double(module)
    names = [name for name, _ in double.named_parameters()]
    values = [p.detach().clone().requires_grad_() for p in double.parameters()]

    def evaluate(inputs: Tensor, *parameters: Tensor) -> Tensor:
        return functional_call(double, dict(zip(names, parameters, strict=True)), (inputs,))

    inputs = draw_inputs(module).double().requires_grad_()
    try:
        check(evaluate, (inputs, *values), fast_mode=True)
    except Exception as error:
        raise AssertionError(
            f"{name_of(module)} has {what} that differ from finite differences."
        ) from error


def _in_double(module: Module) -> Module:
    return copy.deepcopy(module).to(torch.float64)
