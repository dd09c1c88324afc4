"""Derivatives on file are those of the field."""

from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inr.field.view import GradientField
from inr.signal import GradientScale, write_gradient
from inr.signal._gradient_file import gather
from tests.tolerance import assert_close


class Waves(nn.Module):
    """Two outputs whose derivatives are known; the axes count differently."""

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        self.register_buffer("rates", torch.arange(1.0, dimensions + 1))

    def forward(self, coords: Tensor) -> Tensor:
        phase = (coords * self.rates).sum(-1)
        return torch.stack([phase.sin(), phase.square()], dim=-1)


def scale_of(dimensions: int) -> GradientScale:
    """Other factors for each axis, of which one turns the sign."""
    return GradientScale((2.0, -3.0, 0.5)[:dimensions], "metres per second")


def slopes_of(shape: tuple[int, ...], region: np.ndarray) -> np.ndarray:
    """In closed form, ``(*shape, 2, d)``."""
    axes = [(np.arange(n) + 0.5) / n for n in shape]
    coords = np.stack(np.meshgrid(*axes, indexing="ij")[::-1], axis=-1)
    coords = region[0] + coords * (region[1] - region[0])
    rates = np.arange(1, len(shape) + 1)
    phase = coords @ rates
    return np.stack([np.cos(phase), 2 * phase], axis=-1)[..., None] * rates


@pytest.mark.parametrize("shape", [(9,), (4, 6), (3, 4, 5)])
@pytest.mark.parametrize("is_part", [False, True])
def test_derivatives_are_scaled_in_coordinate_order(shape: tuple[int, ...], is_part: bool) -> None:
    corners = np.array([[0.1, 0.2, 0.3], [0.4, 0.9, 1.4]])[:, : len(shape)]
    region = tuple(map(tuple, corners.tolist())) if is_part else None
    field = GradientField(Waves(len(shape)))
    scale = scale_of(len(shape))
    write_gradient(Path("out.npz"), field, shape, scale, region=region)
    written = np.load("out.npz")
    assert str(written["units"]) == "metres per second"
    found = written["gradient"]
    assert (found.shape, found.dtype) == ((*shape, 2, len(shape)), np.float32)
    whole = np.array([[0] * len(shape), [1] * len(shape)])
    # Coordinates are float32 too, and a wave counts the axes up to three times.
    expected = slopes_of(shape, corners if is_part else whole) * scale.factors
    assert_close(found, expected, looser=10)


# Squares of the extremes leave float32.
@pytest.mark.parametrize("factors", [(2.0, -3.0), (2e-30, -3e-30), (2e30, -3e30)])
def test_a_picture_is_brightest_where_the_derivatives_are_longest(
    factors: tuple[float, float],
) -> None:
    write_gradient(Path("out.png"), GradientField(Waves(2)), (12, 20), GradientScale(factors, ""))
    slopes = slopes_of((12, 20), np.array([[0, 0], [1, 1]])) * factors
    lengths = np.linalg.norm(slopes.reshape(12, 20, 4), axis=-1)
    expected = 255 * lengths / lengths.max()
    assert np.abs(imageio.imread("out.png").astype(float) - expected).max() < 0.51


def test_a_constant_field_has_a_black_picture() -> None:
    write_gradient(Path("out.png"), GradientField(lambda x: 0 * x[:, :1]), (3, 4), scale_of(2))
    assert not imageio.imread("out.png").any()


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("a.png", (3, 4, 5), r"expected \.npz"),
        ("a.png", (9,), r"expected \.npz"),
        ("a.tiff", (3, 4), r"\.npz or \.png"),
    ],
)
def test_other_files_are_rejected(name: str, shape: tuple[int, ...], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        write_gradient(Path(name), GradientField(Waves(len(shape))), shape, scale_of(len(shape)))
    assert not Path(name).exists()


def test_slabs_are_gathered_in_their_order() -> None:
    whole = np.arange(5 * 3 * 2, dtype=np.float64).reshape(5, 3, 2)
    found = gather(iter([whole[:2], whole[2:4], whole[4:]]), (5, 3))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, whole)
