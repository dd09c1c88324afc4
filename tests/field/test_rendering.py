"""Fields on lattices, in chunks and tiles."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inr.encoding import GaussianEncoding
from inr.field import Field
from inr.field.rendering import render, render_tiles
from inr.network import MLPNetwork
from tests.tolerance import assert_close


class Ramp(nn.Module):
    """x + 10 y + 100 z …, which is alike nowhere; counts the points of each call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[int] = []

    def forward(self, coords: Tensor) -> Tensor:
        self.calls.append(len(coords))
        powers = 10.0 ** torch.arange(coords.shape[-1], dtype=coords.dtype)
        return torch.stack([coords @ powers, -coords[:, 0]], dim=-1)


def make_field() -> Field:
    torch.manual_seed(0)
    encoding = GaussianEncoding(2, num_frequencies=8, scale=3.0)
    return Field(encoding, MLPNetwork(16, 3, hidden_features=8)).double()


def test_each_value_lands_at_its_pixel() -> None:
    image = render(Ramp(), (3, 4))
    y, x = np.mgrid[:3, :4]
    x, y = (x + 0.5) / 4, (y + 0.5) / 3
    assert_close(image, np.stack([x + 10 * y, -x], axis=-1))


def test_each_value_of_a_volume_lands_at_its_voxel() -> None:
    volume = render(Ramp(), (2, 3, 5), chunk_size=4)
    z, y, x = np.mgrid[:2, :3, :5]
    x, y, z = (x + 0.5) / 5, (y + 0.5) / 3, (z + 0.5) / 2
    assert_close(volume, np.stack([x + 10 * y + 100 * z, -x], axis=-1))


@pytest.mark.parametrize("chunk_size", [1, 7, 35, 1000])
def test_chunks_change_nothing_but_the_size_of_a_call(chunk_size: int) -> None:
    ramp = Ramp()
    assert_close(render(ramp, (5, 7), chunk_size=chunk_size), render(Ramp(), (5, 7)))
    assert max(ramp.calls) <= chunk_size
    assert sum(ramp.calls) == 35


def test_an_index_picks_points() -> None:
    index = torch.tensor([11, 0, 5])
    picked = render(Ramp(), (3, 4), index=index, chunk_size=2)
    assert_close(picked, render(Ramp(), (3, 4)).flatten(0, 1)[index])


def test_the_dtype_of_the_field_is_used_and_no_gradient_kept() -> None:
    field = make_field()
    image = render(field, (4, 5))
    assert image.dtype == torch.float64
    assert not image.requires_grad
    assert_close(image[1, 3], field(torch.tensor([3.5 / 5, 1.5 / 4], dtype=torch.float64)))


def assemble(field: nn.Module, shape: tuple[int, int], tile: int, **options: object) -> np.ndarray:
    image = np.full((*shape, 3), np.nan)
    tiles = render_tiles(field, shape, tile=tile, **options)  # type: ignore[arg-type]
    for top in range(0, shape[0], tile):
        for left in range(0, shape[1], tile):
            part = next(tiles)
            assert part.shape[:2] == (min(tile, shape[0] - top), min(tile, shape[1] - left))
            image[top : top + tile, left : left + tile] = part
    assert next(tiles, None) is None
    return image


@pytest.mark.parametrize("tile", [1, 4, 5, 64])
def test_tiles_assemble_to_the_whole(tile: int) -> None:
    field = make_field()
    assert_close(assemble(field, (10, 7), tile), render(field, (10, 7)))


def test_a_region_is_the_crop_of_a_larger_picture() -> None:
    field = make_field()
    whole = render(field, (20, 30))
    region = ((6 / 30, 5 / 20), (18 / 30, 15 / 20))
    assert_close(assemble(field, (10, 12), 4, region=region), whole[5:15, 6:18])


def test_a_region_may_be_finer_than_the_picture() -> None:
    field = make_field()
    whole = render(field, (40, 60))
    region = ((0.5, 0.25), (0.75, 0.5))
    assert_close(assemble(field, (10, 15), 8, region=region), whole[10:20, 30:45])
