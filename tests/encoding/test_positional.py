"""Log-spaced frequencies along each axis."""

import math

import pytest
import torch

from inr.encoding import PositionalEncoding
from tests.tolerance import assert_close


def test_frequencies_are_a_geometric_series_from_one_to_the_scale_on_each_axis() -> None:
    encoding = PositionalEncoding(2, num_frequencies=4, scale=27.0)
    expected = [[1, 0], [0, 1], [3, 0], [0, 3], [9, 0], [0, 9], [27, 0], [0, 27]]
    assert_close(encoding.frequencies, expected)


def test_octaves_are_those_of_nerf() -> None:
    octaves = 5
    encoding = PositionalEncoding(1, num_frequencies=octaves, scale=2.0 ** (octaves - 1)).double()
    x = torch.tensor([[0.1], [0.37], [0.8]]).double()
    nerf = [2**octave * math.pi * (2 * x) for octave in range(octaves)]
    expected = torch.cat([f(phase) for f in (torch.cos, torch.sin) for phase in nerf], dim=1)
    assert_close(encoding(x), expected)


def test_one_frequency_is_the_lowest() -> None:
    encoding = PositionalEncoding(2, num_frequencies=1, scale=64.0)
    assert torch.equal(encoding.frequencies, torch.eye(2))


def test_features_of_one_axis_ignore_the_others() -> None:
    encoding = PositionalEncoding(2, num_frequencies=3, scale=4.0)
    one, other = encoding(torch.tensor([[0.2, 0.3], [0.2, 0.9]]))
    x_features = torch.tensor(3 * [True, False] + 3 * [True, False])
    assert torch.equal(one[x_features], other[x_features])
    assert not torch.isclose(one[~x_features], other[~x_features]).any()


@pytest.mark.parametrize(("norm", "expected"), [(None, math.sqrt(12)), (1.0, 1.0)])
def test_the_length_is_the_root_of_the_number_of_frequencies(
    norm: float | None, expected: float
) -> None:
    encoding = PositionalEncoding(3, num_frequencies=4, norm=norm)
    lengths = torch.linalg.vector_norm(encoding(torch.rand(6, 3)), dim=1)
    assert_close(lengths, torch.full((6,), expected))


def test_a_power_law_is_the_inverse_of_the_frequency() -> None:
    encoding = PositionalEncoding(1, num_frequencies=3, scale=4.0, amplitude_power=1.0, norm=1.0)
    assert_close(encoding.amplitudes, torch.tensor([4.0, 2.0, 1.0]) / math.sqrt(21))


def test_a_scale_below_the_lowest_frequency_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"scale is 0.5; expected 1 or more"):
        PositionalEncoding(2, scale=0.5)


def test_no_frequencies_are_rejected() -> None:
    with pytest.raises(ValueError, match="num_frequencies is 0"):
        PositionalEncoding(2, num_frequencies=0)
