"""Annotated shapes, which are checked while tests run and cost nothing otherwise."""

import copy
import importlib
import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
from jaxtyping import Float, TypeCheckError
from torch import Tensor, nn
from torch.func import functional_call, jacrev, vmap

from inr.encoding import Encoding, GaussianEncoding
from inr.field import Field
from inr.network import MLPNetwork, Network
from tests.shapes import annotated_modules, check_named_tuple


class BrokenEncoding(Encoding):
    def __init__(self, broken: Callable[[Tensor], Tensor]) -> None:
        super().__init__(2, 6)
        self.encode = broken  # type: ignore[method-assign]

    def encode(self, coords: Tensor) -> Tensor:
        raise NotImplementedError


class BrokenNetwork(Network):
    def __init__(self, broken: Callable[[Tensor], Tensor]) -> None:
        super().__init__(2, 6)
        self.transform = broken  # type: ignore[method-assign]

    def transform(self, features: Tensor) -> Tensor:
        raise NotImplementedError


@pytest.mark.parametrize("kind", [BrokenEncoding, BrokenNetwork])
@pytest.mark.parametrize(
    "broken",
    [
        lambda x: x.repeat(1, 2),  # another width than out_features says
        lambda x: x.repeat(1, 3).sum(0, keepdim=True),  # another number of points
        lambda x: x.repeat(1, 3)[0],  # an axis less
        lambda x: x.repeat(1, 3).long(),  # whole numbers
    ],
)
def test_a_result_of_a_wrong_shape_is_caught(
    kind: Callable[..., nn.Module], broken: Callable[[Tensor], Tensor]
) -> None:
    points = torch.rand(5, 2)
    assert kind(lambda x: x.repeat(1, 3))(points).shape == (5, 6)
    with pytest.raises(TypeCheckError, match=r"return value of .*\.forward"):
        kind(broken)(points)


def test_whole_numbers_are_no_coordinates() -> None:
    with pytest.raises(TypeCheckError, match="coords"):
        GaussianEncoding(2)(torch.ones(5, 2, dtype=torch.int64))


class Points(NamedTuple):
    coords: Float[Tensor, "n d"]
    values: Float[Tensor, "n c"] | None = None


def test_a_named_tuple_of_wrong_shapes_is_caught() -> None:
    check_named_tuple(Points)
    points = Points(torch.rand(5, 2), values=torch.rand(5, 3))
    assert points.coords.shape == Points(points.coords).coords.shape == (5, 2)
    assert copy.deepcopy(points)._replace(values=None).values is None
    with pytest.raises(TypeCheckError, match="values"):
        Points(torch.rand(5, 2), torch.rand(4, 3))


def make_field() -> Field:
    torch.manual_seed(0)
    encoding = GaussianEncoding(2, num_frequencies=4)
    return Field(encoding, MLPNetwork(8, 3, hidden_features=8))


def test_transforms_go_through_the_checks() -> None:
    field, points = make_field(), torch.rand(5, 2)
    parameters = dict(field.named_parameters())
    assert torch.allclose(vmap(field)(points), field(points))
    slopes = jacrev(lambda p: functional_call(field, p, points))(parameters)
    assert slopes["network.output.bias"].shape == (5, 3, 3)


def test_a_field_is_compiled_in_one_graph() -> None:
    field, points = make_field(), torch.rand(5, 2)
    compiled = torch.compile(field, fullgraph=True, backend="eager")
    assert torch.equal(compiled(points), field(points))


def test_every_annotated_module_is_checked() -> None:
    assert {"inr.encoding._encoding", "inr.network._network"} <= set(annotated_modules())
    for name in annotated_modules():
        members = vars(importlib.import_module(name)).values()
        own = [member for member in members if getattr(member, "__module__", None) == name]
        functions = [f for member in own for f in (member, *vars(member).values())]
        assert any(inspect.isfunction(f) and hasattr(f, "__wrapped__") for f in functions), name


def test_nothing_is_checked_outside_of_tests() -> None:
    code = (
        "import sys, torch; from inr.encoding import Encoding;"
        "assert 'beartype' not in sys.modules; assert not hasattr(Encoding.forward, '__wrapped__')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
