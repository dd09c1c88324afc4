"""Points in and around a shape, in pools."""

import numpy as np
import pytest
import torch

from inr.mesh import write_mesh
from inr.sampler import EpochSampler, ShapeSampler
from inr.signal import ShapeSignal
from tests.signal.shape.test_signal import make_ellipsoid

SMALL = {"batch_size": 50, "pool_size": 200, "reuse": 2}


@pytest.fixture(scope="module")
def signal(tmp_path_factory: pytest.TempPathFactory) -> ShapeSignal:
    path = tmp_path_factory.mktemp("mesh") / "ellipsoid.ply"
    write_mesh(path, make_ellipsoid(16))
    return ShapeSignal(path=path, target="distance")


def test_a_draw_is_a_function_of_the_seed_and_its_number(signal: ShapeSignal) -> None:
    sampler = ShapeSampler(**SMALL, seed=3)
    expected = [sampler.draw(signal, number) for number in range(20)]
    for number in (19, 2, 7, 8, 0):
        torch.manual_seed(number)
        for other in (ShapeSampler(**SMALL, seed=3), sampler):
            drawn = other.draw(signal, number)
            assert torch.equal(drawn.coords, expected[number].coords)
            assert torch.equal(drawn.values, expected[number].values)
    assert not torch.equal(ShapeSampler(**SMALL, seed=4).draw(signal, 0).coords, expected[0].coords)


def test_a_pool_serves_some_steps_and_then_another_does(signal: ShapeSignal) -> None:
    sampler = ShapeSampler(**SMALL)
    # 200 points twice are 8 steps of 50.
    pools = [
        {tuple(p) for n in range(8 * k, 8 * k + 8) for p in sampler.draw(signal, n).coords.tolist()}
        for k in range(3)
    ]
    assert all(100 < len(pool) <= 200 for pool in pools)
    assert not pools[0] & pools[1] and not pools[1] & pools[2]


def test_labels_are_those_of_the_points(signal: ShapeSignal) -> None:
    batch = ShapeSampler(**SMALL).draw(signal, 5)
    assert batch.index is None
    expected = signal.label(batch.coords.numpy().astype(np.float64)).astype(np.float32)
    assert np.array_equal(batch.values.numpy(), expected)


@pytest.mark.parametrize("near_share", [0.0, 0.25, 1.0])
def test_a_share_is_near_the_surface(signal: ShapeSignal, near_share: float) -> None:
    sampler = ShapeSampler(
        batch_size=20_000, pool_size=20_000, near_share=near_share, sigma=1e-3, reuse=1
    )
    near = sampler.draw(signal, 0).values.abs() < 5e-3
    by_chance = 0.012  # the shell of that thickness around the ellipsoid
    assert abs(near.float().mean() - near_share - (1 - near_share) * by_chance) < 0.015


def test_the_others_are_in_the_cube_or_in_the_box(signal: ShapeSignal) -> None:
    spans = []
    for where in ("cube", "box"):
        sampler = ShapeSampler(batch_size=5000, pool_size=5000, near_share=0.0, uniform_in=where)  # type: ignore[arg-type]
        coords = sampler.draw(signal, 0).coords
        spans.append((coords.max(0).values - coords.min(0).values).numpy())
    assert np.abs(spans[0] - 1).max() < 0.01
    assert np.abs(spans[1] - [0.9, 0.6, 0.3]).max() < 0.01


def test_it_draws_from_shapes_alone(signal: ShapeSignal) -> None:
    with pytest.raises(
        TypeError, match="EpochSampler cannot draw from ShapeSignal; expected a FiniteSignal"
    ):
        EpochSampler().check(signal)
    ShapeSampler().check(signal)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"near_share": 1.5}, "near_share is 1.5"),
        ({"sigma": 0.0}, "sigma is 0"),
        ({"uniform_in": "ball"}, "expected one of cube, box"),
        ({"reuse": 0}, "reuse is 0"),
    ],
)
def test_bad_options_are_rejected(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ShapeSampler(**options)  # type: ignore[arg-type]
