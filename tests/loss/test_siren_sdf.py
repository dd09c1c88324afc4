"""The loss of signed distances, against closed forms and brute force."""

import math
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from inr.batch import SurfaceBatch
from inr.loss import differentiates, siren_sdf, target_kind_of
from inr.training.gradient import BatchGradient
from tests.tolerance import assert_close


class Sphere(nn.Module):
    """The signed distance from a sphere of radius 0.3 in the middle, a little off."""

    def __init__(self, span: float = 2.0, offset: float = 0.0) -> None:
        super().__init__()
        self.span = span
        self.offset = nn.Parameter(torch.tensor(offset, dtype=torch.float64))

    def forward(self, coords: Tensor) -> Tensor:
        radius = (coords - 0.5).norm(dim=-1, keepdim=True)
        return self.span * (radius - 0.3) + self.offset


def draw(count: int, *, on_surface: bool, has_normals: bool = True) -> SurfaceBatch:
    random = torch.Generator().manual_seed(0)
    directions = torch.randn(count, 3, generator=random, dtype=torch.float64)
    directions /= directions.norm(dim=-1, keepdim=True)
    coords = torch.rand(count, 3, generator=random, dtype=torch.float64)
    if on_surface:
        coords = 0.5 + 0.3 * directions
    normals = directions if on_surface and has_normals else torch.zeros_like(directions)
    return SurfaceBatch(coords, torch.full_like(coords[:, :1], on_surface), None, normals)


def both(count: int) -> SurfaceBatch:
    parts = draw(count, on_surface=True), draw(count, on_surface=False)
    columns = [
        None if first is None else torch.cat([first, second])
        for first, second in zip(*parts, strict=True)
    ]
    return SurfaceBatch._make(columns)


@pytest.mark.parametrize("span", [1.0, 2.0])
def test_a_signed_distance_costs_nothing_on_its_surface(span: float) -> None:
    assert siren_sdf(Sphere(span), draw(50, on_surface=True), span=span) < 1e-9


def test_off_the_surface_only_values_near_zero_cost() -> None:
    batch = draw(50, on_surface=False)
    radius = (batch.coords - 0.5).norm(dim=-1)
    expected = 100 * torch.exp(-100 * 2 * (radius - 0.3).abs()).mean()
    assert_close(siren_sdf(Sphere(), batch), expected)


def test_each_term_has_its_weight() -> None:
    surface = draw(50, on_surface=True)
    assert_close(siren_sdf(Sphere(offset=0.01), surface), 3000 * 0.01)
    # Twice as steep as a distance.
    assert_close(siren_sdf(Sphere(span=4.0), surface), 50 * 1.0)
    inside_out = surface._replace(normals=-surface.normals)
    assert_close(siren_sdf(Sphere(), inside_out), 100 * 2.0)
    turned = surface.normals.cross(torch.tensor([[0.0, 0, 1]]).double().expand(50, 3), dim=-1)
    assert_close(siren_sdf(Sphere(), surface._replace(normals=turned)), 100 * 1.0)


def test_points_without_normals_have_no_angle() -> None:
    assert siren_sdf(Sphere(), draw(50, on_surface=True, has_normals=False)) < 1e-9


def test_it_is_a_mean_over_points_and_goes_through_in_parts() -> None:
    field, batch = Sphere(offset=0.05), both(30)
    siren_sdf(field, batch).backward()
    assert field.offset.grad is not None
    expected = field.offset.grad.clone()
    field.offset.grad = None
    loss = BatchGradient(siren_sdf, 7)(field, batch)
    assert_close(loss, siren_sdf(field, batch))
    assert_close(field.offset.grad, expected)
    assert_close(BatchGradient(siren_sdf, 7).measure(field, batch), loss)


def test_its_gradient_is_that_of_finite_differences() -> None:
    batch, values = both(20), []
    for step in (1e-6, -1e-6):
        values.append(siren_sdf(Sphere(offset=0.05 + step), batch))
    field = Sphere(offset=0.05)
    siren_sdf(field, batch).backward()
    slope = (values[0] - values[1]) / 2e-6
    assert math.isclose(slope.item(), field.offset.grad.item(), rel_tol=1e-6)  # type: ignore[union-attr]


def test_it_is_of_surfaces_and_differentiates() -> None:
    loss = partial(siren_sdf, distance=1.0)
    assert target_kind_of(loss) == "surface"
    assert differentiates(loss)
    with pytest.raises(ValueError, match="normal is -1"):
        siren_sdf(Sphere(), draw(3, on_surface=True), normal=-1.0)
