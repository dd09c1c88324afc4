"""Slices and derivatives of fields."""

import torch
from torch import Tensor, nn

from inr.encoding import GaussianEncoding
from inr.field import Field
from inr.field.view import GradientField, SliceField
from inr.network import MLPNetwork
from tests.tolerance import assert_close


class Polynomial(nn.Module):
    """Two outputs of x, y and z, alike under no exchange of them."""

    def forward(self, coords: Tensor) -> Tensor:
        x, y, z = coords.unbind(-1)
        return torch.stack([x + 10 * y * y + 100 * z, x * y * z], dim=-1)


def test_a_slice_holds_the_right_coordinate() -> None:
    coords = torch.rand(5, 2)
    u, v = coords.unbind(-1)
    half = torch.full_like(u, 0.25)
    for number, columns in enumerate([(half, u, v), (u, half, v), (u, v, half)]):
        found = SliceField(Polynomial(), {number: 0.25})(coords)
        assert torch.equal(found, Polynomial()(torch.stack(columns, dim=-1)))


def test_several_coordinates_are_held_at_once() -> None:
    x = torch.rand(5, 1)
    found = SliceField(Polynomial(), {2: 0.75, 1: 0.5})(x)
    expected = torch.cat([x, torch.full_like(x, 0.5), torch.full_like(x, 0.75)], dim=-1)
    assert torch.equal(found, Polynomial()(expected))


def test_the_gradient_has_the_outputs_one_after_the_other() -> None:
    coords = torch.rand(7, 3, dtype=torch.float64)
    x, y, z = coords.unbind(-1)
    one = torch.ones_like(x)
    expected = torch.stack([one, 20 * y, 100 * one, y * z, x * z, x * y], dim=-1)
    assert_close(GradientField(Polynomial())(coords), expected)


def test_the_gradient_of_a_field_is_that_of_autograd() -> None:
    torch.manual_seed(0)
    encoding = GaussianEncoding(2, num_frequencies=6, scale=2.0)
    field = Field(encoding, MLPNetwork(12, 3, hidden_features=8)).double()
    coords = torch.rand(9, 2, dtype=torch.float64, requires_grad=True)
    slopes = [torch.autograd.grad(field(coords)[:, output].sum(), coords)[0] for output in range(3)]
    with torch.no_grad():
        found = GradientField(field)(coords.detach())
    assert_close(found, torch.cat(slopes, dim=-1))
