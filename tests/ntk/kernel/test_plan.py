"""The choices of the cost model."""

import pytest
import torch
from torch import nn

from inr.ntk.kernel.function import PointFunction
from inr.ntk.kernel.plan import plan_ntk
from tests.ntk.models import COVERED, PARTLY, UNCOVERED, draw_points, make


def plan(name: str, **options: object):  # type: ignore[no-untyped-def]
    return plan_ntk(PointFunction(make(name)), draw_points(4), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", COVERED)
def test_a_module_of_linear_layers_needs_no_jacobians(name: str) -> None:
    assert plan(name).contracted == ()


@pytest.mark.parametrize("name", PARTLY)
def test_only_what_is_outside_linear_layers_is_contracted(name: str) -> None:
    found = plan(name)
    assert set(found.contracted) == PARTLY[name][1]
    assert found.layers
    assert found.method == "structured"


@pytest.mark.parametrize("name", UNCOVERED)
def test_without_linear_layers_all_is_contracted(name: str) -> None:
    assert plan(name).method == "contraction"


def test_the_cost_counts_multiplications() -> None:
    function = PointFunction(nn.Sequential(nn.Linear(2, 7), nn.Tanh(), nn.Linear(7, 3)))
    x, x2 = torch.rand(4, 2), torch.rand(5, 2)
    by_factors = (2 + 9 * 7) + 9 * 7 + (7 + 9 * 3) + 9 * 3
    assert plan_ntk(function, x, x2).multiplications == 20 * by_factors
    by_jacobians = 9 * (7 * 2 + 7 + 3 * 7 + 3)
    contracted = plan_ntk(function, x, x2, method="contraction")
    assert contracted.multiplications == 20 * by_jacobians
    assert plan_ntk(function, x, outputs="mean").multiplications == 16 * (
        (2 + 3 * 7) + 3 * 7 + (7 + 3 * 3) + 3 * 3
    )


def test_auto_takes_jacobians_where_they_are_cheaper() -> None:
    # A weight of one number: its Jacobian is one number too, its factors are two.
    function = PointFunction(nn.Linear(1, 1, bias=False))
    x = torch.rand(4, 1)
    assert plan_ntk(function, x).method == "contraction"
    assert plan_ntk(function, x, method="structured").method == "structured"
