"""One period along each axis."""

import math

import torch

from inr.encoding import BasicEncoding
from tests.tolerance import assert_close


def test_each_axis_has_one_period() -> None:
    encoding = BasicEncoding(2).double()
    # cos and sin of 2π·(0, 1/4), then of 2π·(1/8, 1/2), axes kept apart.
    half = math.sqrt(0.5)
    points = torch.tensor([[0.0, 0.25], [0.125, 0.5]]).double()
    assert_close(encoding(points), [[1.0, 0.0, 0.0, 1.0], [half, -1.0, half, 0.0]])


def test_opposite_borders_meet() -> None:
    encoding = BasicEncoding(3).double()
    assert_close(encoding(torch.ones(3).double()), encoding(torch.zeros(3).double()))


def test_the_norm_is_the_length() -> None:
    lengths = [
        torch.linalg.vector_norm(BasicEncoding(3, norm=norm)(torch.rand(4, 3)), dim=1)
        for norm in (None, 5.0)
    ]
    assert_close(torch.stack(lengths), [4 * [math.sqrt(3)], 4 * [5.0]])


def test_an_amplitude_power_changes_nothing() -> None:
    points = torch.rand(4, 2)
    assert torch.equal(BasicEncoding(2, amplitude_power=2.0)(points), BasicEncoding(2)(points))
